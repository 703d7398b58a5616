"""The table of providers: adding one is a file of its own and a line here."""

from __future__ import annotations

from services.ingest.providers import (
    brevo,
    calendly,
    contactform7,
    customerio,
    generic,
    gravityforms,
    hubspot,
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
    typeform,
    webflow,
    zoom,
)
from services.ingest.providers.contract import Provider

_FILES = (
    brevo, calendly, contactform7, customerio, generic, gravityforms, hubspot, klaviyo, mailchimp,
    mailgun, mailjet, mandrill, postmark, resend, sendgrid, ses, sparkpost, typeform, webflow, zoom,
)  # fmt: skip

PROVIDERS: dict[str, Provider] = {file.PROVIDER.name: file.PROVIDER for file in _FILES}
