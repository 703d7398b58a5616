"""The topics, as a table: name, partitions, and what the broker keeps."""

from __future__ import annotations

from dataclasses import dataclass, field

DAY_MS = 86_400_000
# How long records stay. Kafka deletes whole files, once the newest record in one is so old: a file
# takes a day's records at most, so that none stays longer than both together.
RETENTION_DAYS = 30
SEGMENT_DAYS = 1


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic. `config` goes to the broker as it is; retention bounds personal data."""

    name: str
    partitions: int
    config: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topics:
    """The names in force. A prefix keeps tests, or two installations on one cluster, apart."""

    prefix: str = ""

    @property
    def lead_events(self) -> str:
        return f"{self.prefix}lead-events"

    @property
    def dead_letter(self) -> str:
        return f"{self.prefix}lead-events-dead-letter"

    @property
    def stage_changed(self) -> str:
        return f"{self.prefix}lead-stage-changed"

    @property
    def handoff_content(self) -> str:
        return f"{self.prefix}handoff-content"

    @property
    def handoff_sales(self) -> str:
        return f"{self.prefix}handoff-sales"

    def table(self, event_partitions: int = 12) -> tuple[Topic, ...]:
        """Every topic with its settings."""
        kept = {
            "retention.ms": str(RETENTION_DAYS * DAY_MS),
            "segment.ms": str(SEGMENT_DAYS * DAY_MS),
        }
        return (
            # 12 partitions: 12 is divided evenly by 2, 3, 4 and 6 scorers.
            Topic(self.lead_events, event_partitions, kept),
            Topic(self.dead_letter, 1, kept),
            Topic(self.stage_changed, 6, kept),
            Topic(self.handoff_content, 6, kept),
            Topic(self.handoff_sales, 6, kept),
        )
