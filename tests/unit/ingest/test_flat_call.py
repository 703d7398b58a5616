"""Calls written as flat names and values."""

from __future__ import annotations

from services.ingest.flat_call import content_id, read_flat_call


def test_every_parameter_finds_its_place() -> None:
    """Ids, page, campaign and properties; what isn't known doesn't matter."""
    kind, call = read_flat_call(
        {
            "writeKey": "wk",
            "type": "Video Watched",
            "userId": "u1",
            "anonymousId": "a1",
            "messageId": "m1",
            "url": "https://www.example.com/video",
            "title": "Testimonial",
            "utm_source": "news",
            "utm_campaign": "spring",
            "utm_medium": "",
            "p.seconds": "30",
            "p.": "nameless",
            "cachebuster": "123",
        }
    )
    assert (kind, call.event) == ("track", "video_watched")
    assert (call.user_id, call.anonymous_id, call.message_id) == ("u1", "a1", "m1")
    assert call.properties == {"seconds": "30"}
    assert call.context == {
        "page": {"url": "https://www.example.com/video", "title": "Testimonial"},
        "campaign": {"source": "news", "name": "spring"},
    }
    assert call.traits is None


def test_no_type_means_a_page_view() -> None:
    """The pixel of a page needs no type; both spellings are the same call."""
    assert read_flat_call({})[0] == "page"
    assert read_flat_call({"type": "page_viewed"})[0] == "page"
    assert read_flat_call({"type": "page"})[0] == "page"


def test_a_track_call_names_its_event() -> None:
    """As in Segment's API."""
    kind, call = read_flat_call({"type": "track", "event": "Demo Requested"})
    assert (kind, call.event) == ("track", "demo_requested")


def test_the_content_id_depends_on_what_is_said_alone() -> None:
    """Cache busters and the order of parameters change nothing; another campaign does."""

    def made_of(**given: str) -> str:
        return content_id(*read_flat_call(given))

    opened = made_of(type="email_opened", userId="u1", campaign="day-2")
    assert opened == made_of(campaign="day-2", userId="u1", type="email_opened", rand="7")
    assert opened != made_of(type="email_opened", userId="u1", campaign="day-5")
    assert opened != made_of(type="email_opened", userId="u2", campaign="day-2")
    assert len(opened) <= 100
