"""What rows become: by their columns' usual names, by a mapping, and by what is said of all."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.imports.columns import KINDS, usual_target
from services.ingest.imports.mapping import Mapping, Reading, in_file_words
from services.ingest.imports.rows import Row
from services.ingest.normalise import Arrival, Call, normalise
from services.ingest.refusal import Refusal
from shared.envelope import Event

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def call_of(cells: dict[str, Any], **reading: Any) -> tuple[str, Call]:
    return Mapping(Reading(**{"kind": "events", **reading}), NOW).call(row_of(cells))


def row_of(cells: dict[str, Any]) -> Row:
    return Row(2, tuple(cells), list(cells.values()))


def event_of(cells: dict[str, Any], **reading: Any) -> Event:
    """As an import would send it."""
    kind, call = call_of(cells, **reading)
    return normalise(call, kind, Arrival("import", False, NOW, "r"))


def test_a_seminars_list_needs_no_mapping() -> None:
    """English headers, a type for all rows, a day in a time zone."""
    event = event_of(
        {"First Name": "Ada ", "E-mail": "Ada@X.example", "Company": "Acme",
         "Seminar date": "2026-05-03", "Seat no.": "12", "": "", "_note": "x"},
        event="Seminar", zone="Europe/Berlin", properties={"seminar": "Retirement"},
    )  # fmt: skip
    assert event.type == "seminar_attended"
    assert event.occurred_at == datetime(2026, 5, 2, 22, tzinfo=UTC)
    assert event.identifiers.email == "ada@x.example"
    assert event.traits == {"first_name": "Ada", "email": "Ada@X.example", "company": "Acme"}
    assert event.properties == {"seminar": "Retirement", "seat_no": "12"}


def test_a_german_list_of_calls_is_understood() -> None:
    """Headers, words for what happened, days and numbers as they are written there."""
    event = event_of(
        {"Vorname": "Jürgen", "E-Mail-Adresse": "j@x.example", "Aktivität": "Kauf",
         "Datum": "3.5.2026 14:30", "Amount": "1.234,50", "Währung": "EUR"},
        zone="Europe/Berlin", decimal="comma",
    )  # fmt: skip
    assert (event.type, event.properties) == ("purchase_made", {"amount": 1234.5, "währung": "EUR"})
    assert event.occurred_at == datetime(2026, 5, 3, 12, 30, tzinfo=UTC)
    assert event.traits["first_name"] == "Jürgen"


def test_a_mapping_counts_more_than_a_name() -> None:
    """Ids of other systems, numbers, consent, columns that go nowhere."""
    event = event_of(
        {"Mail": "a@x.example", "Kundennr": "K-7", "Größe": "250", "Newsletter ok": "ja",
         "Wann": "05/03/2026", "Typ": "call", "Geheim": "x", "Nr": "row-1"},
        time_format="%m/%d/%Y",
        targets={"kundennr": "external.crm", "GRÖSSE": "-", "Größe": "traits.size:number",
                 "newsletter ok": "consent.marketing_email", "Wann": "time", "Typ": "event",
                 "Geheim": "-", "Nr": "id"},
    )  # fmt: skip
    assert event.identifiers.external == {"crm": "K-7"}
    assert event.traits["size"] == 250
    assert event.consent == {"marketing_email": True}
    assert (event.id, event.type, event.properties) == ("row-1", "call_held", {})
    assert event.occurred_at == datetime(2026, 5, 3, tzinfo=UTC)


def test_leads_are_identified_as_of_the_file_or_of_now() -> None:
    """Everything about them is a trait; a column may say how old that is."""
    event = event_of({"Email": "a@x.example", "Annual revenue": "5"}, kind="leads")
    assert (event.type, event.occurred_at) == ("lead_identified", NOW)
    assert event.traits == {"email": "a@x.example", "annual_revenue": "5"}
    dated = event_of({"Email": "a@x.example", "Updated at": "2026-01-02T03:04:05Z"}, kind="leads")
    assert dated.occurred_at == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def test_a_row_is_the_same_event_however_often_it_comes() -> None:
    """By what it says: neither the order of columns nor the time of the import matters."""
    one = {"email": "a@x.example", "date": "2026-05-03", "note": "x"}
    turned = dict(reversed(one.items()))
    later = Mapping(Reading(kind="events", event="call"), datetime(2027, 1, 1, tzinfo=UTC))
    same = call_of(one, event="call")[1].message_id
    assert call_of(turned, event="call")[1].message_id == same
    assert later.call(row_of(one))[1].message_id == same
    others = [
        call_of({**one, "note": "y"}, event="call"),
        call_of({**one, "date": "2026-05-04"}, event="call"),
        call_of(one, event="seminar"),
        call_of({"email": "a@x.example", "note": "x"}, event="call", at="2026-05-05"),
        call_of(one, kind="leads"),
    ]
    assert len({same, *(call.message_id for _, call in others)}) == 6


def test_an_apostrophe_that_made_a_cell_harmless_goes() -> None:
    """So that what was exported comes back as it was."""
    cells = {"email": "a@x.example", "date": "2026-05-03", "a": "'=1+1", "b": "'tis", "c": "-5"}
    assert event_of(cells, event="call").properties == {"a": "=1+1", "b": "'tis", "c": "-5"}


@pytest.mark.parametrize(
    ("cells", "reading", "code", "path"),
    [
        ({"email": "a@x.example"}, {"event": "call"}, "time_missing", "time"),
        ({"email": "a@x.example", "date": "2026-05-03"}, {}, "event_missing", "event"),
        ({"Mail": "no", "Datum": "3.5.2026"}, {"event": "call"}, "email_invalid", "Mail"),
        ({"Name": "Ada", "Datum": "3.5.2026"}, {"event": "call"}, "identity_missing", ""),
        ({"Mail": "a@x.example", "Datum": "4/3/2026"}, {"event": "call"},
         "timestamp_ambiguous", "Datum"),
        ({"Mail": "a@x.example", "Datum": "31.2.2026"}, {"event": "call"},
         "timestamp_unreadable", "Datum"),
        ({"Mail": "a@x.example", "Datum": "1.1.1970"}, {"event": "call"},
         "timestamp_absurd", "Datum"),
        ({"Mail": "a@x.example", "Datum": "3.5.2026", "n": "x" * 9000}, {"event": "call"},
         "text_too_long", "n"),
        ({"Mail": "a@x.example", "Datum": "3.5.2026", "n": "vier"},
         {"event": "call", "targets": {"n": "properties.n:number"}}, "number_unreadable", "n"),
        ({"Mail": "a@x.example", "Datum": "3.5.2026", "ok": "vielleicht"},
         {"event": "call", "targets": {"ok": "consent.scoring"}}, "consent_unreadable", "ok"),
        ({"Mail": "a@x.example", "Datum": "3.5.2026", "what": "stage_overridden"},
         {"targets": {"what": "event"}}, "event_reserved", "what"),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_taken_says_why_and_where(
    cells: dict[str, Any], reading: dict[str, Any], code: str, path: str
) -> None:
    """The path is the column as the file has it."""
    mapping = Mapping(Reading(**{"kind": "events", **reading}), NOW)
    row = row_of(cells)
    try:
        kind, call = mapping.call(row)
        normalise(call, kind, Arrival("import", False, NOW, "r"))
    except Refusal as refusal:
        found = in_file_words(refusal, row, mapping)
        assert (found.code, found.path) == (code, path)
    else:
        raise AssertionError("taken")


@pytest.mark.parametrize(
    "reading",
    [
        {"targets": {"a": "nowhere"}}, {"targets": {"a": "traits."}}, {"targets": {"a": "email.x"}},
        {"targets": {"a": "consent.all"}}, {"targets": {"a": "traits.a:date"}},
        {"zone": "Europe/Nowhere"}, {"zone": "../../etc/passwd"}, {"time_format": "%"},
        {"decimal": "dot"}, {"at": "yesterday"},
    ],
)  # fmt: skip
def test_a_reading_that_cannot_be_followed_is_refused(reading: dict[str, Any]) -> None:
    """Before any row is read."""
    with pytest.raises(Refusal):
        Mapping(Reading(kind="events", **reading), NOW)


def test_a_mapped_column_must_be_there() -> None:
    """A typing error would lose the column in silence."""
    mapping = Mapping(Reading(kind="events", targets={"Mial": "email"}), NOW)
    with pytest.raises(Refusal, match="not in the file") as caught:
        mapping.check_columns(("Mail",))
    assert caught.value.path == "Mial"


VALUES = st.one_of(
    st.text(max_size=30), st.none(), st.booleans(), st.integers(), st.floats(),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=5), st.text(max_size=5), max_size=3),
    st.sampled_from(["a@x.example", "2026-05-03", "3.5.2026", "Seminar", "1e999", "9" * 400, "\0"]),
)  # fmt: skip
COLUMNS = st.text(max_size=12) | st.sampled_from(
    ["email", "Datum", "event", "user_id", "consent.scoring", "external.crm", "context",
     "traits.a", "properties.", "id", "message_id", "amount", "phone", "consent"]
)  # fmt: skip


@given(st.dictionaries(COLUMNS, VALUES, max_size=8), st.sampled_from(KINDS))
def test_whatever_a_row_holds_it_is_an_event_or_a_refusal(cells: dict[str, Any], kind: str) -> None:
    """Never anything else."""
    mapping = Mapping(Reading(kind=kind, event="", at="2026-05-03"), NOW)  # type: ignore[arg-type]
    row = row_of(cells)
    try:
        call_kind, call = mapping.call(row)
        normalise(call, call_kind, Arrival("import", False, NOW, "r"))
    except Refusal as refusal:
        found = in_file_words(refusal, row, mapping)
        assert found.code


@given(st.text(max_size=40), st.sampled_from(KINDS))
def test_every_column_means_something_or_nothing(column: str, kind: str) -> None:
    """By its name alone, and always the same."""
    target = usual_target(column, kind, event_said=False)  # type: ignore[arg-type]
    assert target == usual_target(column, kind, event_said=False)  # type: ignore[arg-type]
    assert len(target.name) <= 100
