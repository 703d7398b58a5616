"""`leadscore links`: our own links for mails."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from services.ingest.commands import failed
from services.ingest.email_links import Kind, Link, Links, links_of

app = typer.Typer(help="Signed links for mails of your own.", no_args_is_help=True)

_Email = Annotated[str, typer.Option(help="Whose mail it is.")]
_User = Annotated[str, typer.Option(help="Or the person's user id.")]
_Message = Annotated[str, typer.Option(help="Id of the mail: the same in all links of it.")]
_Campaign = Annotated[str, typer.Option(help="Its campaign.")]
_Days = Annotated[int, typer.Option(help="Counted for so many days; 0: for ever.")]
_Base = Annotated[str, typer.Option(help="How people reach ingest; else LEADSCORE_INGEST_URL.")]


@app.command("open")
def open_pixel(
    email: _Email = "", user_id: _User = "", message: _Message = "", campaign: _Campaign = "",
    days: _Days = 0, base: _Base = "",
) -> None:  # fmt: skip
    """The address of an image that tells of an opening."""
    _print("open", email, user_id, message, campaign, "", days, base)


@app.command("click")
def click(
    target: Annotated[str, typer.Argument(help="Where the link leads.")],
    email: _Email = "", user_id: _User = "", message: _Message = "", campaign: _Campaign = "",
    days: _Days = 0, base: _Base = "",
) -> None:  # fmt: skip
    """The address of a link that tells of its click and leads on."""
    _print("click", email, user_id, message, campaign, target, days, base)


@app.command("trap")
def trap(
    email: _Email = "", user_id: _User = "", message: _Message = "", campaign: _Campaign = "",
    days: _Days = 0, base: _Base = "",
) -> None:  # fmt: skip
    """The address of a hidden link: who follows it is a machine."""
    _print("trap", email, user_id, message, campaign, "", days, base)


@app.command("html")
def html(
    file: Annotated[Path, typer.Argument(help="The mail's HTML.")],
    email: _Email = "", user_id: _User = "", message: _Message = "", campaign: _Campaign = "",
    days: _Days = 0, base: _Base = "",
    without_trap: Annotated[bool, typer.Option(help="Leave the hidden link out.")] = False,
) -> None:  # fmt: skip
    """The mail with all its links made ours, an image, and a trap; to standard output."""
    from services.ingest.mail_html import with_our_links

    links, base = _parts(base)
    link = _link("open", email, user_id, message, campaign, "", days)
    try:
        text = file.read_text("utf-8")
        typer.echo(with_our_links(text, base, links, link, trap=not without_trap), nl=False)
    except (OSError, UnicodeDecodeError) as error:
        failed(f"{file} can't be read ({type(error).__name__})")
    except ValueError as error:
        failed(str(error))


def _print(
    kind: Kind,
    email: str,
    user_id: str,
    message: str,
    campaign: str,
    target: str,
    days: int,
    base: str,
) -> None:
    links, base = _parts(base)
    try:
        typer.echo(links.url(base, _link(kind, email, user_id, message, campaign, target, days)))
    except ValueError as error:
        failed(str(error))


def _link(
    kind: Kind, email: str, user_id: str, message: str, campaign: str, target: str, days: int
) -> Link:
    expires_s = int(time.time()) + days * 86_400 if days > 0 else 0
    return Link(kind, email, user_id, message, campaign, target, expires_s)


def _parts(base: str) -> tuple[Links, str]:
    """What makes links, and the address of ingest."""
    from deploy.local.state import load_settings

    settings = load_settings()
    base = base or settings.ingest_url
    if not base:
        failed(
            "say how people reach ingest: --base https://in.example.com, or LEADSCORE_INGEST_URL"
        )
    try:
        return links_of(settings), base
    except ValueError as error:
        failed(str(error))
