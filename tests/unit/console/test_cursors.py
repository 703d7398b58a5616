"""Cursors: they come back as they went out, or are refused."""

from __future__ import annotations

import pytest

from services.console.cursors import read_cursor, write_cursor
from services.console.refusals import RefusedError


def test_a_cursor_comes_back_as_it_went_out() -> None:
    """Numbers and texts survive, and the text fits into a URL as it is."""
    cursor = write_cursor(1_780_000_000_000, "0198-key")
    assert read_cursor(cursor, int, str) == [1_780_000_000_000, "0198-key"]
    assert cursor.replace("-", "").replace("_", "").isalnum()


@pytest.mark.parametrize(
    "cursor", ["", "!", "AAAA", "é", write_cursor("text"), write_cursor(-1), write_cursor(2**60)]
)
def test_anything_else_is_refused(cursor: str) -> None:
    """A cursor that this API didn't write is a 400 that says where."""
    with pytest.raises(RefusedError) as refused:
        read_cursor(cursor, int)
    assert (refused.value.status, refused.value.problem.code) == (400, "invalid_cursor")
    assert refused.value.problem.path == "query.cursor"
