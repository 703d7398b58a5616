"""`leadscore report`: what became of hand-offs, and what people said of mails."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Annotated, Any

import typer

from services.console.reports.statistics import FEW
from services.console.stage_commands import fail, now_ms

app = typer.Typer(help="What became of hand-offs and mails.", no_args_is_help=True)

Days = Annotated[int, typer.Option(min=1, max=3650, help="So many days back.")]
AsJson = Annotated[bool, typer.Option("--json", help="For programs.")]


@app.command()
def rules(days: Days = 90, as_json: AsJson = False) -> None:
    """Which rules bring leads that sales accepts."""
    _handoffs("rules", days, as_json)


@app.command()
def bands(days: Days = 90, as_json: AsJson = False) -> None:
    """The same by score band at the hand-off."""
    _handoffs("bands", days, as_json)


@app.command()
def sources(days: Days = 90, as_json: AsJson = False) -> None:
    """The same by how people came."""
    _handoffs("sources", days, as_json)


@app.command()
def sequences(days: Days = 90, as_json: AsJson = False) -> None:
    """Unsubscribes and complaints by step of each sequence."""
    found = _run(lambda desk: desk.mailing(days))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    typer.echo("sequence\tstep\tsent\tunsubscribed\tcomplained")
    for row in found.rows:
        typer.echo(
            f"{row.sequence}\t{row.step}\t{row.sent}\t{_share(row.unsubscribed)}"
            f"\t{_share(row.complained)}"
        )
    _explain_few(row.few for row in found.rows)
    if not found.whole:
        typer.echo("(more steps went out than are looked at: ask for fewer days)", err=True)


def _handoffs(by: str, days: int, as_json: bool) -> None:
    found = _run(lambda desk: desk.handoffs(by, days))
    if as_json:
        typer.echo(found.model_dump_json(indent=2))
        return
    typer.echo(f"{by}\thand-offs\taccepted\tlift\twon\tvalue")
    for row in (*found.rows, found.total):
        ratio = "-"
        if row.lift is not None:
            ratio = f"{row.lift.value:.2f} ({row.lift.low:.2f} to {row.lift.high:.2f})"
        typer.echo(
            f"{row.name or '-'}\t{row.handoffs}\t{_share(row.precision)}\t{ratio}"
            f"\t{_share(row.won_share)}\t{_money(row.value)}"
        )
    shares = [
        share for row in (*found.rows, found.total) for share in (row.precision, row.won_share)
    ]
    _explain_few(share.few for share in shares if share is not None)


def _money(value: Mapping[str, float]) -> str:
    return " + ".join(f"{amount:,.2f} {currency}" for currency, amount in value.items()) or "-"


def _share(found: Any) -> str:
    if found is None:
        return "-"
    few = "*" if found.few else ""
    return f"{found.value:.1%}{few} ({found.low:.1%} to {found.high:.1%})"


def _explain_few(flags: Iterable[bool]) -> None:
    if any(flags):
        typer.echo(f"* of fewer than {FEW}: don't go by it", err=True)


def _run(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        return asyncio.run(_at_desk(work))
    except (OSError, SQLAlchemyError) as error:
        fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")


async def _at_desk(work: Callable[[Any], Awaitable[Any]]) -> Any:
    from deploy.local.state import load_settings
    from services.console.reports.desk import ReportDesk
    from shared.database import create_engine

    engine = create_engine(load_settings(), pool_size=1)
    try:
        return await work(ReportDesk(engine, now_ms))
    finally:
        await engine.dispose()
