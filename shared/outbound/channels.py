"""One message, out by the channel of its destination: composed, signed and sent once."""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from shared.outbound.chat import slack_body, teams_body
from shared.outbound.destinations import Destination
from shared.outbound.kinds import EmailWishes, WebhookWishes
from shared.outbound.mail import Mailer, compose
from shared.outbound.posting import Answer, Outbound
from shared.outbound.selection import selected
from shared.outbound.signing import signed_headers
from shared.outbound.words import Words, link_of

# The body {type, timestamp, data} in words; links: what may be clicked (accept, reject …) → URL.
Render = Callable[[dict[str, Any], Mapping[str, str]], Words]
# The links of a message: (its id, its body before fields are selected).
Links = Callable[[str, dict[str, Any]], Awaitable[Mapping[str, str]]]

NO_MAILER = "LEADSCORE_SMTP_URL and LEADSCORE_MAIL_FROM are not set: no mail can go out"


async def no_links(_message_id: str, _body: dict[str, Any]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message for a destination. body: as it was queued, whole."""

    id: str
    lead_id: str
    body: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Channels:
    """links: asked for each mail, since only a mail goes to one person who may act on it."""

    outbound: Outbound
    render: Render
    mailer: Mailer | None = None
    links: Links = no_links

    async def send(self, destination: Destination, message: Outgoing) -> Answer:
        """Once. What goes is what the destination may see now, whatever it was when queued."""
        wishes = destination.wishes
        whole: dict[str, Any] = json.loads(message.body)
        body = {**whole, "data": selected(wishes.fields, whole["data"])}
        if isinstance(wishes, EmailWishes):
            if self.mailer is None:
                return Answer(None, NO_MAILER)
            words = self.render(body, await self.links(message.id, whole))
            mail = compose(
                self.mailer, wishes.to, message.id, message.lead_id, words, datetime.now(UTC)
            )
            return await self.mailer.send(mail)
        if destination.kind == "slack":
            return await self._post(destination, {}, slack_body(self._words(body), link_of(body)))
        if destination.kind == "teams":
            return await self._post(destination, {}, teams_body(self._words(body), link_of(body)))
        same = not (wishes.fields.include or wishes.fields.exclude)
        raw = message.body if same else json.dumps(body, ensure_ascii=False).encode()
        now_s = time.time()
        headers = signed_headers(destination.signing(now_s), message.id, int(now_s), raw)
        more = wishes.headers if isinstance(wishes, WebhookWishes) else {}
        return await self._post(destination, {**more, **headers}, raw)

    def _words(self, body: dict[str, Any]) -> Words:
        return self.render(body, {})

    async def _post(self, destination: Destination, headers: dict[str, str], body: bytes) -> Answer:
        return await self.outbound.post(destination.url, destination.allow_private, headers, body)

    async def close(self) -> None:
        await self.outbound.close()
