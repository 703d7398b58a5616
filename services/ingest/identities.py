"""Identifiers as they are kept: addresses, phone numbers, ids."""

from __future__ import annotations

import re
from functools import lru_cache

from email_validator import EmailNotValidError, validate_email

from services.ingest.json_checks import check_text
from services.ingest.limits import EMAIL_CHARACTERS, IDENTIFIER_CHARACTERS
from services.ingest.refusal import invalid

_PHONE_FILLING = re.compile(r"[\s().\-/]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")


@lru_cache(maxsize=8192)
def email_address(value: str) -> str | None:
    """The address in the one spelling we keep (all lower case, domain in Unicode), or None when
    it isn't one. Plus-tags and dots are kept: they can be different people.
    """
    value = value.strip()
    if "@" not in value or len(value) > EMAIL_CHARACTERS:
        return None
    try:
        checked = validate_email(value, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        return None
    if "." not in checked.domain:
        return None
    return checked.normalized.lower()


def phone_number(value: object) -> str | None:
    """E.164 such as +431234567, or None: without a country code a number names nobody."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    digits = _PHONE_FILLING.sub("", value)
    if digits.startswith("00"):
        digits = "+" + digits[2:]
    return digits if _E164.fullmatch(digits) else None


def identifier(value: str | int | None, path: str) -> str | None:
    """An id as text, trimmed; None when empty. Raises Refusal (400) when it can't be kept."""
    if value is None:
        return None
    if isinstance(value, int):
        if isinstance(value, bool):
            raise invalid("wrong_type", "An id is a text.", path)
        return str(value)
    value = value.strip()
    check_text(value, path, IDENTIFIER_CHARACTERS)
    return value or None
