"""What chats get: bounded, and with nothing in it that formats, mentions or links by itself."""

from __future__ import annotations

import json
from dataclasses import dataclass

import pytest

from shared.outbound.chat import BODY_MAX_BYTES, slack_body, teams_body
from shared.outbound.words import link_of


@dataclass(frozen=True)
class Said:
    subject: str
    text: str
    html: str = ""


EVIL = Said(
    "Sale <!channel> *now* & <https://evil.example|log in>",
    "read '<!here> <@U1>'\n[log in](https://evil.example)\n\u202egnp.exe",
)
LINK = "https://console.example/v1/leads/01a2"


def test_slack_gets_blocks_in_which_nothing_from_outside_works() -> None:
    """Plain text is shown as it is; where Slack reads markup, <, > and & are escaped."""
    body = json.loads(slack_body(EVIL, LINK))
    header, section, link = body["blocks"]
    assert header["text"] == {"type": "plain_text", "text": EVIL.subject, "emoji": False}
    assert section["text"]["type"] == "plain_text"
    assert section["text"]["text"].startswith("read '<!here> <@U1>'\n[log in]")
    assert body["text"].startswith("Sale &lt;!channel&gt; *now* &amp; &lt;https://evil")
    assert "<" not in body["text"]
    assert "\u202e" not in section["text"]["text"]
    assert link["text"]["text"] == f"<{LINK}|Open in leadscore>"


def test_teams_gets_an_adaptive_card_without_markup() -> None:
    """In the envelope that its incoming webhooks take; rich text, so that [a](b) is just text."""
    body = json.loads(teams_body(EVIL, LINK))
    (attachment,) = body["attachments"]
    assert body["type"] == "message"
    assert attachment["contentType"] == "application/vnd.microsoft.card.adaptive"
    card = attachment["content"]
    assert (card["type"], card["version"]) == ("AdaptiveCard", "1.4")
    assert {each["type"] for each in card["body"]} == {"RichTextBlock"}
    assert card["actions"] == [
        {"type": "Action.OpenUrl", "title": "Open in leadscore", "url": LINK}
    ]


@pytest.mark.parametrize("make", [slack_body, teams_body])
@pytest.mark.parametrize("letter", ["a", "&", "€", "\n", "𝄞"])
def test_what_is_too_long_is_cut(make: object, letter: str) -> None:
    """Within what both take, whatever the letters are."""
    words = Said(letter * 5_000, "\n".join([letter * 3_500] * 20))
    raw = make(words, LINK)  # type: ignore[operator]
    assert len(raw) <= BODY_MAX_BYTES + 10_000
    if make is slack_body:
        for block in json.loads(raw)["blocks"]:
            text = block["text"]["text"]
            assert 0 < len(text) <= (150 if block["type"] == "header" else 3_000)


@pytest.mark.parametrize(
    "link", ["javascript:alert(1)", "https://a|b", "https://a b", "https://a>b", 5, None, ""]
)
def test_only_a_web_address_is_a_link(link: object) -> None:
    """What could end the link's markup isn't shown as one."""
    assert link_of({"data": {"link": link}}) is None
    assert link_of({"data": {"link": LINK}}) == LINK
    assert link_of({"data": None}) is None
