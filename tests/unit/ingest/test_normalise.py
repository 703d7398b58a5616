"""From a Segment call to an event: what goes where, and what is refused."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.ingest.handling import handling_of
from services.ingest.identities import notes_of
from services.ingest.normalise import Arrival, Call, normalise
from services.ingest.refusal import Refusal
from shared.envelope import Event
from shared.settings import Settings

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)


def arrival(**over: Any) -> Arrival:
    known = {"source": "web", "public": True, "received_at": NOW, "request_id": "r"}
    return Arrival(**{**known, **over})


def event_of(kind: str, call: dict[str, Any], **over: Any) -> Event:
    read = msgspec.convert({"anonymousId": "a1", **call}, Call)
    return normalise(read, kind, arrival(**over))


def refusal_of(kind: str, call: dict[str, Any]) -> Refusal:
    with pytest.raises(Refusal) as caught:
        event_of(kind, call)
    return caught.value


def test_a_tracked_event_keeps_its_id_name_and_properties() -> None:
    """The plain case."""
    event = event_of("track", {"messageId": "m1", "event": "Tried It", "properties": {"plan": "b"}})
    assert (event.id, event.type, event.source) == ("m1", "Tried It", "web")
    assert event.properties == {"plan": "b"}
    assert event.identifiers.anonymous_id == "a1"
    assert event.occurred_at == event.received_at == NOW


@pytest.mark.parametrize(
    "name", ["Demo Requested", "demo_requested", " demo-requested ", "demo.requested"]
)
def test_spellings_of_a_standard_event_are_one_type(name: str) -> None:
    """SDK users write titles, we write snake_case."""
    assert event_of("track", {"event": name}).type == "demo_requested"


@pytest.mark.parametrize(
    "name", ["lead_identified", "Lead Identified", "lead_aliased", "Lead Grouped"]
)
def test_names_with_a_meaning_of_their_own_are_not_tracked(name: str) -> None:
    """They would link people without the checks of their own calls."""
    assert refusal_of("track", {"event": name}).code == "event_reserved"


@pytest.mark.parametrize("name", ["stage_overridden", "Stage Overridden"])
def test_nobody_sets_stages_from_outside(name: str) -> None:
    """Refused with where it is done, rather than kept and not heeded."""
    refusal = refusal_of("track", {"event": name})
    assert refusal.code == "event_reserved"
    assert "POST /v1/leads/{id}/stage" in refusal.message


def test_page_and_screen_are_page_views_with_their_name() -> None:
    """A screen of an app counts as a page of a site."""
    for kind in ("page", "screen"):
        event = event_of(kind, {"name": "Pricing", "category": "Docs"})
        assert event.type == "page_viewed"
        assert event.properties == {"name": "Pricing", "category": "Docs"}


def test_identify_carries_traits_and_the_address_in_one_spelling() -> None:
    """Upper case doesn't make another person."""
    event = event_of(
        "identify", {"userId": "u1", "traits": {"email": " Sarah@Example.COM ", "age": 4}}
    )
    assert event.type == "lead_identified"
    assert event.identifiers.email == "sarah@example.com"
    assert event.identifiers.user_id == "u1"
    assert event.traits == {"email": " Sarah@Example.COM ", "age": 4}


def test_a_user_id_that_is_an_address_is_an_address_too() -> None:
    """Many sites use the address as id."""
    who = event_of("track", {"event": "x", "userId": "Sarah@Example.com"}).identifiers
    assert (who.user_id, who.email) == ("sarah@example.com", "sarah@example.com")


def test_a_bad_address_is_no_identifier_but_spoils_nothing_else() -> None:
    """Only where it is all there is, the call is refused."""
    event = event_of("identify", {"userId": "u1", "traits": {"email": "not an address"}})
    assert event.identifiers.email is None
    alone = refusal_of("identify", {"anonymousId": None, "traits": {"email": "not an address"}})
    assert (alone.code, alone.path) == ("email_invalid", "traits.email")


def test_somebody_must_be_named() -> None:
    """Neither userId nor anonymousId."""
    refusal = refusal_of("track", {"anonymousId": " ", "event": "x"})
    assert (refusal.status, refusal.code, refusal.path) == (400, "identity_missing", "userId")


def test_group_and_alias_keep_what_they_link() -> None:
    """Group traits belong to the company, not to the person, who gets its id as a trait."""
    group = event_of("group", {"groupId": "g1", "traits": {"name": "Acme", "email": "x@acme.com"}})
    assert group.type == "lead_grouped"
    assert group.properties["group_id"] == "g1"
    assert group.properties["group_traits"]["name"] == "Acme"
    assert group.traits == {"group_id": "g1"}
    assert group.identifiers.email is None
    alias = event_of("alias", {"userId": "u1", "previousId": "old"})
    assert (alias.type, alias.properties) == ("lead_aliased", {"previous_id": "old"})
    assert refusal_of("alias", {"userId": "u1"}).path == "previousId"
    assert refusal_of("alias", {"previousId": "u1"}).path == "userId"
    assert refusal_of("group", {}).path == "groupId"


def test_the_page_is_read_from_context_properties_or_url() -> None:
    """Whatever the SDK fills in, rules find context.page.path."""
    url = "https://acme.com/pricing?utm_source=ads&utm_campaign=may"
    event = event_of("page", {"properties": {"url": url, "title": "Prices"}})
    assert event.context["page"]["path"] == "/pricing"
    assert event.context["page"]["title"] == "Prices"
    assert event.context["campaign"] == {"source": "ads", "name": "may"}
    event = event_of("track", {"event": "x", "context": {"page": {"path": "/a"}}})
    assert event.context["page"] == {"path": "/a"}
    assert "page" not in event_of("page", {"properties": {"url": 7}}).context


def test_addresses_are_truncated_and_the_rest_of_the_context_is_left_out() -> None:
    """/24 of IPv4, /48 of IPv6."""
    event = event_of("track", {"event": "x", "context": {"device": {"id": "d"}}}, ip="203.0.113.77")
    assert event.context == {"ip": "203.0.113.0"}
    event = event_of("track", {"event": "x", "context": {"ip": "2001:db8:1:2:3::4"}})
    assert event.context == {"ip": "2001:db8:1::"}
    event = event_of("track", {"event": "x"}, ip="::ffff:203.0.113.77")
    assert event.context == {"ip": "203.0.113.0"}


def test_a_servers_own_address_and_agent_say_nothing_about_the_person() -> None:
    """Only what the server passes on counts."""
    request = {"public": False, "ip": "203.0.113.77", "user_agent": "python-requests/2"}
    event = event_of("track", {"event": "x"}, **request)
    assert event.context == {}
    assert event.verdict.judgement == "unknown"


def test_a_crawler_is_judged_by_its_user_agent() -> None:
    """And the reason is kept."""
    agent = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
    event = event_of("page", {}, user_agent=agent)
    assert (event.verdict.judgement, event.verdict.why) == ("bot", "user agent: crawler")
    human = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/130.0 Safari/537.36"
    assert event_of("page", {}, user_agent=human).verdict.judgement == "unknown"


def test_a_call_without_message_id_gets_one_of_the_request() -> None:
    """Unique, but a resend counts again: the documents say so."""
    read = msgspec.convert({"anonymousId": "a", "event": "x"}, Call)
    assert normalise(read, "track", arrival(), 3).id == "r-3"


@pytest.mark.parametrize(
    ("call", "code", "path"),
    [
        ({"event": ""}, "event_missing", "event"),
        ({"event": "x" * 129}, "text_too_long", "event"),
        ({"messageId": "m" * 101}, "text_too_long", "messageId"),
        ({"event": "x\x00"}, "null_character", "event"),
        ({"userId": "u" * 257}, "text_too_long", "userId"),
        ({"properties": {"a": {"b": "\x00"}}}, "null_character", "properties.a.b"),
        ({"properties": {"\x00": 1}}, "null_character", "properties"),
        ({"properties": {"a": [1, 2**63]}}, "number_too_large", "properties.a[1]"),
        ({"properties": {"a": 1e300}}, "number_too_large", "properties.a"),
        ({"properties": {"a": "y" * 9000}}, "text_too_long", "properties.a"),
        ({"properties": {"a": list(range(1001))}}, "too_many_keys", "properties.a"),
        ({"timestamp": "1999-12-31T23:59:59Z"}, "timestamp_absurd", "timestamp"),
        ({"timestamp": "0001-01-01T00:00:00+10:00"}, "timestamp_absurd", "timestamp"),
        ({"timestamp": "2026-05-05T00:00:00Z"}, "timestamp_absurd", "timestamp"),
        ({"timestamp": "yesterday"}, "timestamp_unreadable", "timestamp"),
        ({"timestamp": "2026-05-03", "sentAt": "?"}, "timestamp_unreadable", "sentAt"),
        ({"traits": {f"t{n}": n for n in range(65)}}, "too_many_traits", "traits"),
        ({"traits": {"t": "y" * 513}}, "text_too_long", "traits.t"),
    ],
)  # fmt: skip
def test_what_cannot_be_kept_is_refused_with_its_path(
    call: dict[str, Any], code: str, path: str
) -> None:
    """Each says what and where."""
    refusal = refusal_of("track", {"event": "x", **call})
    assert (refusal.status, refusal.code, refusal.path) == (400, code, path)


def test_depth_is_bounded() -> None:
    """Eleven levels are one too many."""
    nested: dict[str, Any] = {}
    for _ in range(10):
        nested = {"a": nested}
    assert refusal_of("track", {"event": "x", "properties": nested}).code == "too_deep"
    assert event_of("track", {"event": "x", "properties": nested["a"]})


def test_nested_traits_are_left_out() -> None:
    """Segment's address and company objects don't cost the identify."""
    traits = {"email": "s@acme.com", "address": {"city": "Linz"}, "tags": ["a"], "title": None}
    assert event_of("identify", {"traits": traits}).traits == {"email": "s@acme.com", "title": None}


@pytest.mark.parametrize(
    ("happened", "sent", "expected"),
    [
        (-60, None, -60),  # no sentAt: left alone
        (-60, -3, -60),  # 3 s on the road are the network's
        (-60, -9.9, -60),
        (-3660, -3600, -60),  # a clock an hour behind
        (3540, 3600, -60),  # an hour ahead
        (5, 0, 0),  # never after it was received
        (86_000, None, 0),
        (-1000, -2000, 0),  # sent before it happened: its clock was set between
    ],
)
def test_the_senders_clock_is_corrected(
    happened: float, sent: float | None, expected: float
) -> None:
    """Seconds from now, by the sender's clock, and what we make of them."""
    call: dict[str, Any] = {
        "event": "x",
        "timestamp": (NOW + timedelta(seconds=happened)).isoformat(),
    }
    if sent is not None:
        call["sentAt"] = (NOW + timedelta(seconds=sent)).isoformat()
    assert event_of("track", call).occurred_at == NOW + timedelta(seconds=expected)


def test_a_resend_carries_the_same_time() -> None:
    """Sent again two minutes later with a new sentAt, whether or not the clock was right."""
    for clock in (timedelta(0), timedelta(hours=2)):
        times = set()
        for later in (timedelta(seconds=1), timedelta(minutes=2)):
            sent = NOW + later
            call = msgspec.convert(
                {
                    "anonymousId": "a", "event": "x",
                    "timestamp": (NOW + clock).isoformat(), "sentAt": (sent + clock).isoformat(),
                },
                Call,
            )  # fmt: skip
            times.add(normalise(call, "track", arrival(received_at=sent)).occurred_at)
        assert times == {NOW}


@pytest.mark.parametrize(
    "written",
    ["2026-05-03T09:00:00.123Z", "2026-05-03T09:00:00.1239999Z", "2026-05-03T11:00:00.123+02:00",
     "2026-05-03T09:00:00.123", 1777798800123],
)  # fmt: skip
def test_timestamps_are_read_as_sdks_write_them(written: str | int) -> None:
    """Seven digits, offsets, no zone, milliseconds since 1970: kept to the millisecond."""
    expected = datetime(2026, 5, 3, 9, 0, 0, 123_000, tzinfo=UTC)
    assert event_of("track", {"event": "x", "timestamp": written}).occurred_at == expected


def test_external_ids_and_phone_numbers_identify() -> None:
    """Segment's externalIds by their type; a phone only with its country code."""
    call = {
        "anonymousId": None,
        "traits": {"phone": "+43 (1) 234-567"},
        "context": {"externalIds": [{"type": "crm", "id": "003"}, {"type": 1}, "x"]},
    }
    who = event_of("identify", call).identifiers
    assert who.phone == "+431234567"
    assert who.external == {"crm": "003"}
    assert refusal_of("identify", {"anonymousId": None, "traits": {"phone": "0664 1"}})


def test_external_ids_come_from_segments_list_and_from_a_table_of_our_own() -> None:
    """Names of systems in one spelling; ids of devices, placeholders and companies left out."""
    given = [
        {"type": "Salesforce", "id": "003A", "collection": "users"},
        {"type": "ios.push_token", "id": "abc"},
        {"type": "ga_client_id", "id": "1.2"},
        {"type": "hubspot", "id": "null"},
        {"type": "x:y", "id": "1"},
        {"type": "crm", "id": "x" * 257},
        {"type": "acme", "id": "1", "collection": "accounts"},
        "dirt",
        {"type": "esp", "id": 77},
    ]
    known = arrival()
    read = msgspec.convert(
        {"event": "x", "external": {"CRM": " 0051 "}, "context": {"externalIds": given}}, Call
    )
    event = normalise(read, "track", known, 3)
    assert event.identifiers.external == {"crm": "0051", "salesforce": "003A", "esp": "77"}
    assert [(one.index, one.code, one.path[-3:]) for one in known.left_out] == [
        (3, "device", "[1]"), (3, "device", "[2]"), (3, "placeholder", "[3]"),
        (3, "unreadable", "[4]"), (3, "unreadable", "[5]"), (3, "unreadable", "[7]"),
    ]  # fmt: skip


def test_an_event_has_eight_external_ids_at_most() -> None:
    """The first ones; the others are noted."""
    known = arrival()
    read = Call(event="x", external={f"s{n}": "1" for n in range(10)})
    assert len(normalise(read, "track", known).identifiers.external) == 8
    assert [one.code for one in known.left_out] == ["too_many"] * 2


@pytest.mark.parametrize("value", ["null", " Undefined", "000-000", "{{user_id}}", 0, "guest"])
def test_placeholders_are_left_out_as_identifiers(value: str | int) -> None:
    """One of them with an event is enough; where nobody else is named, the event is refused."""
    assert event_of("track", {"event": "x", "userId": value}).identifiers.user_id is None
    assert event_of("track", {"event": "x", "userId": "u", "anonymousId": value}) is not None
    alone = refusal_of("track", {"event": "x", "anonymousId": value})
    assert (alone.code, alone.status) == ("identity_placeholder", 400)
    assert refusal_of("alias", {"userId": "u", "previousId": value}).code == "previous_missing"
    assert refusal_of("alias", {"userId": value, "previousId": "p"}).path == "userId"
    assert refusal_of("group", {"groupId": value}).code == "group_missing"


@pytest.mark.parametrize(
    ("setting", "kept"),
    [("none", None), ("truncated", "203.0.113.0"), ("full", "203.0.113.77")],
)
def test_as_much_of_the_address_is_kept_as_the_setting_says(setting: str, kept: str | None) -> None:
    """Of the request, and of the context."""
    handling = handling_of(settings_with(ip=setting))
    for call in ({"event": "x"}, {"event": "x", "context": {"ip": "203.0.113.77"}}):
        event = event_of("track", call, ip="203.0.113.77", handling=handling)
        assert event.context.get("ip") == kept


def test_the_verdict_is_of_the_whole_user_agent() -> None:
    """Also where its family alone is kept, or nothing."""
    for setting, kept in (("family", "other"), ("none", None)):
        handling = handling_of(settings_with(user_agent=setting))
        event = event_of("track", {"event": "x"}, user_agent="Googlebot/2.1", handling=handling)
        assert event.verdict.judgement == "bot"
        assert event.context.get("user_agent") == kept


def test_an_alias_names_an_address_in_the_spelling_it_is_kept_in() -> None:
    """A user id that is an address was kept so, too."""
    alias = event_of("alias", {"userId": "u1", "previousId": " Sarah@Example.COM"})
    assert alias.properties == {"previous_id": "sarah@example.com"}


def test_notes_are_a_hundred_at_most() -> None:
    """However many identifiers of a batch are left out."""
    known = arrival()
    for index in range(60):
        given = {f"s{n}": "null" for n in range(50)}
        normalise(Call(event="x", anonymous_id="a", external=given), "track", known, index)
    assert len(known.left_out) == 60 * 32
    assert len(notes_of(known.left_out, in_batch=True)) == 100


def test_what_is_denied_is_not_read_for_identifiers_either() -> None:
    """As if it had not been sent; what an alias or a group call is about stays."""
    handling = handling_of(settings_with(fields_deny="traits.email,properties.*"))
    said = {"userId": "u", "traits": {"email": "a@b.co"}, "properties": {"a": 1}}
    event = event_of("identify", said, handling=handling)
    assert (event.identifiers.email, event.traits, event.properties) == (None, {}, {})
    assert event_of("alias", {**said, "previousId": "p"}, handling=handling).properties == {
        "previous_id": "p"
    }
    assert event_of("group", {"groupId": "g"}, handling=handling).properties == {"group_id": "g"}


def settings_with(**over: Any) -> Settings:
    return Settings(kafka_bootstrap_servers="k", database_url="d", hash_key="x" * 16, **over)
