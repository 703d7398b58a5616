"""What the columns of a file mean: tables of usual names, in English and German. Pure."""

from __future__ import annotations

import re
from typing import Any, Final, Literal, get_args

import msgspec

from services.ingest.form_fields import TRAIT_NAMES
from services.ingest.limits import TRAIT_NAME_CHARACTERS
from services.ingest.refusal import invalid
from shared.consent import PURPOSES
from shared.event_types import event_type_named

Kind = Literal["leads", "events"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

# Where a cell goes, by itself or with a name behind a dot.
SINGLE: Final = ("email", "user_id", "anonymous_id", "phone", "event", "id", "time", "context")
NAMED: Final = ("traits", "properties", "external", "consent")
_READINGS: Final = ("text", "number")

_GERMAN: Final = {
    "e_mail_adresse": "email", "mail_adresse": "email", "mailadresse": "email",
    "emailadresse": "email",
    "vorname": "first_name", "nachname": "last_name", "familienname": "last_name",
    "firma": "company", "unternehmen": "company", "organisation": "company",
    "funktion": "title", "berufsbezeichnung": "title",
    "telefon": "phone", "telefonnummer": "phone", "mobil": "phone", "handy": "phone",
    "land": "country", "ort": "city", "stadt": "city", "branche": "industry",
    "webseite": "website", "mitarbeiter": "company_size", "mitarbeiterzahl": "company_size",
}  # fmt: skip
_PERSON: Final = {**TRAIT_NAMES, **_GERMAN}
_SINGLE_NAMES: Final = {
    "user_id": "user_id", "userid": "user_id", "identifiers_user_id": "user_id",
    "anonymous_id": "anonymous_id", "anonymousid": "anonymous_id",
    "identifiers_anonymous_id": "anonymous_id",
    "identifiers_email": "email", "identifiers_phone": "phone",
    "message_id": "id", "messageid": "id", "event_id": "id", "eventid": "id",
    "context": "context",
}  # fmt: skip
_OF_EVENTS: Final = {
    "event": "event", "event_type": "event", "event_name": "event", "type": "event",
    "activity": "event", "aktivitaet": "event", "aktivität": "event", "ereignis": "event",
    "occurred_at": "time", "timestamp": "time", "time": "time", "date": "time", "datetime": "time",
    "event_date": "time", "event_time": "time", "happened_at": "time", "attended_at": "time",
    "seminar_date": "time", "webinar_date": "time", "call_date": "time", "order_date": "time",
    "purchase_date": "time", "meeting_date": "time", "response_date": "time",
    "datum": "time", "zeit": "time", "zeitpunkt": "time", "seminardatum": "time",
    "teilnahmedatum": "time", "bestelldatum": "time", "kaufdatum": "time",
}  # fmt: skip
_OF_LEADS: Final = {
    "updated_at": "time", "last_modified": "time", "modified_at": "time", "last_updated": "time",
    "geaendert_am": "time", "geändert_am": "time",
}  # fmt: skip
# What an export says of itself; it says nothing of a person.
_PASSED_OVER: Final = frozenset({"v", "source", "received_at", "verdict", "lead_id"})
_NUMBERS: Final = frozenset({"amount", "revenue", "total", "quantity"})

# What people call what happens away from the web; everything else goes by its own name.
_WORDS: Final = {
    "seminar": "seminar_attended", "seminar_attendance": "seminar_attended",
    "webinar": "webinar_attended", "call": "call_held", "phone": "call_held",
    "phone_call": "call_held", "telefonat": "call_held", "anruf": "call_held",
    "meeting": "meeting_held", "termin": "meeting_held", "besprechung": "meeting_held",
    "purchase": "purchase_made", "order": "purchase_made", "kauf": "purchase_made",
    "bestellung": "purchase_made", "download": "content_downloaded",
    "newsletter": "newsletter_subscribed", "survey": "survey_answered",
    "umfrage": "survey_answered", "follow": "social_followed", "like": "social_engaged",
    "comment": "social_engaged", "share": "social_engaged", "referral": "referral_made",
    "empfehlung": "referral_made", "sample": "sample_requested", "demo": "demo_requested",
    "direct_mail": "campaign_applied", "coupon": "campaign_applied",
}  # fmt: skip
_BETWEEN_WORDS: Final = re.compile(r"[\W_]+")


class Target(msgspec.Struct, frozen=True):
    """Where a column's cells go. part: of SINGLE or NAMED, "" for nowhere · name: within it ·
    reading: text as it stands, or number · asked: somebody said so, so that a cell that can't be
    read is told.
    """

    part: str
    name: str = ""
    reading: str = "text"
    asked: bool = False

    def words(self) -> str:
        """As somebody would write it."""
        where = f"{self.part}.{self.name}" if self.name else self.part or "-"
        return where if self.reading == "text" else f"{where}:{self.reading}"


NOWHERE: Final = Target("")


def folded(name: str) -> str:
    """A name as it is looked up, and kept where nothing is known of it: "First Name" and
    "first-name" are first_name.
    """
    return _BETWEEN_WORDS.sub("_", name.strip().lower()).strip("_")


def read_target(text: str) -> Target:
    """A target as it is written: email, traits.size:number, - for nowhere. Raises Refusal (400)."""
    where, _, reading = text.strip().partition(":")
    if where == "-" and not reading:
        return NOWHERE
    part, _, name = where.partition(".")
    good = part in SINGLE if not name else part in NAMED and len(name) <= TRAIT_NAME_CHARACTERS
    if part == "consent":
        good = good and name in PURPOSES
    if not good or reading not in ("", *_READINGS):
        raise invalid(
            "target_unknown",
            f"A column goes to {', '.join(SINGLE)}; to traits.NAME, properties.NAME, "
            f"external.SYSTEM, consent.{{{','.join(PURPOSES)}}}; or to - (nowhere). "
            "With :number behind it, it is read as a number.",
            "map",
        )
    return Target(part, name, reading or "text", asked=True)


def usual_target(column: str, kind: Kind, *, event_said: bool) -> Target:
    """What a column means by its name alone. event_said: all rows are of one type already."""
    if not column or column.startswith("_"):
        return NOWHERE
    name = folded(column)
    part, dot, rest = column.partition(".")
    if dot and part in NAMED and 0 < len(rest) <= TRAIT_NAME_CHARACTERS:
        return Target(part, rest, _reading(rest) if part == "properties" else "text")
    own = _OF_EVENTS if kind == "events" else _OF_LEADS
    single = _SINGLE_NAMES.get(name) or own.get(name)
    if single == "event" and event_said:
        single = None
    if single is not None:
        return Target(single)
    if name in _PASSED_OVER or not name:
        return NOWHERE
    trait = _PERSON.get(name.removeprefix("your_"))
    if trait is not None:
        return Target("traits", trait)
    name = name[:TRAIT_NAME_CHARACTERS]
    if kind == "leads":
        return Target("traits", name)
    return Target("properties", name, _reading(name))


def event_of(word: Any) -> str:
    """The type that a word means, such as Seminar or "Phone call"; else the word."""
    text = str(word).strip()
    return _WORDS.get(folded(text)) or event_type_named(text)


def _reading(name: str) -> str:
    return "number" if name in _NUMBERS else "text"
