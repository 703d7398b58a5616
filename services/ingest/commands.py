"""`leadscore sources`: which providers may post events, and the keys that prove it is them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

app = typer.Typer(help="Providers that post events to ingest.", no_args_is_help=True)
add_app = typer.Typer(help="Add a source, or change its key.", no_args_is_help=True)
app.add_typer(add_app, name="add")

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


@add_app.command("sendgrid")
def add_sendgrid(
    public_key: Annotated[
        str, typer.Option(help="Verification key of SendGrid's signed Event Webhook.")
    ],
    name: Annotated[str, typer.Option(help="Needed for a second account.")] = "default",
) -> None:
    """Let SendGrid's signed Event Webhook post to /v1/webhooks/sendgrid."""
    from services.ingest.sendgrid_signature import read_public_key
    from services.ingest.sources import SENDGRID, put_source

    if not _NAME.fullmatch(name):
        _fail("a name has lower-case letters, digits, - and _, at most 63")
    try:
        read_public_key(public_key)
    except ValueError as error:
        _fail(str(error))
    _with_connection(
        lambda connection: put_source(connection, SENDGRID, name, {"public_key": public_key})
    )
    typer.echo(f"sendgrid {name}: ingest takes it up within 2 seconds")
    typer.echo(f"Post Event URL: <ingest>/v1/webhooks/sendgrid/{name} (or without /{name})")


@app.command("list")
def list_all() -> None:
    """Show the sources that are configured."""
    from services.ingest.sources import list_sources

    rows = _with_connection(list_sources)
    if not rows:
        typer.echo("no sources yet: leadscore sources add sendgrid --public-key KEY")
    for row in rows:
        typer.echo(
            f"{row['provider']}\t{row['name']}\tsince {row['created_at']:%Y-%m-%d %H:%M} UTC"
        )


@app.command("remove")
def remove(
    provider: Annotated[str, typer.Argument(help="Such as sendgrid.")],
    name: Annotated[str, typer.Option(help="Name of the source.")] = "default",
) -> None:
    """Take a source away: what it posts is refused from then on."""
    from services.ingest.sources import remove_source

    if not _with_connection(lambda connection: remove_source(connection, provider, name)):
        _fail(f"there is no source {provider} {name}")
    typer.echo(f"{provider} {name}: removed")


def _with_connection(work: Callable[[Any], Awaitable[Any]]) -> Any:
    """Run `work(connection)` in a transaction on the configured, or the local, database."""
    from sqlalchemy.exc import SQLAlchemyError

    from deploy.local.state import load_settings
    from shared.database import create_engine

    async def run() -> Any:
        engine = create_engine(load_settings(), pool_size=1)
        try:
            async with engine.begin() as connection:
                return await work(connection)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(run())
    except (OSError, SQLAlchemyError) as error:
        _fail(f"the database can't be used ({type(error).__name__}): is the stack up and migrated?")


def _fail(message: str) -> Any:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
