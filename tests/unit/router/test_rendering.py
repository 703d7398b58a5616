"""What people read of a message: complete, safe, and never too long."""

from __future__ import annotations

import json
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.router.cloudevents import TYPES
from services.router.paper import COLUMNS, MAX_BYTES, SUBJECT_MAX
from services.router.rendering import Rendered, render

GOLDEN = Path(__file__).parents[2] / "contract" / "golden"
AT = "2026-05-03T09:20:00.000Z"
LINKS = {
    "reject": "https://leads.example/r/1?t=a&b=c",
    "accept": "https://leads.example/a/1",
    "lead": "https://leads.example/v1/leads/1",
}
KINDS = [*(webhook for _, webhook in TYPES.values()), "lead.signal", "leadscore.test", "x.new", ""]


def packet() -> dict[str, Any]:
    data: dict[str, Any] = json.loads((GOLDEN / "handoff.v1.2.json").read_text())
    return data


def body(data: Any, kind: str = "handoff.sales") -> dict[str, Any]:
    return {"type": kind, "timestamp": AT, "data": data}


class Page(HTMLParser):
    """The tags, attributes and text of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.said = ""
        self.open: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]
        if tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.said += data


def check(told: Rendered) -> Page:
    """What holds for whatever is rendered."""
    assert told.subject
    assert told.subject.isprintable()
    assert len(told.subject) <= SUBJECT_MAX
    assert max(len(told.text.encode()), len(told.html.encode())) < MAX_BYTES
    assert all(char.isprintable() or char == "\n" for char in told.text)
    for line in told.text.splitlines():
        assert len(line) <= COLUMNS or line.startswith(("https://", "http://"))
    page = Page(told.html)
    assert not page.open
    assert page.tags <= {
        "html", "head", "meta", "title", "body", "div", "h1", "h2", "p", "a", "table", "tr", "th",
        "td", "ul", "li",
    }  # fmt: skip
    assert page.attributes <= {"lang", "charset", "name", "content", "style", "href"}
    assert all(link.startswith(("https://", "http://")) for link in page.links)
    assert "url(" not in told.html
    return page


def test_a_sales_hand_off_tells_all_that_a_caller_wants_to_know() -> None:
    """Who, why now, what they did, where they came from, what is new, what is next."""
    data = packet()
    told = render(body(data), LINKS)
    page = check(told)
    assert told.subject == "Sarah reached validate (MQL)"
    for words in (
        data["summary"],
        "sarah@adviser.example",
        "Teacher",
        "downloaded “A guide” on 30 April",
        "above 61 % of leads",
        "61 (hot)",
        "sales sent it back: Not ready yet, on 25 April 2026, 09:20 UTC",
        "to be left alone until 28 April 2026, 00:00 UTC",
        "last handed over to content on 24 April 2026, 09:20 UTC, as educate",
        "moved from educate to involve on 30 April 2026, 09:20 UTC",
        "engagement +41",
        "category: Retirement",
        "search, google, spring, https://adviser.example/blog/mistakes",
        "acme.example",
        "asked for a demo: brings the lead to sell at once",
        "3 May 2026, 09:20 UTC: viewed “Common retirement mistakes”",
        "Don't send mails: their address bounced.",
    ):
        assert words in page.said, words
        assert words in " ".join(told.text.split()).replace(" - ", "- "), words


def test_buttons_stand_in_their_order_and_lead_where_they_should() -> None:
    """Accept before reject, whatever order they come in; a link that is none is left out."""
    links = {**LINKS, "evil": "javascript:alert(1)", "quote": 'https://a.example/"onload="x'}
    told = render(body(packet()), links)
    page = check(told)
    assert page.links == [LINKS["accept"], LINKS["reject"], LINKS["lead"]]
    assert "Accept:\nhttps://leads.example/a/1\nReject:\nhttps://leads.example/r/1" in told.text
    assert "javascript" not in told.html + told.text


def test_who_must_not_be_called_is_said_above_all_else() -> None:
    """A salesperson sees it before the number."""
    data = packet()
    data["consent"]["purposes"] = {"sales_contact": {"granted": False, "by_default": False}}
    told = render(body(data), {})
    assert told.text.index("Don't call or write") < told.text.index("sarah@adviser.example")
    assert "contact by sales: no" in told.text


@pytest.mark.parametrize("name", sorted(packet()))
def test_every_field_of_a_hand_off_may_be_missing(name: str) -> None:
    """A destination chooses its fields."""
    data = packet()
    del data[name]
    check(render(body(data), LINKS))
    check(render(body({name: packet()[name]}, "handoff.content"), LINKS))


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_message_can_be_read(kind: str) -> None:
    """Those that are still to come, too."""
    told = render(body({"lead_id": "L-1", "summary": "It moved.", "channel": "email"}, kind), LINKS)
    page = check(told)
    assert LINKS["accept"] in page.links
    assert "L-1" in told.text or kind.startswith(
        ("handoff.sales", "handoff.content", "lead.alert", "leadscore")
    )


def test_a_stage_change_says_from_where_to_where() -> None:
    """With what tipped it."""
    change = json.loads((GOLDEN / "lead-stage-changed.v1.1.json").read_text())
    told = render(body(change, "lead.stage_changed"), {})
    check(told)
    assert told.subject == "Lead moved from involve to validate"
    assert "engagement/pricing (+10 points)" in told.text


def test_markup_and_line_breaks_are_only_text() -> None:
    """In every place where a sender's words may stand."""
    evil = '</p><script>alert(1)</script><img src=x onerror=y>\r\nBcc: all@x.example\u202e"'

    def spoiled(value: Any) -> Any:
        if isinstance(value, dict):
            return {name: spoiled(one) for name, one in value.items()}
        if isinstance(value, list):
            return [spoiled(one) for one in value]
        return evil if isinstance(value, str) else value

    for kind in KINDS:
        told = render(body(spoiled(packet()), kind), {"accept": evil, evil: LINKS["accept"]})
        check(told)
        assert "\n" not in told.subject
        assert "\u202e" not in told.subject + told.text + told.html


_texts = st.text(max_size=40) | st.sampled_from(["x" * 3000, "<b>" * 900, "\n\r\x00", "ü&" * 500])
_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | _texts,
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(_texts, inner, max_size=8),
    max_leaves=40,
)


@settings(max_examples=60, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    data=st.dictionaries(st.sampled_from([*sorted(packet()), "to_stage", "x"]), _values) | _values,
    links=st.dictionaries(_texts, _texts, max_size=20),
    inner=st.dictionaries(
        st.sampled_from(["who", "stage", "since_last", "consent", "account", "inflow"]),
        st.dictionaries(
            st.sampled_from(
                ["traits", "name", "emails", "moves", "scores", "deeds", "purposes", "at", "key"]
            ),
            _values,
        ),
    ),
)
def test_whatever_comes_it_is_read_safely_and_stays_small(
    kind: str, data: Any, links: dict[str, str], inner: dict[str, Any]
) -> None:
    """No input raises, breaks out of its place, or makes a page of 30 KB."""
    check(render(body({**data, **inner} if isinstance(data, dict) else data, kind), links))


def test_the_largest_message_keeps_its_buttons() -> None:
    """Parts go from the end: who and why stay."""
    data = packet()
    for name in ("story", "last_actions", "content", "reasons", "interest_details"):
        data[name] = [one for one in data[name] for _ in range(50)]
    for one in (*data["last_actions"], *data["content"], *data["reasons"]):
        for name in one:
            if isinstance(one[name], str):
                one[name] = "“ü”" * 400
    data["story"] = ["&<>" * 400] * 50
    told = render(body(data), LINKS)
    page = check(told)
    assert len(page.links) == 3
    assert "sarah@adviser.example" in page.said


def test_an_alert_tells_of_whom_it_is_and_why() -> None:
    """As a hand-off, as far as it goes."""
    data = json.loads((GOLDEN / "lead-alert.v1.json").read_text())
    told = render({"type": "lead.alert", "timestamp": "", "data": data}, {})
    assert told.subject == "A large company: Sarah"
    page = check(told)
    for words in ("A large company.", "sarah@adviser.example", "validate (MQL)"):
        assert words in page.said, words
        assert words in told.text, words


@pytest.mark.parametrize(
    ("level", "subject"),
    [
        ("reminder", "Waiting for you: Sarah"), ("overdue", "Overdue: Sarah"),
        ("reassign", "Yours now: Sarah"), ("woken", "Open again: Sarah"),
    ],
)  # fmt: skip
def test_a_reminder_tells_whom_to_call_and_can_be_answered(level: str, subject: str) -> None:
    """Whoever it is with now."""
    data = json.loads((GOLDEN / "handoff-overdue.v1.json").read_text()) | {"level": level}
    told = render({"type": "handoff.overdue", "timestamp": "", "data": data}, LINKS)
    assert told.subject == subject
    page = check(told)
    for words in ("sarah@adviser.example", "It is with bob.", "handed over on 3 May 2026"):
        assert words in page.said, words
    assert LINKS["accept"] in page.links
