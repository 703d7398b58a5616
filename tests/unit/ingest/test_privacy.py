"""Global Privacy Control: the signal, and what it withholds."""

from __future__ import annotations

import pytest

from services.ingest.privacy import gpc_signal, withheld_by_gpc
from shared.envelope import EPOCH, Event, Identifiers


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([b"1"], True), ([b"0", b"1"], True), ([b"0, 1"], True), ([b"1,1"], True),
        ([], False), ([b"0"], False), ([b"true"], False), ([b"11"], False), ([b""], False),
    ],
)  # fmt: skip
def test_only_exactly_1_is_the_signal(values: list[bytes], expected: bool) -> None:
    """As the specification says; proxies join repeated headers by commas."""
    assert gpc_signal([(b"sec-gpc", value) for value in values]) is expected


@pytest.mark.parametrize(
    ("event_type", "withheld"),
    [
        ("page_viewed", True), ("page_left", True), ("link_clicked", True),
        ("video_watched", True), ("anything of the site", True),
        ("lead_identified", False), ("form_submitted", False), ("demo_requested", False),
    ],
)  # fmt: skip
def test_passive_events_are_withheld_and_submits_go_on(event_type: str, withheld: bool) -> None:
    """What a person sends on purpose is theirs to send."""
    event = Event(
        id="1", source="web", type=event_type, occurred_at=EPOCH, received_at=EPOCH,
        identifiers=Identifiers(anonymous_id="a"),
    )  # fmt: skip
    assert withheld_by_gpc(event) is withheld
