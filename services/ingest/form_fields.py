"""The fields of a submitted form: read from the body, and parted into traits and properties."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import parse_qsl

import msgspec
from starlette.datastructures import Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from services.ingest.json_checks import check_document, decode
from services.ingest.limits import FORM_BYTES, JSON_KEY_CHARACTERS, TRAIT_TEXT_CHARACTERS
from services.ingest.refusal import Refusal, invalid

# Long questionnaires have about a hundred fields; a field with several values counts each.
FORM_FIELDS: Final = 200

# Names that people give to the fields of their forms, and the trait each stands for. Case, "-",
# blanks and "your-" (Contact Form 7) don't matter.
TRAIT_NAMES: Final[dict[str, str]] = {
    name: trait
    for trait, names in {
        "email": "email e_mail mail email_address emailaddress work_email business_email",
        "first_name": "first_name firstname fname given_name forename",
        "last_name": "last_name lastname lname surname family_name",
        "name": "name full_name fullname",
        "company": "company company_name organization organisation employer",
        "title": "title job_title jobtitle position",
        "phone": "phone phone_number phonenumber tel telephone mobile",
        "country": "country",
        "city": "city",
        "industry": "industry",
        "website": "website",
        "company_size": "company_size employees number_of_employees",
    }.items()
    for name in names.split()
}

_BETWEEN_WORDS = re.compile(r"[\s\-]+")
_decoder = msgspec.json.Decoder(dict[str, Any])

# A repeated field has a list of values.
Fields = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answers:
    """What a person filled in. traits: about the person, by their usual names · properties:
    everything else · named: for each trait, the field it came from.
    """

    traits: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Any] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)


async def read_fields(content_type: str, body: bytes) -> Fields:
    """The fields of a urlencoded, multipart or JSON body, in their order.

    JSON is known by its first character, whatever the Content-Type says. Raises Refusal (400) for
    what can't be read, more than 200 fields, files.
    """
    if body.lstrip()[:1] == b"{":
        fields = decode(_decoder, body)
    elif content_type.partition(";")[0].strip().lower() == "multipart/form-data":
        fields = _gathered(await _multipart_pairs(content_type, body))
    else:
        fields = _gathered(_urlencoded_pairs(body))
    checked_fields(fields)
    return fields


def checked_fields(fields: Fields) -> None:
    """Raises Refusal (400) with the name of the field that can't be kept."""
    if len(fields) > FORM_FIELDS:
        raise _too_many()
    try:
        check_document(fields, "")
    except Refusal as refusal:
        raise invalid(refusal.code, refusal.message, refusal.path.removeprefix(".")) from None


def part_answers(fields: Fields) -> Answers:
    """Part the fields of a form. Names that start with "_" are the form's own and stay out, as do
    empty answers. A known name whose value is too long for a trait becomes a property.
    """
    answers = Answers()
    for name, given in fields.items():
        value = given.strip() if isinstance(given, str) else given
        if name.startswith("_") or name in ("writeKey", "") or value in ("", None):
            continue
        folded = _BETWEEN_WORDS.sub("_", name.strip()).lower().removeprefix("your_")
        trait = TRAIT_NAMES.get(folded)
        if trait is None or not _fits_trait(value) or trait in answers.traits:
            answers.properties[name] = value
            continue
        answers.traits[trait] = value
        answers.named[trait] = name
    return answers


def _fits_trait(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) <= TRAIT_TEXT_CHARACTERS
    return isinstance(value, (bool, int, float))


def _urlencoded_pairs(body: bytes) -> list[tuple[str, str]]:
    try:
        # The body's bytes are percent-encoded UTF-8; raw non-ASCII bytes are read as UTF-8 too.
        text = body.decode()
        return parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=FORM_FIELDS)
    except UnicodeDecodeError:
        raise invalid("not_utf8", "The form must be in UTF-8.") from None
    except ValueError:
        raise _too_many() from None


async def _multipart_pairs(content_type: str, body: bytes) -> list[tuple[str, str]]:
    parser = _WholeMultiPart(
        Headers({"content-type": content_type}),
        _once(body),
        max_files=FORM_FIELDS,
        max_fields=FORM_FIELDS,
        max_part_size=FORM_BYTES,
    )
    try:
        form = await parser.parse()
        if not parser.whole:
            raise MultiPartException("The closing boundary is missing.")
    except MultiPartException as error:
        if error.message.startswith("Too many"):
            raise _too_many() from None
        raise invalid("multipart_broken", "The multipart body can't be read.") from None
    except (UnicodeError, ValueError):
        raise invalid("multipart_broken", "The multipart body can't be read.") from None
    pairs = []
    try:
        for name, value in form.multi_items():
            if not isinstance(value, UploadFile):
                pairs.append((name, value))
            # A file input that was left empty is sent as a file without name and content.
            elif value.filename or value.size:
                raise invalid("file_refused", "Files can't be taken.", _shown(name))
    finally:
        await form.close()
    if len(pairs) > FORM_FIELDS:
        raise _too_many()
    return pairs


class _WholeMultiPart(MultiPartParser):
    """Notices a body that was cut off: the base class takes what came before."""

    whole = False

    def on_end(self) -> None:
        self.whole = True


async def _once(body: bytes) -> AsyncGenerator[bytes, None]:
    yield body


def _gathered(pairs: list[tuple[str, str]]) -> Fields:
    fields: Fields = {}
    for name, value in pairs:
        if name not in fields:
            fields[name] = value
        elif isinstance(fields[name], list):
            fields[name].append(value)
        else:
            fields[name] = [fields[name], value]
    return fields


def _shown(name: str) -> str:
    """A field's name as the path of an error: cut, in one line."""
    return "".join(character for character in name if character.isprintable())[:JSON_KEY_CHARACTERS]


def _too_many() -> Refusal:
    return invalid("too_many_fields", f"A form may have {FORM_FIELDS} fields.")
