"""`leadscore destinations`: where webhooks go."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

if TYPE_CHECKING:
    from services.router.outbox import Pool

app = typer.Typer(help="Where stage changes and hand-offs are posted to.", no_args_is_help=True)

Result = TypeVar("Result")
Name = Annotated[str, typer.Argument(help="A name of your choice.")]


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="An https:// address that takes POST requests.")],
    allow_private: Annotated[
        bool,
        typer.Option(
            "--allow-private", help="Allow http and addresses of your own network. For local use."
        ),
    ] = False,
) -> None:
    """Add a destination and print its secret: this once, so keep it."""
    from services.router import destinations

    secret = _run(lambda pool: destinations.add(pool, name, url, allow_private))
    typer.echo(secret)


@app.command(name="list")
def list_() -> None:
    """Show the destinations, and how many deliveries wait for each."""
    from services.router import destinations

    for each in _run(destinations.listed):
        state = f"disabled: {each.disabled_why}" if each.disabled_why else "enabled"
        private = " (private addresses allowed)" if each.allow_private else ""
        typer.echo(f"{each.name}\t{each.url}\t{state}{private}\t{each.waiting} waiting")


@app.command()
def remove(name: Name) -> None:
    """Remove a destination, with the deliveries that wait for it."""
    from services.router import destinations

    _found(_run(lambda pool: destinations.remove(pool, name)), name)
    typer.echo(f"removed {name}")


@app.command()
def enable(name: Name) -> None:
    """Send again to a destination that was disabled because it answered 410."""
    from services.router import destinations

    _found(_run(lambda pool: destinations.enable(pool, name)), name)
    typer.echo(f"enabled {name}")


@app.command()
def test(name: Name) -> None:
    """Post one signed message of type leadscore.test and say what came back."""
    from services.router import destinations
    from services.router.trial import send_test

    found = [each for each in _run(destinations.listed) if each.name == name]
    _found(bool(found), name)
    answer = asyncio.run(send_test(found[0]))
    typer.echo(answer.why)
    if not answer.ok:
        raise typer.Exit(1)


def _found(found: bool, name: str) -> None:
    if not found:
        typer.echo(f"there is no destination named {name!r}: see `leadscore destinations list`")
        raise typer.Exit(1)


def _run(work: Callable[[Pool], Awaitable[Result]]) -> Result:
    """Do something with the database; what an operator can mend is said in one line."""
    from services.router.destinations import DestinationError

    try:
        return asyncio.run(_with_pool(work))
    except DestinationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None


async def _with_pool(work: Callable[[Pool], Awaitable[Result]]) -> Result:
    import asyncpg

    from deploy.local.state import load_settings
    from shared.database import dsn

    async with asyncpg.create_pool(dsn(load_settings()), min_size=1, max_size=2) as pool:
        return await work(pool)
