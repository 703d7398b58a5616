"""Submitted forms as events."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from services.ingest.form_call import form_event, form_name
from services.ingest.normalise import Arrival, Call
from services.ingest.refusal import Refusal
from shared.envelope import Event

ARRIVAL = Arrival(
    source="form:guide",
    public=True,
    received_at=datetime(2026, 5, 3, 10, tzinfo=UTC),
    request_id="r1",
)


def submitted(**fields: Any) -> Event:
    """The event of a form with these fields."""
    return form_event("guide", fields, Call(), ARRIVAL)


def test_a_form_identifies_the_person_and_says_what_was_asked() -> None:
    """The address and the browser's id in one event: that is what links them."""
    event = submitted(email="Sarah@Example.com", budget="10k", _anonymous_id="a1")
    assert (event.source, event.type, event.id) == ("form:guide", "form_submitted", "r1-0")
    assert event.identifiers.email == "sarah@example.com"
    assert event.identifiers.anonymous_id == "a1"
    assert event.properties == {"budget": "10k", "form": "guide"}
    assert event.traits == {"email": "Sarah@Example.com"}


def test_a_form_may_stand_for_another_standard_event() -> None:
    """A download behind a form is a download, with the content it names."""
    event = submitted(
        email="s@example.com",
        _event="content_downloaded",
        content_id="retirement-guide",
        _message_id="m1",
    )
    assert (event.type, event.id) == ("content_downloaded", "m1")
    assert event.properties["content_id"] == "retirement-guide"


@pytest.mark.parametrize("name", ["lead_identified", "lead_aliased", "my own", ""])
def test_a_form_cannot_stand_for_any_other_event(name: str) -> None:
    """Custom names come over the API; an empty field counts as missing."""
    if not name:
        assert submitted(email="s@example.com", _event=name).type == "form_submitted"
        return
    with pytest.raises(Refusal) as refused:
        submitted(email="s@example.com", _event=name)
    assert (refused.value.code, refused.value.path) == ("event_unknown", "_event")


def test_a_filled_honeypot_is_kept_as_a_bot() -> None:
    """So that it scores nothing, and can be looked at."""
    event = submitted(email="s@example.com", _gotcha="http://spam.test")
    assert (event.verdict.judgement, event.verdict.why) == ("bot", "honeypot")
    assert "_gotcha" not in event.properties
    assert submitted(email="s@example.com", _gotcha="").verdict.judgement == "unknown"


@pytest.mark.parametrize(
    ("fields", "code", "path"),
    [
        ({"note": "hello"}, "identity_missing", "email"),
        ({"Your-Email": "nobody"}, "email_invalid", "Your-Email"),
        ({"email": "s@example.com", "_message_id": "x" * 200}, "text_too_long", "_message_id"),
    ],
)
def test_a_refusal_speaks_of_the_field(fields: dict[str, Any], code: str, path: str) -> None:
    """By the name that the form's maker gave it."""
    with pytest.raises(Refusal) as refused:
        submitted(**fields)
    assert (refused.value.status, refused.value.code, refused.value.path) == (400, code, path)


def test_another_identity_is_enough() -> None:
    """A form of a person who is signed in, or of a visitor who is known by a browser's id."""
    assert submitted(_user_id="u1").identifiers.user_id == "u1"
    assert submitted(_anonymous_id="a1").identifiers.anonymous_id == "a1"


@pytest.mark.parametrize("given", ["", "a b", "ä", "x" * 65, "../x", None, 3])
def test_a_form_has_a_plain_name(given: object) -> None:
    """It becomes part of the source, and a label that people read."""
    with pytest.raises(Refusal) as refused:
        form_name(given)
    assert refused.value.code == "form_name_invalid"


def test_ticked_purposes_are_consent_and_others_say_nothing() -> None:
    """Beside what the page's script says; with the version of the text."""
    fields = {"email": "sarah@example.com", "_consent": ["marketing_email", "ads"]}
    agreed = form_event("guide", {**fields, "_consent_text": "2026-05"}, Call(), ARRIVAL)
    assert agreed.consent == {"marketing_email": {"granted": True, "text": "2026-05"}}
    call = Call(context={"consent": {"granted": False}})
    agreed = form_event("guide", {**fields, "_consent": "sales_contact"}, call, ARRIVAL)
    assert agreed.consent == {"granted": False, "sales_contact": {"granted": True}}
    assert form_event("guide", {"email": "a@b.example"}, Call(), ARRIVAL).consent == {}
