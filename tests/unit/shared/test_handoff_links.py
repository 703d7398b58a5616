"""Links by which sales answers: signed, for an act, for a while."""

from __future__ import annotations

import string
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.handoff_links import (
    VALID_DEAL_S,
    VALID_S,
    Answer,
    LinkError,
    links_of,
    read_link,
    write_link,
)

KEY = b"a key for tests only"
ID = UUID("0196a6a0-0000-7000-8000-000000000001")
NOW_S = 1_777_800_000
LINK = write_link(Answer(ID, "accept", NOW_S + 60), KEY)


def test_what_was_written_is_read() -> None:
    """By the same key alone, until it ends."""
    assert read_link(LINK, KEY, NOW_S) == Answer(ID, "accept", NOW_S + 60)
    with pytest.raises(LinkError, match="expired"):
        read_link(LINK, KEY, NOW_S + 61)
    with pytest.raises(LinkError, match="valid"):
        read_link(LINK, b"another key", NOW_S)


@given(st.integers(0, len(LINK) - 1), st.characters(codec="ascii"))
def test_no_letter_of_it_can_be_changed(place: int, letter: str) -> None:
    """Not even one that base64 doesn't look at: each link is one."""
    other = LINK[:place] + letter + LINK[place + 1 :]
    if other != LINK:
        with pytest.raises(LinkError):
            read_link(other, KEY, NOW_S)


@pytest.mark.parametrize("end", [LINK.index("."), len(LINK)])
def test_a_link_has_one_spelling(end: int) -> None:
    """The last letter of each half holds bits that no byte needs: it is used once, as written."""
    for letter in string.ascii_letters + string.digits + "-_":
        other = LINK[: end - 1] + letter + LINK[end:]
        if other != LINK:
            with pytest.raises(LinkError):
                read_link(other, KEY, NOW_S)


@given(st.text(max_size=400))
def test_whatever_comes_is_no_link(text: str) -> None:
    """Nothing but LinkError."""
    with pytest.raises(LinkError):
        read_link(text, KEY, NOW_S)


def test_a_message_that_is_tried_again_has_the_same_links() -> None:
    """Within a day; none where the console can't be reached."""
    first = links_of(ID, KEY, "https://leads.example/", NOW_S)
    assert first == links_of(ID, KEY, "https://leads.example", NOW_S + 60)
    assert set(first) == {"accept", "reject", "snooze", "recycle", "won", "lost"}
    deal = read_link(first["won"].rpartition("/")[2], KEY, NOW_S + VALID_S)
    assert deal.ends_s - NOW_S <= VALID_DEAL_S
    answer = read_link(first["reject"].rpartition("/")[2], KEY, NOW_S)
    assert NOW_S + VALID_S - 86_400 <= answer.ends_s <= NOW_S + VALID_S
    assert links_of(ID, KEY, "", NOW_S) == {}
