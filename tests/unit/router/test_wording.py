"""What a person did, in words."""

from __future__ import annotations

import pytest

from services.router.wording import words_for
from tests.unit.router.people import event

LINK = {"page": {"path": "/guides/retirement", "title": "Retirement"}}


@pytest.mark.parametrize(
    ("kind", "properties", "words"),
    [
        ("page_viewed", {}, "viewed “Retirement”"),
        ("email_clicked", {}, "clicked a link in an email"),
        ("email_clicked", {"email_subject": "Your guide"},
         "clicked a link in the email “Your guide”"),
        ("quiz_taken", {"name": "Risk"}, "quiz taken: “Risk”"),
    ],
)  # fmt: skip
def test_a_mail_is_not_called_by_the_page_its_link_led_to(
    kind: str, properties: dict[str, str], words: str
) -> None:
    assert words_for(event(kind, properties=properties, context=LINK)) == words
