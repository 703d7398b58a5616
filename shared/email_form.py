"""The one spelling of an email address, with what some domains say of dots and plus tags. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field

from email_validator import SPECIAL_USE_DOMAIN_NAMES, EmailNotValidError, validate_email

# RFC 5321: 64 before the @, and 254 that fit into a path.
ADDRESS_CHARACTERS = 254
_LOCAL_CHARACTERS = 64
_LABEL_CHARACTERS = 63

# What is copied along unseen from web pages and documents: soft hyphens, zero-width spaces, marks
# of direction. Joiners (U+200C, U+200D) stay: some scripts write words with them.
_UNSEEN = dict.fromkeys(
    [0x00AD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF]
)
# Plain lower-case addresses, which nearly all are: `validate_email` says the same of them, after
# twenty times as long. No label has "--" (punycode), the last one has letters alone.
_PLAIN = re.compile(
    r"[a-z0-9_+-]+(?:\.[a-z0-9_+-]+)*@(?:[a-z0-9]+(?:-[a-z0-9]+)*\.)+[a-z]{2,24}", re.ASCII
)
_SPECIAL = tuple(f".{name}" for name in SPECIAL_USE_DOMAIN_NAMES)

_RULE_WORDS = frozenset({"dots", "plus"})
_EVERY_DOMAIN = "*"


@dataclass(frozen=True, slots=True)
class EmailRules:
    """What domains make of an address. ignored: by domain ("*": all others), what means nothing
    before the @: dots, plus (a tag from "+" on) · same: domains that are another name of one.
    """

    ignored: Mapping[str, frozenset[str]] = field(default_factory=dict)
    same: Mapping[str, str] = field(default_factory=dict)


def email_rules(text: str) -> EmailRules:
    """Read "gmail.com:dots,plus; googlemail.com=gmail.com; *:plus". Raises ValueError."""
    ignored: dict[str, frozenset[str]] = {}
    same: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        domain, colon, words = part.partition(":")
        other, equals, of = part.partition("=")
        if colon and not equals:
            named = frozenset(word.strip().lower() for word in words.split(","))
            if not named <= _RULE_WORDS:
                raise ValueError(f"email rule {part!r}: after the colon stand dots, plus or both")
            ignored[_EVERY_DOMAIN if domain.strip() == _EVERY_DOMAIN else _domain(domain)] = named
        elif equals and not colon:
            same[_domain(other)] = _domain(of)
        else:
            raise ValueError(f"email rule {part!r}: write DOMAIN:dots,plus or DOMAIN=DOMAIN")
    for other, of in same.items():
        if of in same:
            raise ValueError(f"email rule {other}={of}: {of} is itself another name of {same[of]}")
    return EmailRules(ignored, same)


def email_form(given: str, rules: EmailRules) -> str | None:
    """The address in the one spelling that is kept, or None when it isn't one.

    Without unseen characters, in Unicode's form NFKC, lower case, the domain in Unicode by IDNA
    2008; then what `rules` say of the domain. Lower case, not case folding: that would make one
    mailbox of strauß@ and strauss@.
    """
    text = given.strip()
    if len(text) > 2 * ADDRESS_CHARACTERS or (text.isascii() and "@" not in text):
        return None
    text = _in_unicode_form(text.lower())
    if len(text) > ADDRESS_CHARACTERS:
        return None
    if not _is_plain(text):
        try:
            checked = validate_email(
                text, strict=True, check_deliverability=False, globally_deliverable=False
            )
        except EmailNotValidError:
            return None
        if "." not in checked.domain:
            return None
        text = _in_unicode_form(checked.normalized.lower())
    return _by_domain(text, rules) if rules.ignored or rules.same else text


def _in_unicode_form(text: str) -> str:
    if text.isascii():
        return text
    text = unicodedata.normalize("NFKC", text.translate(_UNSEEN)).strip()
    # Lower case once more: NFKC makes capitals of some signs, and lower case undoes composing.
    return unicodedata.normalize("NFKC", text.lower())


def _is_plain(text: str) -> bool:
    if not _PLAIN.fullmatch(text) or text.endswith(_SPECIAL):
        return False
    local, _, domain = text.partition("@")
    longest = max(map(len, domain.split(".")))
    return len(local) <= _LOCAL_CHARACTERS and longest <= _LABEL_CHARACTERS


def _by_domain(address: str, rules: EmailRules) -> str:
    local, _, domain = address.rpartition("@")
    domain = rules.same.get(domain, domain)
    ignored = rules.ignored.get(domain) or rules.ignored.get(_EVERY_DOMAIN, frozenset())
    if "plus" in ignored:
        local = local.partition("+")[0].rstrip(".") or local
    if "dots" in ignored:
        local = local.replace(".", "")
    return f"{local}@{domain}"


def _domain(text: str) -> str:
    """A domain as it stands in addresses that are kept. Raises ValueError."""
    address = email_form(f"a@{text.strip()}", EmailRules())
    if address is None:
        raise ValueError(f"email rules: {text.strip()!r} is no domain")
    return address.partition("@")[2]
