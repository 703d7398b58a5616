"""What of a lead tells whether it is somebody else, too. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any
from uuid import UUID

from rapidfuzz import process
from rapidfuzz.distance import OSA

from shared.identity import EMAIL, PHONE, USER_ID, Identifier
from shared.ruleset.accounts import shipped_free_mail_domains

# Mailboxes of a role, not of a person: that two firms have them says nothing.
ROLES = frozenset({
    "admin", "billing", "contact", "enquiries", "hello", "help", "hr", "info", "jobs", "mail",
    "marketing", "noreply", "no-reply", "office", "post", "sales", "service", "shop", "support",
    "team", "webmaster",
})  # fmt: skip
# What people mistype: domains with so many mailboxes that a near miss of one is one.
LARGE_DOMAINS = (
    "gmail.com", "yahoo.com", "hotmail.com", "outlook.com", "icloud.com", "googlemail.com",
    "gmx.de", "web.de", "yahoo.co.uk", "hotmail.co.uk", "live.com", "aol.com", "proton.me",
)  # fmt: skip
# Real ones, though they look like others.
FREE_MAIL = shipped_free_mail_domains()
SAME_DOMAIN = {"googlemail.com": "gmail.com"}
_LEGAL_FORMS = re.compile(
    r"\b(inc|incorporated|ltd|limited|llc|llp|plc|corp|corporation|company|co|gmbh|ag|kg|mbh|ug|se|"
    r"sa|sarl|srl|spa|bv|nv|oy|ab|as|aps|pty|kk|group|holding|holdings)\b"
)
_WORDS = re.compile(r"\w+")
MOST_PER_KIND = 20


@dataclass(frozen=True, slots=True)
class Profile:
    """A lead as others are compared with it. Texts are folded: lower case, without accents.

    emails: (before the @ without dots and tags, domain) · as_written: before the @ as it is ·
    name: two words at least · company: without its legal form.
    """

    lead_id: UUID
    user_ids: frozenset[str]
    phones: frozenset[str]
    emails: frozenset[tuple[str, str]]
    as_written: frozenset[str]
    name: str
    company: str
    birthday: str
    postal: str


def profile_of(
    lead_id: UUID, identifiers: Iterable[Identifier], traits: Mapping[str, Any]
) -> Profile:
    """traits: as the lead has them now, under the usual names (of Segment's identify)."""
    addresses = [value for kind, value in identifiers if kind == EMAIL][:MOST_PER_KIND]
    phones = [value for kind, value in identifiers if kind == PHONE]
    phones += [_text(traits, name) for name in ("phone", "phone_number", "mobile")]
    return Profile(
        lead_id,
        frozenset(value for kind, value in identifiers if kind == USER_ID),
        frozenset(filter(None, map(_phone, phones[:MOST_PER_KIND]))),
        frozenset(map(_skeleton, addresses)),
        frozenset(address.rpartition("@")[0] for address in addresses),
        _name(traits),
        _company(traits),
        _text(traits, "birthday") or _text(traits, "birth_date"),
        _postal(traits),
    )


def _text(traits: Mapping[str, Any], name: str) -> str:
    value = traits.get(name)
    return folded(value)[:200] if isinstance(value, str) else ""


def folded(text: str) -> str:
    """Lower case, without accents, with single spaces."""
    text = text.lower()
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(one for one in parts if not unicodedata.combining(one))
    return " ".join(text.split())


def _phone(text: str) -> str:
    """The last nine digits: what is the same with and without the country's number."""
    digits = "".join(one for one in text if one.isdigit())
    return digits[-9:] if len(digits) >= 7 else ""


def _skeleton(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local.partition("+")[0].replace(".", ""), _meant_domain(domain)


@lru_cache(65_536)
def _meant_domain(domain: str) -> str:
    """The domain that was meant: gmial.com is gmail.com."""
    if domain not in LARGE_DOMAINS and domain not in FREE_MAIL:
        near = process.extractOne(domain, LARGE_DOMAINS, scorer=OSA.distance, score_cutoff=1)
        domain = near[0] if near is not None and len(domain) > 6 else domain
    return SAME_DOMAIN.get(domain, domain)


def _name(traits: Mapping[str, Any]) -> str:
    first = _text(traits, "first_name") or _text(traits, "firstName")
    last = _text(traits, "last_name") or _text(traits, "lastName")
    name = f"{first} {last}" if first and last else _text(traits, "name")
    words = _WORDS.findall(name)
    return " ".join(words) if len(words) > 1 else ""


def _company(traits: Mapping[str, Any]) -> str:
    company = traits.get("company")
    name = company.get("name") if isinstance(company, Mapping) else company
    text = folded(name) if isinstance(name, str) else ""
    return " ".join(_WORDS.findall(_LEGAL_FORMS.sub(" ", text)))[:200]


def _postal(traits: Mapping[str, Any]) -> str:
    """Street and postal code, where both are known."""
    address = traits.get("address")
    parts = address if isinstance(address, Mapping) else traits
    street = _text(parts, "street")
    code = _text(parts, "postal_code") or _text(parts, "postalCode") or _text(parts, "zip")
    return " ".join(_WORDS.findall(f"{street} {code}")) if street and code else ""
