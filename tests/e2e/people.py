"""People who do things: what they send, by the real endpoints, with stable ids and times."""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.e2e.conftest import Local

USER_AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36"
BROWSER = {"User-Agent": USER_AGENT}
SITE = "https://www.adviser.example"
EBOOK = "Your Guide to a Secure Retirement"
MISTAKES = "Seven common retirement mistakes"
TESTIMONIAL = "Client story: retired at 62"
PATIENCE_SECONDS = 120.0  # a killed process may take long to come back on a busy machine

T = TypeVar("T")

# The same for everybody, so that people who do the same have the same scores at any instant.
BEGAN = datetime.now(UTC).replace(microsecond=0) - timedelta(days=10)


@dataclass(frozen=True)
class Deed:
    """One thing that was done: a request that can be sent again as it is."""

    name: str
    path: str
    request: dict[str, Any]


@dataclass
class Person:
    """Somebody with an address and a browser of their own."""

    local: Local
    email: str = field(default_factory=lambda: f"p{uuid.uuid4().hex[:12]}@example.com")
    browser: str = field(default_factory=lambda: f"b{uuid.uuid4().hex[:12]}")

    def call(self, name: str, after: timedelta, kind: str, /, **call: Any) -> Deed:
        """A call of the browser's, or of anybody whose ids are given."""
        body = {
            "anonymousId": self.browser,
            "messageId": f"{self.browser}-{name}",
            "timestamp": (BEGAN + after).isoformat(timespec="milliseconds"),
            **call,
        }
        request = {"json": body, "auth": (self.local["write_key"], ""), "headers": BROWSER}
        return Deed(name, f"/v1/{kind}", request)

    def visit(
        self, name: str, after: timedelta, path: str, title: str, referrer: str = "", **context: Any
    ) -> Deed:
        page = {"url": f"{SITE}{path}", "path": path, "title": title, "referrer": referrer}
        return self.call(name, after, "page", context={"page": page, **context})

    def track(self, name: str, after: timedelta, event: str, /, **properties: Any) -> Deed:
        return self.call(name, after, "track", event=event, properties=properties)

    def identify(self, name: str, after: timedelta, /, **traits: Any) -> Deed:
        return self.call(name, after, "identify", traits={"email": self.email, **traits})

    def alias(self, name: str, after: timedelta, previous: str, user_id: str) -> Deed:
        return self.call(name, after, "alias", previousId=previous, userId=user_id)

    def imported(self, name: str, after: timedelta, contact: str, /, **traits: Any) -> Deed:
        """A server tells of the person as a contact of the CRM: no browser has part in it."""
        body = {
            "messageId": f"{self.browser}-{name}",
            "timestamp": (BEGAN + after).isoformat(timespec="milliseconds"),
            "traits": {"email": self.email, **traits},
            "context": {"externalIds": [{"id": contact, "type": "crm"}]},
        }
        return Deed(name, "/v1/identify", {"json": body, "auth": (self.local["secret_key"], "")})

    def identify_as(self, name: str, after: timedelta, user_id: str) -> Deed:
        """The person says who they are by an account's id, too."""
        return self.call(name, after, "identify", userId=user_id, traits={"email": self.email})

    def form(self, name: str, after: timedelta, form: str, /, **fields: str) -> Deed:
        hidden = {
            "writeKey": self.local["write_key"],
            "_anonymous_id": self.browser,
            "_message_id": f"{self.browser}-{name}",
            "_timestamp": (BEGAN + after).isoformat(timespec="milliseconds"),
        }
        data = {"email": self.email, **fields, **hidden}
        return Deed(name, f"/v1/forms/{form}", {"data": data, "headers": BROWSER})

    def mail(self, name: str, after: timedelta, number: int, event: str, path: str = "") -> Deed:
        """SendGrid tells of a mail to the person."""
        item = {
            "email": self.email,
            "event": event,
            "timestamp": int((BEGAN + after).timestamp()),
            "sg_event_id": f"{self.browser}-{name}",
            "sg_message_id": f"{self.browser}-mail-{number}",
            "subject": f"Mail number {number}",
            "useragent": USER_AGENT,
            **({"url": f"{SITE}{path}"} if path else {}),
        }
        body = json.dumps([item]).encode() + b"\r\n"
        return Deed(name, "/v1/webhooks/sendgrid", {"content": body, "headers": self._signed(body)})

    def _signed(self, body: bytes) -> dict[str, str]:
        pem = self.local["sendgrid_private_key_pem"].encode()
        key = serialization.load_pem_private_key(pem, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        stamp = str(int(time.time()))
        signature = key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))
        return {
            "Content-Type": "application/json",
            "X-Twilio-Email-Event-Webhook-Signature": base64.b64encode(signature).decode(),
            "X-Twilio-Email-Event-Webhook-Timestamp": stamp,
        }

    def journey(self) -> list[Deed]:
        """Sarah's: a search, an e-book by a form, three mails, a post, a video, the prices."""

        def at(days: int, minutes: int) -> timedelta:
            return timedelta(days=days, minutes=minutes)

        search = "https://www.google.com/search?q=retirement+savings+strategies"
        return [
            self.visit("landing", at(0, 0), "/blog/strategies", "Retirement strategies", search),
            self.visit("guide", at(0, 3), "/guides/secure-retirement", EBOOK),
            self.form("ebook-form", at(0, 5), "ebook", name="Sarah Miller"),
            self.track("ebook", at(0, 6), "content_downloaded", content_id="ebook", title=EBOOK),
            self.mail("mail-1", at(2, 0), 1, "delivered"),
            self.mail("mail-1-open", at(2, 70), 1, "open"),
            self.mail("mail-1-click", at(2, 71), 1, "click", "/blog/mistakes"),
            self.visit("mistakes", at(2, 72), "/blog/mistakes", MISTAKES),
            self.track("mistakes-read", at(2, 77), "page_left", seconds=200, total_seconds=200),
            self.mail("mail-2", at(5, 0), 2, "delivered"),
            self.mail("mail-2-open", at(5, 60), 2, "open"),
            self.mail("mail-2-click", at(5, 61), 2, "click", "/stories/retired"),
            self.track("video", at(5, 66), "video_watched", title=TESTIMONIAL, percent=95),
            self.mail("mail-3", at(9, 0), 3, "delivered"),
            self.mail("mail-3-open", at(9, 30), 3, "open"),
            self.visit("allocation", at(9, 40), "/guides/asset-allocation", "Asset allocation"),
            self.visit("pricing", at(9, 45), "/pricing", "Fees and services"),
            self.track("pricing-read", at(9, 49), "page_left", seconds=150, total_seconds=150),
        ]

    def send(self, *deeds: Deed) -> None:
        """Send, one after the other; what asks to wait is sent again. Fails if refused."""
        for deed in deeds:
            url = f"{self.local['ingest_url']}{deed.path}"
            deadline = time.monotonic() + PATIENCE_SECONDS
            while True:
                answer = self.local.http.post(url, **deed.request)
                if answer.status_code != 429 or time.monotonic() > deadline:
                    break
                time.sleep(0.5)
            assert answer.status_code == 200, (deed.name, answer.status_code, answer.text)

    def lead(self) -> dict[str, Any] | None:
        """The person's lead: by the address, else by the browser if it is one lead's alone."""
        for query in (f"email={self.email}", f"anonymous_id={self.browser}"):
            items: list[dict[str, Any]] = self.local.api(f"/v1/leads?{query}")["items"]
            if len(items) == 1:
                return items[0]
            # Others may use the browser, and be scored between the two questions.
            assert not items or query.startswith("anonymous_id"), items
        return None

    def scored(self, events: int) -> dict[str, Any]:
        """The lead, once so many of the person's events are scored."""

        def lead_with_all() -> dict[str, Any] | None:
            lead = self.lead()
            if lead is None or len(self.timeline(lead["id"])) < events:
                return None
            return self.lead()  # as it stands after them: the one above may be older

        return eventually(lead_with_all, f"{events} events of one person are scored")

    def timeline(self, lead_id: str) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = self.local.api(f"/v1/leads/{lead_id}/timeline?limit=500")[
            "items"
        ]
        return items

    def account(self) -> dict[str, list[tuple[Any, ...]]]:
        """Why the scores are as they are, at one fixed instant and without any ids."""
        lead = self.lead()
        assert lead is not None
        at = (BEGAN + timedelta(days=9, hours=12)).isoformat().replace("+00:00", "Z")
        told = self.local.api(f"/v1/leads/{lead['id']}/explain?newest=500&at={at}")
        kept = ("type", "rule", "points", "raw", "clipped", "value_now", "occurred_at")
        return {
            model: [tuple(entry[name] for name in kept) for entry in part["entries"]]
            for model, part in told["models"].items()
        }


def eventually(holds: Callable[[], T | None], what: str, seconds: float = PATIENCE_SECONDS) -> T:
    """What `holds` gives once it gives something. Fails after the deadline."""
    deadline = time.monotonic() + seconds
    while True:
        found = holds()
        if found:
            return found
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
