"""Mails: how the server is told, and that nothing from outside becomes a header."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import default

import pytest

from shared.outbound.mail import Mailer, MailSettingsError, compose, read_mailer

NOW = datetime(2026, 5, 3, 10, 0, tzinfo=UTC)
MAILER = Mailer("mail.example", 587, ("Leads", "leads@acme.example"))


@dataclass(frozen=True)
class Said:
    subject: str = "Sarah Ünger is ready"
    text: str = "She read the prices."
    html: str = "<!doctype html><p>She read the prices.</p>"


def composed(words: Said, message: str = "5bf33f4f", lead: str = "01a2") -> bytes:
    return compose(MAILER, ["ann@acme.example"], message, lead, words, NOW).as_bytes()


def test_a_mail_is_plain_and_html_and_part_of_its_leads_thread() -> None:
    """Sent again it has the same id; two about one lead refer to the same."""
    mail = message_from_bytes(composed(Said()), policy=default)
    assert [part.get_content_type() for part in mail.iter_parts()] == ["text/plain", "text/html"]
    assert mail["Subject"] == "Sarah Ünger is ready"
    assert mail["Message-ID"] == "<5bf33f4f@acme.example>"
    other = message_from_bytes(composed(Said(), "another"), policy=default)
    assert mail["References"] == other["References"] == "<lead-01a2@acme.example>"
    assert mail["In-Reply-To"] == mail["References"]
    assert mail["Auto-Submitted"] == "auto-generated"


@pytest.mark.parametrize(
    "evil", ["Hi\r\nBcc: eve@evil.example", "Hi\nBcc: eve@evil.example", "Hi\x00\x0b\x85Bcc: e@e.e"]
)
def test_no_word_from_outside_becomes_a_header(evil: str) -> None:
    """In the subject, the id of a message, or that of a lead."""
    for raw in (composed(Said(subject=evil)), composed(Said(), message=evil, lead=evil)):
        mail = message_from_bytes(raw, policy=default)
        assert mail["Bcc"] is None
        assert mail["To"] == "ann@acme.example"


@pytest.mark.parametrize(
    ("url", "host", "port", "tls", "starttls", "password"),
    [
        ("smtp://u:p%40ss@mail.example:25", "mail.example", 25, False, True, "p@ss"),
        ("smtp://mail.example?starttls=1", "mail.example", 587, False, True, None),
        ("smtp://mail.example?starttls=0", "mail.example", 587, False, False, None),
        ("smtp://mail.example", "mail.example", 587, False, None, None),
        ("smtps://u:p@mail.example", "mail.example", 465, True, None, "p"),
        ("smtp://u:p@localhost:1025", "localhost", 1025, False, None, "p"),
    ],
)
def test_the_server_is_told_by_a_url(
    url: str, host: str, port: int, tls: bool, starttls: bool | None, password: str | None
) -> None:
    """A password goes over TLS, unless it stays on this machine."""
    mailer = read_mailer(url, "Leads <leads@acme.example>")
    assert mailer is not None
    found = (mailer.host, mailer.port, mailer.tls, mailer.starttls, mailer.password)
    assert found == (host, port, tls, starttls, password)
    assert mailer.sender == ("Leads", "leads@acme.example")
    assert "p@ss" not in repr(mailer)


@pytest.mark.parametrize(
    ("url", "sender"),
    [
        ("smtp://u:topsecret@mail.example?starttls=0", "leads@acme.example"),
        ("http://u:topsecret@mail.example", "leads@acme.example"),
        ("smtp://u:topsecret@mail.example:99999", "leads@acme.example"),
        ("smtp://u:topsecret@mail.example?tls=yes", "leads@acme.example"),
        ("smtp://u:topsecret@mail.example/path", "leads@acme.example"),
        ("smtp://u:topsecret@mail.example", "nobody"),
        ("smtp://u:topsecret@mail.example", "a b@acme.example"),
        ("smtp://u:topsecret@mail.example", ""),
        ("", "leads@acme.example"),
    ],
)
def test_settings_that_cannot_be_used_are_told_in_a_line_without_the_password(
    url: str, sender: str
) -> None:
    """Which setting, and how it should look."""
    with pytest.raises(MailSettingsError) as told:
        read_mailer(url, sender)
    said = str(told.value)
    assert said.startswith(("LEADSCORE_SMTP_URL", "LEADSCORE_MAIL_FROM"))
    assert "topsecret" not in said
    assert "\n" not in said


def test_without_settings_there_are_no_mails() -> None:
    """Who has no email destination sets nothing."""
    assert read_mailer("", "") is None
