"""`leadscore deliveries`: what was sent, waits and failed, and sending it again."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Annotated, NoReturn
from uuid import UUID

import typer

from services.router.commands import DryRun, Json, run

app = typer.Typer(help="What was sent, what waits, what failed.", no_args_is_help=True)

_MOST = 2**63 - 1
_Destination = Annotated[str | None, typer.Option("--destination", help="Only to this one.")]
_Since = Annotated[
    datetime | None,
    typer.Option(
        help="Only those queued since then, UTC.",
        formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
    ),
]


@app.command(name="list")
def list_(
    destination: _Destination = None,
    status: Annotated[
        str | None, typer.Option(help="waiting, delivered, failed or suppressed.")
    ] = None,
    lead: Annotated[str | None, typer.Option(help="Only of this lead.")] = None,
    since: _Since = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000)] = 50,
    as_json: Json = False,
) -> None:
    """Show deliveries, the newest first."""
    from shared.outbound import deliveries

    if status is not None and status not in deliveries.STATUSES:
        _fail(f"there is no status {status!r}: {', '.join(deliveries.STATUSES)}")
    wanted = deliveries.Wanted(
        destination, status, None if lead is None else _uuid(lead), since=_utc(since)
    )
    found = run(lambda pool: deliveries.listed(pool, wanted, limit))
    if as_json:
        typer.echo(json.dumps([asdict(each) for each in found], indent=2, default=str))
        return
    for each in found:
        typer.echo(
            f"{each.id}\t{each.created_at:%Y-%m-%d %H:%M:%S}\t{each.destination}\t{each.type}\t"
            f"{each.lead_id}\t{each.status}\t{each.attempts} attempts\t{each.last_answer}"
        )


@app.command()
def show(
    delivery: Annotated[
        int,
        typer.Argument(min=1, max=_MOST, help="Its number, see `leadscore deliveries list`."),
    ],
    as_json: Json = False,
) -> None:
    """Show a delivery and each of its attempts."""
    from shared.outbound import deliveries

    found = run(lambda pool: deliveries.find(pool, delivery))
    if found is None:
        _fail(f"there is no delivery {delivery} (any more)")
    one, attempts = found
    if as_json:
        told = {**asdict(one), "made": [asdict(each) for each in attempts]}
        typer.echo(json.dumps(told, indent=2, default=str))
        return
    for name, value in asdict(one).items():
        typer.echo(f"{name}: {value if value is not None else '-'}")
    for each in attempts:
        typer.echo(
            f"attempt {each.attempt}\t{each.at:%Y-%m-%d %H:%M:%S}\t{each.duration_ms} ms\t"
            f"{each.outcome}\t{each.answer}"
        )


@app.command()
def resend(
    numbers: Annotated[
        list[int] | None, typer.Argument(min=1, max=_MOST, help="Numbers of deliveries.")
    ] = None,
    destination: _Destination = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only those that failed.")] = False,
    since: _Since = None,
    dry_run: DryRun = False,
) -> None:
    """Send again what has ended: by number, or all of a destination, those that failed, those since
    a day. Messages keep their ids: who has them drops them.
    """
    from shared.outbound import deliveries, destinations

    if not numbers and destination is None and since is None:
        _fail("say which: numbers, --destination or --since")
    count = run(
        lambda pool: deliveries.resend(
            pool,
            ids=numbers or None,
            destination=destination,
            statuses=["failed"] if failed else None,
            since=_utc(since),
            dry_run=dry_run,
        )
    )
    words = f"{count} deliveries are queued again"
    typer.echo(f"dry run, nothing changed: {words}" if dry_run else words)
    if count < len(numbers or ()):
        typer.echo("the others wait already, or are none (any more)", err=True)
    for each in run(destinations.listed) if count else ():
        if each.disabled_why is not None and each.waiting and destination in (None, each.name):
            typer.echo(
                f"{each.name} is disabled: its deliveries wait until it is enabled", err=True
            )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.replace(tzinfo=UTC)


def _uuid(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        _fail(f"{text!r} is no lead's id")


def _fail(why: str) -> NoReturn:
    typer.echo(why, err=True)
    raise typer.Exit(1)
