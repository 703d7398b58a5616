"""What the demo shows: one live table on a terminal, plain lines elsewhere."""

from __future__ import annotations

from decimal import Decimal
from types import TracebackType
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from deploy.demo.journey import Step

NEWS_LINES = 6
# Lines of the live view beside steps and news: titles, borders, the counts.
FRAME_LINES = 10
ENTRIES_SHOWN = 30


def score_of(lead: dict[str, Any] | None) -> str:
    """The scores that aren't 0, such as "engagement 31.0"."""
    scores = lead["scores"] if lead else {}
    return "  ".join(f"{model} {score:.1f}" for model, score in scores.items() if score) or "0"


class Screen:
    """A context manager: the live table is shown inside it."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._rows: list[tuple[str, str, str, str]] = []
        self._news: list[str] = []
        self._counts = ""
        self._live: Live | None = None

    def __enter__(self) -> Screen:
        if self.console.is_terminal:
            self._live = Live(self._drawn(), console=self.console, refresh_per_second=8)
            self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._live.__exit__(kind, error, trace)
            self._live = None

    def line(self, text: str) -> None:
        self.console.print(escape(text))

    def step(self, step: Step, lead: dict[str, Any] | None, stages: list[dict[str, Any]]) -> None:
        """Sarah did something; this is where she stands now."""
        day = f"day {step.after.days}"
        stage = lead["stage"] if lead else "-"
        if lead and lead["labels"]:
            stage += f" ({', '.join(lead['labels'])})"
        self._rows.append((day, f"Sarah {step.words}", score_of(lead), stage))
        self._counts = "   ".join(f"{each['stage']} {each['leads']}" for each in stages)
        if self._live is None:
            self.line(f"{day}: Sarah {step.words} → {score_of(lead)} · {stage}")
        self._redraw()

    def news(self, topic: str, text: str) -> None:
        """Something arrived on Kafka."""
        self._news.append(f"{topic}: {text}")
        if self._live is None:
            self.line(f"  Kafka {topic}: {text}")
        self._redraw()

    def packet(self, packet: dict[str, Any]) -> None:
        """The sales hand-off, as an adviser would read it."""
        who = packet["who"]
        grid = Table.grid(padding=(0, 2))
        for heading, lines in (
            ("who", [f"{who['traits'].get('name', '')} <{', '.join(who['emails'])}>"]),
            ("stage", [f"{packet['stage']['name']} since {packet['stage']['since']}"]),
            ("scores", [score_of({"scores": packet["scores"]})]),
            ("content", [f"{each['kind']}: {each['title']}" for each in packet["content"]]),
            ("why", [f"{each['points']:+g}  {each['words']}" for each in packet["reasons"]]),
            ("last", [f"{each['at']}  {each['words']}" for each in packet["last_actions"][:5]]),
        ):
            for index, line in enumerate(lines):
                grid.add_row("" if index else heading, escape(line))
        self.console.print(Panel(grid, title="Hand-off to sales", expand=False))

    def explanation(self, explanation: dict[str, Any]) -> None:
        """Entry by entry, with the sum that is the score."""
        for model, told in explanation["models"].items():
            if not told["entries"]:
                continue
            table = Table(title=f"Why {model} is {told['score']}", title_justify="left")
            for heading in ("when", "why", "rule", "points", "worth now"):
                right = heading in {"points", "worth now"}
                table.add_column(heading, justify="right" if right else "left")
            for entry in told["entries"][-ENTRIES_SHOWN:]:
                table.add_row(
                    entry["occurred_at"][:16].replace("T", " "),
                    escape(entry["reason"]),
                    entry["rule"],
                    f"{entry['points']:g}",
                    f"{entry['value_now']:.6f}",
                )
            total = sum((Decimal(str(entry["value_now"])) for entry in told["entries"]), Decimal(0))
            table.add_section()
            table.add_row("", "sum of the entries", "", "", f"{total:.6f}")
            self.console.print(table)

    def _drawn(self) -> Group:
        table = Table(title="Sarah's journey", title_justify="left", expand=True)
        widths = {"day": 5, "what happens": 20, "score": 15, "stage": 19}
        for heading, width in widths.items():
            table.add_column(heading, no_wrap=True, min_width=width)
        room = max(3, self.console.height - FRAME_LINES - NEWS_LINES)
        for row in self._rows[-room:]:
            table.add_row(*(escape(cell) for cell in row))
        news = Text(
            "\n".join(self._news[-NEWS_LINES:]) or "nothing yet", no_wrap=True, overflow="ellipsis"
        )
        return Group(
            table,
            Panel(news, title="Arrived on Kafka, for Sarah", title_align="left"),
            Text(f"Everybody by stage:  {self._counts or '-'}"),
        )

    def _redraw(self) -> None:
        if self._live is not None:
            self._live.update(self._drawn())
