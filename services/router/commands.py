"""`leadscore destinations`: who is told of stage changes and hand-offs, and by which channel."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer

if TYPE_CHECKING:
    from services.router.outbox import Pool
    from shared.outbound.destinations import Destination

app = typer.Typer(help="Who is told of stage changes and hand-offs, and how.", no_args_is_help=True)

Result = TypeVar("Result")
Name = Annotated[str, typer.Argument(help="The destination's name.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Check everything, change nothing.")]
Json = Annotated[bool, typer.Option("--json", help="JSON instead of lines for people.")]
Private = Annotated[
    bool, typer.Option("--allow-private", help="Allow http and addresses of your own network.")
]
Kinds = Annotated[str, typer.Option("--kind", help="webhook, email, slack or teams.")]
Texts = list[str] | None
Types = Annotated[
    Texts, typer.Option("--type", help="Only these messages, such as 'handoff.*'. May be repeated.")
]
Journeys = Annotated[Texts, typer.Option("--journey", help="Only leads on these journeys.")]
Stages = Annotated[Texts, typer.Option("--stage", help="Only leads that come into these stages.")]
Owners = Annotated[Texts, typer.Option("--owner", help="Only hand-offs to these owners.")]
Segments = Annotated[Texts, typer.Option("--segment", help="Only leads of these segments.")]
Grades = Annotated[Texts, typer.Option("--grade", help="Only leads of these grades.")]
Include = Annotated[
    Texts, typer.Option("--include", help="Only these fields of data (who.emails).")
]
Exclude = Annotated[Texts, typer.Option("--exclude", help="All fields of data but these.")]
Rate = Annotated[float | None, typer.Option("--rate", help="Messages a second; 0: no limit.")]
Headers = Annotated[
    Texts, typer.Option("--header", help="'Name: value', sent with each request. A secret.")
]
To = Annotated[Texts, typer.Option("--to", help="An address that mails go to.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(help="A name of your choice.")],
    url: Annotated[str, typer.Argument(help="An https:// address; none for email.")] = "",
    kind: Kinds = "webhook",
    allow_private: Private = False,
    types: Types = None,
    journeys: Journeys = None,
    stages: Stages = None,
    owners: Owners = None,
    segments: Segments = None,
    grades: Grades = None,
    include: Include = None,
    exclude: Exclude = None,
    rate: Rate = None,
    headers: Headers = None,
    to: To = None,
    dry_run: DryRun = False,
) -> None:
    """Add a destination; for a webhook print its secret: this once, so keep it."""
    from shared.outbound import destinations

    settings = _settings(
        types=types, journeys=journeys, stages=stages, owners=owners, segments=segments,
        grades=grades, include=include, exclude=exclude, rate=rate, headers=headers, to=to,
    )  # fmt: skip
    given = {name: value for name, value in settings.items() if value is not None}
    secret = run(
        lambda pool: destinations.add(
            pool, name, url, allow_private, kind=kind, settings=given, dry_run=dry_run
        )
    )
    if dry_run:
        typer.echo(f"dry run, nothing changed: a {kind} destination {name}")
        return
    typer.echo(secret or f"added {name}")


@app.command()
def change(
    name: Name,
    url: Annotated[str | None, typer.Option("--url", help="Another address.")] = None,
    allow_private: Annotated[
        bool | None, typer.Option(help="Allow http and addresses of your own network, or not.")
    ] = None,
    types: Types = None,
    journeys: Journeys = None,
    stages: Stages = None,
    owners: Owners = None,
    segments: Segments = None,
    grades: Grades = None,
    include: Include = None,
    exclude: Exclude = None,
    rate: Rate = None,
    headers: Headers = None,
    to: To = None,
    dry_run: DryRun = False,
) -> None:
    """Change what is given, for what waits, too. Any option of a filter replaces the whole filter,
    --include or --exclude all fields, --header all headers; an empty one ('') ends it.
    """
    from shared.outbound import destinations

    settings = _settings(
        types=types, journeys=journeys, stages=stages, owners=owners, segments=segments,
        grades=grades, include=include, exclude=exclude, rate=rate, headers=headers, to=to,
    )  # fmt: skip
    found = run(
        lambda pool: destinations.change(
            pool, name, url=url, allow_private=allow_private, settings=settings, dry_run=dry_run
        )
    )
    _tell(found, as_json=False, before="dry run, nothing changed; it would be:" if dry_run else "")


@app.command(name="list")
def list_(as_json: Json = False) -> None:
    """Show the destinations, and how many deliveries wait for each."""
    from shared.outbound import destinations

    found = run(destinations.listed)
    if as_json:
        rows = [destinations.shown(each, time.time()) for each in found]
        typer.echo(json.dumps(rows, indent=2, default=str))
        return
    for each in found:
        why = f": {each.disabled_why}" if each.disabled_why else ""
        state = f"{destinations.state_of(each)}{why}"
        private = " (private addresses allowed)" if each.allow_private else ""
        typer.echo(
            f"{each.name}\t{each.kind}\t{each.address}\t{state}{private}\t{each.waiting} waiting"
        )


@app.command()
def show(name: Name, as_json: Json = False) -> None:
    """Show one destination; secrets and the values of headers are never shown."""
    from shared.outbound import destinations

    _tell(run(lambda pool: destinations.find(pool, name)), as_json=as_json)


@app.command()
def test(name: Name) -> None:
    """Send one message of type leadscore.test and say what came back."""
    from deploy.local.state import load_settings
    from shared.outbound import destinations
    from shared.outbound.mail import MailSettingsError, mailer_of
    from shared.outbound.trial import send_test

    found = run(lambda pool: destinations.find(pool, name))
    try:
        mailer = mailer_of(load_settings()) if found.kind == "email" else None
    except MailSettingsError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    answer = asyncio.run(send_test(found, mailer))
    typer.echo(answer.why)
    if not answer.ok:
        raise typer.Exit(1)


@app.command()
def rotate(
    name: Name,
    grace_hours: Annotated[
        float, typer.Option(help="So long the former secret signs, too; 0: no more at once.")
    ] = 24.0,
    dry_run: DryRun = False,
) -> None:
    """Make a new secret and print it: this once. Both sign until the grace is over."""
    from shared.outbound import destinations

    secret = run(
        lambda pool: destinations.rotate(pool, name, time.time(), grace_hours, dry_run=dry_run)
    )
    done = f"a new secret for {name}; the former one signs for {grace_hours:g} hours more"
    typer.echo(f"dry run, nothing changed: {done}" if dry_run else secret)


@app.command()
def remove(name: Name, dry_run: DryRun = False) -> None:
    """Remove a destination, with its deliveries: those that wait, and the log."""
    from shared.outbound import destinations

    found = run(lambda pool: destinations.find(pool, name))
    if dry_run:
        typer.echo(f"dry run, nothing changed: {name}, for which {found.waiting} deliveries wait")
        return
    run(lambda pool: destinations.remove(pool, name))
    typer.echo(f"removed {name}")


@app.command()
def enable(name: Name, dry_run: DryRun = False) -> None:
    """Send again to a destination that was disabled, or is held because it failed too often."""
    from shared.outbound import destinations

    found = run(lambda pool: destinations.find(pool, name))
    if dry_run:
        typer.echo(f"dry run, nothing changed: {name}, now {destinations.state_of(found)}")
        return
    run(lambda pool: destinations.enable(pool, name))
    typer.echo(f"enabled {name}")


@app.command()
def disable(
    name: Name,
    why: Annotated[str, typer.Option(help="For the list.")] = "by an operator",
    dry_run: DryRun = False,
) -> None:
    """Send nothing to it any more; what happens meanwhile isn't queued for it either."""
    from shared.outbound import destinations

    found = run(lambda pool: destinations.find(pool, name))
    if dry_run:
        typer.echo(f"dry run, nothing changed: {name}, now {destinations.state_of(found)}")
        return
    run(lambda pool: destinations.disable(pool, found.id, why))
    typer.echo(f"disabled {name}")


def _settings(
    *,
    include: Texts,
    exclude: Texts,
    rate: float | None,
    headers: Texts,
    to: Texts,
    **filters: Texts,
) -> dict[str, Any]:
    """What the options ask for; None for an entry that is to be as it is where there is nothing."""
    settings: dict[str, Any] = {}
    wanted = {name: _texts(values) for name, values in filters.items() if values is not None}
    if wanted:
        settings["filter"] = {name: values for name, values in wanted.items() if values} or None
    if include is not None or exclude is not None:
        chosen = {"include": _texts(include), "exclude": _texts(exclude)}
        settings["fields"] = {name: values for name, values in chosen.items() if values} or None
    if rate is not None:
        settings["rate"] = rate or None
    if headers is not None:
        settings["headers"] = dict(_header(each) for each in _texts(headers)) or None
    if to is not None:
        settings["to"] = _texts(to)
    return settings


def _texts(values: Texts) -> list[str]:
    return [each for each in values or () if each]


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon:
        typer.echo("a header is written 'Name: value'", err=True)
        raise typer.Exit(1)
    return name.strip(), value.strip()


def _tell(found: Destination, *, as_json: bool, before: str = "") -> None:
    from shared.outbound.destinations import shown

    told = shown(found, time.time())
    if as_json:
        typer.echo(json.dumps(told, indent=2, default=str))
        return
    if before:
        typer.echo(before)
    for name, value in told.items():
        typer.echo(f"{name}: {json.dumps(value, ensure_ascii=False, default=str)}")


def run(work: Callable[[Pool], Awaitable[Result]]) -> Result:
    """Do something with the database; what an operator can mend is said in one line."""
    import asyncpg

    from shared.outbound.destinations import DestinationError

    try:
        return asyncio.run(with_pool(work))
    except DestinationError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        why = type(error).__name__
        typer.echo(f"the database can't be used ({why}): is the stack up and migrated?", err=True)
        raise typer.Exit(1) from None


async def with_pool(work: Callable[[Pool], Awaitable[Result]]) -> Result:
    import asyncpg

    from deploy.local.state import load_settings
    from shared.database import dsn

    async with asyncpg.create_pool(dsn(load_settings()), min_size=1, max_size=2) as pool:
        return await work(pool)
