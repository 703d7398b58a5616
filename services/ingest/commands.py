"""`leadscore sources`: which providers may post events, and the secrets that prove it is them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(help="Providers that post events to ingest.", no_args_is_help=True)

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_Provider = Annotated[str, typer.Argument(help="Such as sendgrid; see `leadscore sources kinds`.")]
_Name = Annotated[str, typer.Option(help="Needed for a second account.")]
_Secret = Annotated[
    str,
    typer.Option(
        "--secret",
        "--public-key",
        help="What proves that it is them; - reads it from standard input. Asked for if left out.",
    ),
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")]
# Two are valid at once: the newest, and the one before while the provider changes over.
_VALID_AT_ONCE = 2


@app.command("kinds")
def kinds(
    markdown: Annotated[bool, typer.Option(help="As the table in docs/sources.md.")] = False,
) -> None:
    """Show the providers that are known, and what each needs."""
    from services.ingest.providers.markdown import as_markdown
    from services.ingest.providers.table import PROVIDERS

    if markdown:
        typer.echo(as_markdown(PROVIDERS.values()))
        return
    for provider in PROVIDERS.values():
        typer.echo(f"{provider.name}\t{provider.title}\tsecret: {provider.proof}")
        for option, meaning in provider.options.items():
            typer.echo(f"\t--option {option}=…\t{meaning}")


@app.command("add")
def add(
    provider: _Provider,
    name: _Name = "default",
    secret: _Secret = "",
    option: Annotated[list[str], typer.Option(help="NAME=VALUE; may be repeated.")] = [],  # noqa: B006
    mapping: Annotated[
        Path | None, typer.Option(help="For generic: a file that says which field becomes what.")
    ] = None,
    dry_run: _DryRun = False,
) -> None:
    """Let a provider's webhook post to /v1/webhooks/PROVIDER/NAME."""
    from services.ingest.source_rows import find_source, put_source

    options = _options(option)
    if mapping is not None:
        options["mapping"] = _file_text(mapping)
    settings = _settings(provider, name, [_read_secret(secret)], options)

    async def work(connection: Any) -> None:
        if await find_source(connection, provider, name) is not None:
            failed(
                f"there is a source {provider} {name} already: give another --name, or change its "
                f"secret by `leadscore sources rotate {provider} --name {name}`"
            )
        if not dry_run:
            await put_source(connection, provider, name, settings)

    with_connection(work)
    _told(f"{provider} {name}: ingest takes it up within 2 seconds", dry_run=dry_run)
    typer.echo(f"Address to give there: <ingest>/v1/webhooks/{_path(provider, name)}")


@app.command("try")
def try_mapping(
    mapping: Annotated[Path, typer.Argument(help="A mapping, see docs/generic-webhook.md.")],
    payload: Annotated[Path, typer.Argument(help="A body as the tool posts it.")],
    header: Annotated[
        list[str], typer.Option(help="NAME: VALUE of the post; may be repeated.")
    ] = [],  # noqa: B006
    secret: Annotated[str, typer.Option(help="Check the proof with it, too.")] = "",
    url: Annotated[str, typer.Option(help="The address it was posted to.")] = "",
) -> None:
    """Show the events that a mapping makes of a body; nothing is sent anywhere. Exits with 1 when
    any item can't be read.
    """
    from services.ingest.mapping_trial import try_out

    shown, good = try_out(
        _file_text(mapping), _file_text(payload).encode(), header, secret=secret, url=url
    )
    typer.echo(shown)
    if not good:
        raise typer.Exit(1)


@app.command("rotate")
def rotate(
    provider: _Provider,
    name: _Name = "default",
    secret: _Secret = "",
    end: Annotated[
        bool, typer.Option("--end", help="Drop the former secret: the provider has changed over.")
    ] = False,
    dry_run: _DryRun = False,
) -> None:
    """Give a source a new secret. The former stays valid beside it until `--end`, or until the next
    rotation.
    """
    from services.ingest.source_rows import find_source, put_source

    new = "" if end else _read_secret(secret)

    async def work(connection: Any) -> int:
        known = await find_source(connection, provider, name)
        if known is None:
            failed(f"there is no source {provider} {name}; see `leadscore sources list`")
        before = [one for one in known["secrets"] if one != new]
        secrets = before[:1] if end else [new, *before][:_VALID_AT_ONCE]
        settings = _settings(provider, name, secrets, known.get("options", {}))
        if not dry_run:
            await put_source(connection, provider, name, settings)
        return len(secrets)

    valid = with_connection(work)
    _told(f"{provider} {name}: {valid} secret{'s' * (valid > 1)} valid", dry_run=dry_run)


@app.command("list")
def list_all(
    as_json: Annotated[bool, typer.Option("--json", help="One JSON array.")] = False,
) -> None:
    """Show the sources that are configured in Postgres. Secrets are never shown."""
    import json

    from services.ingest.source_rows import list_sources

    rows = with_connection(list_sources)
    if as_json:
        shown = [
            {
                "provider": row["provider"],
                "name": row["name"],
                "secrets": len(row["settings"].get("secrets", ())),
                "options": row["settings"].get("options", {}),
                "created_at": row["created_at"].isoformat(),
            }
            for row in rows
        ]
        typer.echo(json.dumps(shown, indent=2))
        return
    if not rows:
        typer.echo("no sources yet: leadscore sources add PROVIDER --secret SECRET")
    for row in rows:
        number = len(row["settings"].get("secrets", ()))
        typer.echo(
            f"{row['provider']}\t{row['name']}\tsecrets: {number}"
            f"\tsince {row['created_at']:%Y-%m-%d %H:%M} UTC"
        )


@app.command("remove")
def remove(provider: _Provider, name: _Name = "default", dry_run: _DryRun = False) -> None:
    """Take a source away: what it posts is refused from then on."""
    from services.ingest.source_rows import find_source, remove_source

    async def work(connection: Any) -> bool:
        if dry_run:
            return await find_source(connection, provider, name) is not None
        return await remove_source(connection, provider, name)

    if not with_connection(work):
        failed(f"there is no source {provider} {name}; see `leadscore sources list`")
    _told(f"{provider} {name}: removed", dry_run=dry_run)


def _settings(
    provider: str, name: str, secrets: list[str], options: dict[str, str]
) -> dict[str, Any]:
    """What is stored, checked."""
    from services.ingest.sources import GivenAccount, checked_account, why_not

    if not _NAME.fullmatch(name):
        failed("a name has lower-case letters, digits, - and _, at most 63")
    try:
        account = checked_account(
            provider, name, GivenAccount(secrets=tuple(secrets), options=options)
        )
    except ValueError as error:
        failed(why_not(error))
    return {"secrets": list(account.secrets), "options": dict(account.options)}


def _read_secret(given: str) -> str:
    if given == "-":
        return typer.get_text_stream("stdin").read().strip()
    return given or str(typer.prompt("secret", hide_input=True))


def _file_text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        failed(f"{path} can't be read ({type(error).__name__})")


def _options(given: list[str]) -> dict[str, str]:
    pairs = [one.partition("=") for one in given]
    if not all(equals for _, equals, _ in pairs):
        failed("an option is given as NAME=VALUE")
    return {name: value for name, _, value in pairs}


def _path(provider: str, name: str) -> str:
    return provider if name == "default" else f"{provider}/{name}"


def _told(words: str, *, dry_run: bool) -> None:
    typer.echo(f"dry run, nothing changed: {words}" if dry_run else words)


def with_connection(work: Callable[[Any], Awaitable[Any]]) -> Any:
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
        failed(
            f"the database can't be used ({type(error).__name__}): is the stack up and migrated?"
        )


def failed(message: str) -> NoReturn:
    typer.echo(f"error: {message}", err=True)
    raise typer.Exit(1)
