"""What an answer means for a delivery, and for its destination."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.router.judging import judge
from services.router.retries import GIVE_UP_S
from shared.outbound.posting import Answer

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("answer", "attempts", "status"),
    [
        (Answer(200, ""), 1, "delivered"),
        (Answer(204, ""), 1, "delivered"),
        (Answer(302, ""), 1, "waiting"),
        (Answer(400, ""), 1, "waiting"),
        (Answer(503, ""), 9, "waiting"),
        (Answer(503, ""), 10, "failed"),
        (Answer(None, "ConnectError"), 1, "waiting"),
        (Answer(410, ""), 1, "failed"),
        (Answer(500, "", None, True), 1, "failed"),
    ],
)
def test_only_2xx_is_success(answer: Answer, attempts: int, status: str) -> None:
    """Redirects are not followed, 410 and the last attempt end it, all else is tried again."""
    assert judge(answer, attempts, 60.0, NOW, 0.0).status == status


def test_a_probe_that_fails_uses_up_no_attempt_but_days_end_it() -> None:
    """Nine attempts are spent before and after; when the days are over it has failed."""
    away = Answer(None, "ConnectError")
    probed = judge(away, 10, 60.0, NOW, 0.0, is_probe=True)
    assert (probed.status, probed.spent) == ("waiting", 9)
    assert judge(away, 1, GIVE_UP_S + 1, NOW, 0.0, is_probe=True).status == "failed"


def test_a_probe_whose_message_is_not_wanted_has_used_up_its_attempt() -> None:
    """The receiver works: it was the message's fault."""
    refused = judge(Answer(422, ""), 3, 60.0, NOW, 0.0, is_probe=True)
    assert (refused.spent, refused.outcome.health) == (3, "healthy")


def test_only_410_disables() -> None:
    """Gone, says the receiver; 404 may be a slip."""
    assert judge(Answer(410, ""), 1, 0.0, NOW, 0.0).disables
    assert not judge(Answer(404, ""), 1, 0.0, NOW, 0.0).disables
