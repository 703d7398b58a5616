"""What the reports say."""

from __future__ import annotations

from services.console.answers import Answer, Instant


class ShareShown(Answer):
    """part of whole; low and high: the 95 % interval (Wilson) · few: too small a whole to go by."""

    part: int
    whole: int
    value: float
    low: float
    high: float
    few: bool


class LiftShown(Answer):
    """How much larger a share is than the base rate, that of all hand-offs; 95 % interval."""

    value: float
    low: float
    high: float


class Row(Answer):
    """Hand-offs by one rule, band or source. precision: accepted of those answered · won_share: won
    of those that ended · value: of what was won, by currency · few: too few answers to go by.
    """

    name: str
    handoffs: int
    accepted: int
    won: int
    value: dict[str, float]
    precision: ShareShown | None
    lift: LiftShown | None
    won_share: ShareShown | None
    few: bool


class Report(Answer):
    """Hand-offs to sales since an instant. total: all of them."""

    since: Instant
    by: str
    total: Row
    rows: list[Row]


class MailingRow(Answer):
    """A step that went out, and what people said before they got another one, within a week."""

    sequence: str
    step: str
    sent: int
    unsubscribed: ShareShown | None
    complained: ShareShown | None
    few: bool


class MailingReport(Answer):
    """whole: false where there were more steps than are looked at; these are the oldest."""

    since: Instant
    rows: list[MailingRow]
    whole: bool
