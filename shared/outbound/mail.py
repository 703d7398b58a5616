"""Mails to people: composed without a chance for headers from outside, and sent by SMTP."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP as SMTP_POLICY
from email.utils import format_datetime, parseaddr
from urllib.parse import parse_qs, unquote, urlsplit

import aiosmtplib

from shared.outbound.posting import Answer
from shared.outbound.words import Words
from shared.settings import Settings

SMTP_SECONDS = 30.0  # for one reply, and for all of a mail: who drags on is tried again later
SUBJECT_MAX = 200
PART_MAX_BYTES = 100_000
_PORTS = {"smtp": 587, "smtps": 465}
_HERE = ("localhost", "127.0.0.1", "::1")
# The reply to a connection that was refused before any mail was offered.
_NOT_SENT = "not sent"


class MailSettingsError(Exception):
    """LEADSCORE_SMTP_URL or LEADSCORE_MAIL_FROM can't be used; in one line, without a password."""


@dataclass(frozen=True, slots=True)
class Mailer:
    """How mails go out. sender: name and address · starttls: None: where the server offers it."""

    host: str
    port: int
    sender: tuple[str, str]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    starttls: bool | None = None

    @property
    def domain(self) -> str:
        return self.sender[1].rpartition("@")[2]

    async def send(self, message: EmailMessage) -> Answer:
        """Raises nothing that a server can do: what it said is told by its code only."""
        try:
            async with asyncio.timeout(SMTP_SECONDS):
                refused, _ = await aiosmtplib.send(
                    message,
                    hostname=self.host,
                    port=self.port,
                    username=self.user,
                    password=self.password,
                    use_tls=self.tls,
                    start_tls=None if self.tls else self.starttls,
                    timeout=SMTP_SECONDS,
                    tls_context=ssl.create_default_context(),
                )
        except aiosmtplib.SMTPRecipientsRefused as error:
            # Tried again only if one of them may be taken later.
            codes = [each.code for each in error.recipients]
            return _answer(min(codes, default=550))
        except aiosmtplib.SMTPAuthenticationError as error:
            return Answer(None, f"SMTP {error.code}: user or password is wrong")
        except aiosmtplib.SMTPDataError as error:
            # Of this mail; but 2xx is none to the offer of one: nothing was sent.
            return _answer(error.code) if error.code >= 400 else _not_now(error.code)
        except aiosmtplib.SMTPResponseException as error:
            return _not_now(error.code)  # of the server, or of us: whichever mail it is
        except (aiosmtplib.SMTPException, OSError, TimeoutError, ValueError) as error:
            return Answer(None, f"{_NOT_SENT}: {type(error).__name__}")
        if refused:
            return Answer(250, f"SMTP 250, but {len(refused)} of the addresses refused")
        return Answer(250, "SMTP 250")


def mailer_of(settings: Settings) -> Mailer | None:
    """By the environment; see read_mailer. Raises MailSettingsError."""
    return read_mailer(settings.smtp_url.get_secret_value(), settings.mail_from)


def read_mailer(url: str, sender: str) -> Mailer | None:
    """From the settings smtp_url and mail_from; None if neither is set. Raises
    MailSettingsError.
    """
    if not url and not sender:
        return None
    if not url or not sender:
        missing = "LEADSCORE_SMTP_URL" if not url else "LEADSCORE_MAIL_FROM"
        raise MailSettingsError(f"{missing} is not set; mails need both")
    try:
        parts = urlsplit(url)
        port = parts.port
        asked = parse_qs(parts.query, strict_parsing=True) if parts.query else {}
    except ValueError:
        raise MailSettingsError("LEADSCORE_SMTP_URL is not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname or parts.path not in ("", "/"):
        raise MailSettingsError(
            "LEADSCORE_SMTP_URL is like smtp://user:password@host:587?starttls=1 or smtps://…"
        )
    if set(asked) - {"starttls"} or asked.get("starttls", ["1"]) not in (["0"], ["1"]):
        raise MailSettingsError("LEADSCORE_SMTP_URL takes ?starttls=1 or ?starttls=0, no more")
    tls = parts.scheme == "smtps"
    starttls = {"1": True, "0": False}.get(asked["starttls"][0]) if "starttls" in asked else None
    if parts.password is not None and not tls and parts.hostname not in _HERE:
        if starttls is False:
            raise MailSettingsError(
                "LEADSCORE_SMTP_URL would send the password in the clear: use starttls=1 or smtps"
            )
        starttls = True
    return Mailer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        sender=_sender(sender),
        user=None if parts.username is None else unquote(parts.username),
        password=None if parts.password is None else unquote(parts.password),
        tls=tls,
        starttls=starttls,
    )


def compose(
    mailer: Mailer, to: list[str], message_id: str, lead_id: str, words: Words, now: datetime
) -> EmailMessage:
    """A mail, plain and HTML. Those about one lead are one thread in any mail program; the same
    message sent again has the same Message-ID.
    """
    mail = EmailMessage(policy=SMTP_POLICY)
    mail["From"] = _header_address(*mailer.sender)
    mail["To"] = [_header_address("", each) for each in to]
    mail["Subject"] = _one_line(words.subject)
    mail["Date"] = format_datetime(now.astimezone(UTC))
    mail["Message-ID"] = f"<{_id_part(message_id)}@{mailer.domain}>"
    thread = f"<lead-{_id_part(lead_id)}@{mailer.domain}>"
    mail["In-Reply-To"] = thread
    mail["References"] = thread
    # No robot answers to robots: holiday notes stay at home.
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    mail.set_content(_bounded(words.text), cte="quoted-printable")
    mail.add_alternative(_bounded(words.html), subtype="html", cte="quoted-printable")
    return mail


def _answer(code: int) -> Answer:
    """4xx: not now; 5xx: never."""
    return Answer(code if code >= 100 else None, f"SMTP {code}", give_up=code >= 500)


def _not_now(code: int) -> Answer:
    return Answer(None, f"{_NOT_SENT}: SMTP {code}")


def _sender(text: str) -> tuple[str, str]:
    name, address = parseaddr(text)
    local, at, domain = address.rpartition("@")
    if not (local and at and domain) or not address.isprintable() or " " in address:
        raise MailSettingsError("LEADSCORE_MAIL_FROM is like 'Leads <leads@example.com>'")
    return _one_line(name) if name else "", address


def _header_address(name: str, address: str) -> Address:
    local, _, domain = address.rpartition("@")
    return Address(name, local, domain)


def _id_part(text: str) -> str:
    return "".join(each for each in text if each.isascii() and (each.isalnum() or each in "-_."))


def _one_line(text: str) -> str:
    kept = "".join(each if each.isprintable() else " " for each in text)
    return " ".join(kept.split())[:SUBJECT_MAX] or "leadscore"


def _bounded(text: str) -> str:
    clean = "".join(each for each in text if each in "\n\t" or each.isprintable())
    return clean.encode()[:PART_MAX_BYTES].decode(errors="ignore")
