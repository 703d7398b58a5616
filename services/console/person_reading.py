"""All that is held of a person, table by table, as plain JSON values."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import msgspec

from shared.bodies import open_body
from shared.envelope import milliseconds, rfc3339
from shared.identity import KIND_NAMES, Identifier
from shared.lead_state import decode_journeys, decode_scores
from shared.ledger import decode_entries
from shared.person_queries import PERSON_LEADS

# $1: the leads. Of others' events and leads only that there is such a thing, never what or whose.
PLACES: dict[str, str] = {
    "leads": """
SELECT id, created_ms, known, merged_into, ruleset_version, stage, stage_since_ms, scores, journeys
  FROM lead WHERE id = ANY($1::uuid[]) ORDER BY id
""",
    "identifiers": """
SELECT kind, value, since_ms, claimed_ms, lead_id, origin FROM identifier
 WHERE lead_id = ANY($1::uuid[]) ORDER BY kind, value, since_ms
""",
    "mentions_by_others": """
SELECT m.kind, m.value, count(*) AS leads FROM identifier_mention m
 WHERE (m.kind, m.value) IN (SELECT kind, value FROM identifier WHERE lead_id = ANY($1::uuid[]))
   AND m.lead_id <> ALL($1::uuid[]) GROUP BY m.kind, m.value ORDER BY m.kind, m.value
""",
    "mentions_of_others": """
SELECT kind, count(*) AS identifiers FROM identifier_mention
 WHERE lead_id = ANY($1::uuid[]) GROUP BY kind ORDER BY kind
""",
    "events": """
SELECT lead_id, body, entries FROM event WHERE lead_id = ANY($1::uuid[])
 ORDER BY occurred_ms, key
""",
    "time_entries": """
SELECT lead_id, at_ms, entries FROM time_entry WHERE lead_id = ANY($1::uuid[])
 ORDER BY lead_id, at_ms
""",
    "stage_history": """
SELECT * FROM stage_history WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id, seq
""",
    "merges": """
SELECT * FROM lead_merge WHERE absorbed = ANY($1::uuid[]) OR survivor = ANY($1::uuid[]) ORDER BY id
""",
    "likely_duplicates": """
SELECT score, status, decided_by, decided_at, found_at FROM duplicate_pair
 WHERE lead_a = ANY($1::uuid[]) OR lead_b = ANY($1::uuid[])
""",
    "accounts": """
SELECT lead_id, account FROM account_member WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id
""",
    "handoffs": "SELECT * FROM handoff WHERE lead_id = ANY($1::uuid[]) ORDER BY handed_ms, id",
    "handoff_acts": """
SELECT id, handoff_id, lead_id, at_ms, act, via, actor, reason, note, amount, currency, until_ms
  FROM handoff_act WHERE lead_id = ANY($1::uuid[]) ORDER BY id
""",
    "sequences": """
SELECT * FROM sequence_enrolment WHERE lead_id = ANY($1::uuid[]) ORDER BY entered_ms, id
""",
    "sequence_steps": """
SELECT * FROM sequence_step WHERE lead_id = ANY($1::uuid[]) ORDER BY at_ms, step
""",
    "tags": "SELECT * FROM lead_tag WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id, tag",
    "owners": "SELECT * FROM lead_owner WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id",
    "carried_forward": "SELECT * FROM carry WHERE lead_id = ANY($1::uuid[]) ORDER BY lead_id",
    "facts_for_others": """
SELECT lead_id, fact, created_at, published_at FROM outbox
 WHERE lead_id = ANY($1::uuid[]) ORDER BY id
""",
    "webhooks": """
SELECT t.name AS destination, d.lead_id, d.message_id, d.body, d.status, d.attempts, d.last_answer,
       d.created_at, d.ended_at
  FROM delivery d JOIN destination t ON t.id = d.destination_id
 WHERE d.lead_id = ANY($1::uuid[]) ORDER BY d.id
""",
    "webhook_attempts": """
SELECT d.message_id, a.attempt, a.at, a.duration_ms, a.outcome, a.answer
  FROM delivery_attempt a JOIN delivery d ON d.id = a.delivery_id
 WHERE d.lead_id = ANY($1::uuid[]) ORDER BY d.id, a.attempt
""",
}
STORED = "SELECT id FROM lead WHERE id = $1"
NAMED = "SELECT DISTINCT lead_id FROM identifier WHERE kind = $1 AND value = $2"
IDENTIFIERS = "SELECT DISTINCT kind, value FROM identifier WHERE lead_id = ANY($1::uuid[])"
HISTORY = "SELECT count(*) FROM event WHERE lead_id = ANY($1::uuid[])"
RULES = "SELECT number, name FROM rule_number"


class SeveralPeopleError(Exception):
    """Not one person is meant."""


@dataclass(frozen=True, slots=True)
class Person:
    """Everything by which a person is found: all their leads, and what these are known by."""

    leads: list[UUID]
    identifiers: list[Identifier]
    events: int


async def find_person(connection: Any, name: Identifier | UUID) -> Person:
    """By an identifier or a lead's id; without leads where nobody has it. Raises
    SeveralPeopleError for an anonymous id that several have used.

    connection: of the driver.
    """
    if isinstance(name, UUID):
        found = await connection.fetch(STORED, name)
    else:
        found = await connection.fetch(NAMED, *name)
    if len(found) > 1:
        raise SeveralPeopleError
    named = [row[0] for row in found]
    leads = sorted(row[0] for row in await connection.fetch(PERSON_LEADS, named))
    identifiers = [(row[0], row[1]) for row in await connection.fetch(IDENTIFIERS, leads)]
    return Person(leads, sorted(identifiers), await connection.fetchval(HISTORY, leads))


async def read_person(connection: Any, person: Person) -> dict[str, list[dict[str, Any]]]:
    """All rows, by place. connection: of the driver, in a snapshot."""
    rules = dict(await connection.fetch(RULES))
    return {
        place: [_plain(row, rules) for row in await connection.fetch(statement, person.leads)]
        for place, statement in PLACES.items()
    }


def _plain(row: Mapping[str, Any], rules: Mapping[int, str]) -> dict[str, Any]:
    plain: dict[str, Any] = {}
    for column, value in row.items():
        if column == "kind":
            plain[column] = KIND_NAMES[value]
        elif column == "entries":
            plain[column] = [_entry(one, rules) for one in decode_entries(value)]
        elif column.endswith("_ms") and value is not None:
            name = "at" if column == "at_ms" else column.removesuffix("_ms") + "_at"
            plain[name] = rfc3339(value) if value > 0 else None
        elif column in _OPENED and value is not None:
            plain[column] = _OPENED[column](value)
        else:
            plain[column] = _value(value)
    return plain


def _entry(entry: Any, rules: Mapping[int, str]) -> dict[str, Any]:
    return {**msgspec.structs.asdict(entry), "rule": rules.get(entry.rule, str(entry.rule))}


def _fields(value: Any) -> Any:
    """Structs with the names of their fields, although they are stored without."""
    if isinstance(value, msgspec.Struct):
        return {name: _fields(one) for name, one in msgspec.structs.asdict(value).items()}
    if isinstance(value, dict):
        return {str(name): _fields(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_fields(one) for one in value]
    return _value(value)


def _value(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return rfc3339(milliseconds(value))
    if isinstance(value, bytes):
        return value.hex()
    return value


_OPENED: dict[str, Callable[[Any], Any]] = {
    "body": lambda value: msgspec.json.decode(open_body(value)),
    "scores": lambda value: _fields(decode_scores(value)),
    "journeys": lambda value: _fields(decode_journeys(value)),
}


def names_in(text: str, identifiers: Sequence[Identifier]) -> bool:
    """Does a text hold one of these?"""
    return any(
        re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text, re.IGNORECASE)
        for _, value in identifiers
    )
