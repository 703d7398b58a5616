"""Phone numbers as E.164: by the package phonenumbers where it is installed, else by hand. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable

LONGEST_CHARACTERS = 40
_FILLING = re.compile(r"[\s().\-/]+")
_E164 = re.compile(r"\+[1-9][0-9]{6,14}")
# What people type who don't want to say: the same digit, or counting.
_MADE_UP = re.compile(r"([0-9])\1{7,}$|1234567890?$")

PhoneReader = Callable[[str], str | None]


def phone_reader(region: str) -> PhoneReader:
    """What makes E.164 such as +431234567 of a text, or None where it names nobody.

    region: two letters, for numbers without a country code; "" for none. With the extra
    `leadscore[phone]` numbers are checked against every country's plan, and one with an extension
    is nobody's: others share the line. Without it the country code must stand there. Raises
    ValueError for a region that isn't one, or that can't be used without the extra.
    """
    try:
        import phonenumbers
    except ImportError:
        if region:
            raise ValueError("a phone region needs the extra leadscore[phone]") from None
        return written_e164
    region = region.strip().upper()
    if region and region not in phonenumbers.SUPPORTED_REGIONS:
        raise ValueError(f"phone region {region!r}: write two letters, such as AT or US")

    def read(given: str) -> str | None:
        text = _from_plus(given)
        if len(text) > LONGEST_CHARACTERS or _MADE_UP.search(_FILLING.sub("", text)):
            return None
        try:
            number = phonenumbers.parse(text, region or None)
        except phonenumbers.NumberParseException:
            return None
        if number.extension or not phonenumbers.is_valid_number(number):
            return None
        return str(phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164))

    return read


def written_e164(given: str) -> str | None:
    """E.164 of a number that is written with its country code, blanks and the like between."""
    text = _from_plus(given)
    # "+49 (0)89 …": the zero is not dialled from abroad, and whose it is isn't known here.
    if len(text) > LONGEST_CHARACTERS or "(0)" in text:
        return None
    digits = _FILLING.sub("", text)
    return digits if _E164.fullmatch(digits) and not _MADE_UP.search(digits) else None


def _from_plus(given: str) -> str:
    text = given.strip()
    return "+" + text[2:] if text.startswith("00") else text
