"""The show: sends the journey, watches it arrive, and judges whether all came as it should."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from deploy.demo.journey import ARTICLES, EBOOK, JOURNEY, Step
from deploy.demo.memory import beginning
from deploy.demo.screen import Screen
from deploy.demo.sending import Sender
from deploy.demo.stack import Stack
from deploy.demo.visitors import VISITORS, visitor_calls
from deploy.demo.watching import Mailbox, Reader, listen

POLL_SECONDS = 0.1
# Events that were sent again leave no trace to wait for; this is many times what scoring takes.
REPEAT_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Pace:
    """pause: seconds between steps · follow: wait until each step is scored before the next ·
    deadline: seconds within which everything must have arrived.
    """

    pause: float
    follow: bool
    deadline: float


class Show:
    """One run of the demo. `missing` says what did not come; empty is a success."""

    def __init__(self, stack: Stack, screen: Screen, pace: Pace) -> None:
        self._stack = stack
        self._screen = screen
        self._pace = pace
        self._reader = Reader(stack)
        self._mailbox = Mailbox()
        self._sarah_id = ""
        self._told = 0
        self.missing: list[str] = []

    async def run(self) -> None:
        """Send, watch, show. Raises NotTakenError if ingest doesn't take an event."""
        began, repeated = beginning(self._stack.folder / "demo.json", datetime.now(UTC))
        sender = Sender(self._stack, began)
        listening = asyncio.create_task(listen(self._stack, self._mailbox, self._heard))
        try:
            before = await self._points()
            if repeated and before:
                self._screen.line("Sarah is already there: the same events are sent again")
            with self._screen:
                await self._send(sender, began)
                await self._arrival(listening)
            await self._verdict(before if repeated else None)
        finally:
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening
            await sender.close()
            await self._reader.close()

    async def _send(self, sender: Sender, began: datetime) -> None:
        """Sarah's steps, and between them the other visitors."""
        calls = list(visitor_calls(began))
        share = -(-len(calls) // len(JOURNEY))
        self._screen.line(f"{VISITORS} other visitors come along, with {len(calls)} events")
        for index, step in enumerate(JOURNEY):
            await sender.visitors(calls[index * share : (index + 1) * share])
            await sender.step(step)
            if self._pace.follow:
                await self._until(lambda step=step: self._is_scored(step))  # type: ignore[misc]
            await self._show_step(step)
            await asyncio.sleep(self._pace.pause)

    async def _arrival(self, listening: asyncio.Task[None]) -> None:
        """Wait until everything of Sarah's is scored and her hand-off has arrived."""
        if not await self._until(self._all_scored):
            self.missing.append("some of Sarah's events were not scored in time")
        if not self._pace.follow:
            await self._show_step(JOURNEY[-1])
        if not await self._until(self._handed_off):
            self.missing.append("no hand-off to sales arrived on the topic handoff-sales")
        if listening.done() and (error := listening.exception()):
            self.missing.append(f"Kafka could not be read: {error}")

    async def _verdict(self, before: dict[str, Any] | None) -> None:
        """Show packet and explanation, and check what they claim."""
        packets = self._mailbox.of(self._sarah_id, "handoff-sales")
        if packets:
            self._screen.packet(packets[-1])
            titles = {each["title"] for each in packets[-1]["content"]}
            if EBOOK not in titles:
                self.missing.append("the packet doesn't name the e-book")
            if not titles & set(ARTICLES.values()):
                self.missing.append("the packet names no article")
        explanation = await self._reader.explanation(self._sarah_id) if self._sarah_id else None
        if explanation is None:
            self.missing.append("there is no explanation of Sarah's scores")
            return
        self._screen.explanation(explanation)
        for model, told in explanation["models"].items():
            values = [Decimal(str(entry["value_now"])) for entry in told["entries"]]
            if sum(values, Decimal(0)) != Decimal(str(told["score"])):
                self.missing.append(f"the entries of {model} don't add up to its score")
        if before:
            await asyncio.sleep(REPEAT_SECONDS)
            after = await self._points()
            if after == before:
                self._screen.line("Already there: sending everything again added no points")
            elif set(before) == set(after):
                self.missing.append("sending everything again changed points")

    async def _points(self) -> dict[str, Any]:
        """What Sarah was granted so far: (event, rule) → points. Empty if she isn't there."""
        lead = await self._reader.sarah()
        explanation = await self._reader.explanation(lead["id"]) if lead else None
        if explanation is None:
            return {}
        return {
            f"{model}/{entry['rule']}/{entry['event_id']}": entry["points"]
            for model, told in explanation["models"].items()
            for entry in told["entries"]
        }

    async def _show_step(self, step: Step) -> None:
        lead = await self._reader.sarah()
        if lead is not None:
            self._sarah_id = lead["id"]
            self._tell_news()
        self._screen.step(step, lead, await self._reader.stages())

    async def _is_scored(self, step: Step) -> bool:
        lead = await self._reader.sarah()
        if lead is None:
            return False
        if step.road == "mail":  # its id is made by leadscore
            sent = [each for each in JOURNEY if each.after <= step.after]
            return len(await self._reader.event_ids(lead["id"])) >= len(sent)
        return f"demo-sarah-{step.name}" in await self._reader.event_ids(lead["id"])

    async def _all_scored(self) -> bool:
        lead = await self._reader.sarah()
        if lead is None:
            return False
        self._sarah_id = lead["id"]
        return len(await self._reader.event_ids(lead["id"])) >= len(JOURNEY)

    async def _handed_off(self) -> bool:
        self._tell_news()
        return bool(self._mailbox.of(self._sarah_id, "handoff-sales"))

    async def _until(self, holds: Callable[[], Awaitable[bool]]) -> bool:
        deadline = time.monotonic() + self._pace.deadline
        while not await holds():
            if time.monotonic() > deadline:
                return False
            await asyncio.sleep(POLL_SECONDS)
        return True

    def _heard(self, _topic: str, data: dict[str, Any]) -> None:
        if data["lead_id"] == self._sarah_id:
            self._tell_news()

    def _tell_news(self) -> None:
        """Show what arrived for Sarah since last time; it may have come before her id was known."""
        messages = self._mailbox.by_lead.get(self._sarah_id, [])
        for topic, data in messages[self._told :]:
            if topic == "lead-stage-changed":
                reasons = ", ".join(reason["rule"] for reason in data["reasons"])
                text = f"{data['from_stage']} → {data['to_stage']}"
                self._screen.news(topic, f"{text} because of {reasons or data['cause']}")
            else:
                titles = [each["title"] for each in data["content"]]
                self._screen.news(topic, f"{data['stage']['name']}, took up: {', '.join(titles)}")
        self._told = len(messages)
