"""`leadscore keys`: who may send events, from where, by which ways."""

from __future__ import annotations

import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from services.ingest.commands import failed, with_connection

app = typer.Typer(help="Keys of those who send events to ingest.", no_args_is_help=True)

_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,62}")
_ORIGIN = re.compile(r"https?://[^/\s?#@]+")
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")]
_Json = Annotated[bool, typer.Option("--json", help="JSON instead of lines for people.")]
_Id = Annotated[int, typer.Argument(help="The key's number, see `leadscore keys list`.")]


@app.command("add")
def add(
    source: Annotated[str, typer.Argument(help="The source of its events, such as web or shop.")],
    public: Annotated[
        bool, typer.Option("--public/--secret", help="In web pages, or on a server of yours.")
    ] = True,
    origin: Annotated[
        list[str], typer.Option(help="Where browsers may send from (https://acme.example).")
    ] = [],  # noqa: B006
    use: Annotated[
        list[str], typer.Option(help="A way in: segment, collect, forms, pixel. All if left out.")
    ] = [],  # noqa: B006
    rate: Annotated[int, typer.Option(help="Events a second; 0: LEADSCORE_RATE_PER_KEY.")] = 0,
    days: Annotated[int, typer.Option(help="It ends after so many days; 0: it doesn't.")] = 0,
    as_json: _Json = False,
    dry_run: _DryRun = False,
) -> None:
    """Make a key. It is shown once, now: only its hash is kept."""
    from services.ingest.key_rows import add_key

    _check(source, origin, use, rate, days)
    key = _new_key(public=public)
    if dry_run:
        typer.echo(f"dry run, nothing changed: a {_kind(public)} key of {source}")
        return
    ends = datetime.now(UTC) + timedelta(days=days) if days else None
    made = with_connection(
        lambda connection: add_key(
            connection, key, source, public=public, origins=origin, uses=use, rate=rate,
            expires_at=ends,
        )
    )  # fmt: skip
    _show(made, key, source, as_json=as_json)


@app.command("list")
def list_all(
    ended: Annotated[bool, typer.Option("--all", help="Also the revoked and expired.")] = False,
    as_json: _Json = False,
) -> None:
    """Show the keys in Postgres; those of the environment aren't here."""
    from services.ingest.key_rows import list_keys

    rows = with_connection(lambda connection: list_keys(connection, ended=ended))
    if as_json:
        typer.echo(json.dumps(rows, indent=2, default=lambda moment: moment.isoformat()))
        return
    if not rows:
        typer.echo("no keys yet: leadscore keys add SOURCE")
    for row in rows:
        limits = [*(row["origins"] or ()), *(row["uses"] or ())]
        typer.echo(
            f"{row['id']}\t{row['source']}\t{_kind(row['public'])}\t{row['prefix']}…\t{row['state']}"
            f"\tused {_day(row['used_at'])}\tends {_day(row['expires_at'])}\t{' '.join(limits)}"
        )


@app.command("rotate")
def rotate(
    key_id: _Id,
    days: Annotated[int, typer.Option(help="So long the former key stays valid, too.")] = 7,
    as_json: _Json = False,
    dry_run: _DryRun = False,
) -> None:
    """Make a key in the place of another, of the same source and with the same limits."""
    from services.ingest.key_rows import add_key, end_key, find_key

    async def work(connection: Any) -> tuple[int, str, str]:
        former = await find_key(connection, key_id)
        if former is None or former["revoked_at"] is not None:
            failed(f"there is no valid key {key_id}; see `leadscore keys list`")
        key = _new_key(public=former["public"])
        if dry_run:
            return 0, key, former["source"]
        made = await add_key(
            connection, key, former["source"], public=former["public"],
            origins=former["origins"], uses=former["uses"], rate=former["rate"],
        )  # fmt: skip
        ends = datetime.now(UTC) + timedelta(days=max(days, 0))
        await end_key(connection, key_id, at=min(ends, former["expires_at"] or ends))
        return made, key, former["source"]

    made, key, source = with_connection(work)
    if dry_run:
        typer.echo(f"dry run, nothing changed: a new key of {source}, {key_id} ends in {days} days")
        return
    _show(made, key, source, as_json=as_json)


@app.command("revoke")
def revoke(key_id: _Id, dry_run: _DryRun = False) -> None:
    """End a key now: what comes with it is refused within 2 seconds."""
    from services.ingest.key_rows import end_key, find_key

    async def work(connection: Any) -> dict[str, Any] | None:
        row: dict[str, Any] | None = await find_key(connection, key_id)
        if row is not None and not dry_run:
            await end_key(connection, key_id, at=None)
        return row

    row = with_connection(work)
    if row is None:
        failed(f"there is no key {key_id}; see `leadscore keys list --all`")
    words = f"{key_id} of {row['source']} ({row['prefix']}…): revoked"
    typer.echo(f"dry run, nothing changed: {words}" if dry_run else words)


def _check(source: str, origins: list[str], uses: list[str], rate: int, days: int) -> None:
    from services.ingest.admission import USES
    from shared.event_types import OPERATOR

    if not _SOURCE.fullmatch(source) or source == OPERATOR:
        failed("a source has letters, digits, - _ and . (at most 63), and isn't called operator")
    for one in origins:
        if not _ORIGIN.fullmatch(one):
            failed(f"{one} is no origin: scheme and host, such as https://acme.example")
    for one in uses:
        if one not in USES:
            failed(f"{one} is no way in; there are {', '.join(USES)}")
    if rate < 0 or days < 0:
        failed("rate and days are 0 or more")


def _new_key(*, public: bool) -> str:
    """160 random bits; its beginning says what it is, to people and to programs that look for
    leaked secrets.
    """
    return f"{'lsp' if public else 'lss'}_{secrets.token_hex(20)}"


def _kind(public: bool) -> str:
    return "public" if public else "secret"


def _day(moment: datetime | None) -> str:
    return "-" if moment is None else f"{moment:%Y-%m-%d}"


def _show(made: int, key: str, source: str, *, as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps({"id": made, "source": source, "key": key}))
        return
    typer.echo(f"key {made} of {source}: ingest takes it up within 2 seconds")
    typer.echo(f"{key}\nIt is shown this once.")
