"""The table of providers: adding one is a file of its own and a line here."""

from __future__ import annotations

from services.ingest.providers import (
    brevo,
    customerio,
    klaviyo,
    mailchimp,
    mailgun,
    mailjet,
    mandrill,
    postmark,
    resend,
    sendgrid,
    ses,
    sparkpost,
)
from services.ingest.providers.contract import Provider

_FILES = (
    brevo, customerio, klaviyo, mailchimp, mailgun, mailjet, mandrill, postmark, resend, sendgrid,
    ses, sparkpost,
)  # fmt: skip

PROVIDERS: dict[str, Provider] = {file.PROVIDER.name: file.PROVIDER for file in _FILES}
