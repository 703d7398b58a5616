"""The form in which identifiers are kept, for all who keep them or ask by them."""

from __future__ import annotations

from functools import lru_cache

from shared.email_form import EmailRules, email_form, email_rules
from shared.id_form import id_form, system_form
from shared.identity import EMAIL, EXTERNAL, PHONE
from shared.phone_form import PhoneReader, phone_reader, written_e164
from shared.settings import Settings

# The same few people come again and again.
_REMEMBERED = 8192


class IdentifierForms:
    """Identifiers in the form of this installation: its rules for addresses and phone numbers.

    email, phone: the value that is kept, or None when it isn't one. Answers are remembered.
    """

    def __init__(self, rules: EmailRules | None = None, phone: PhoneReader = written_e164) -> None:
        rules = rules or EmailRules()
        self.email = lru_cache(_REMEMBERED)(lambda given: email_form(given, rules))
        self.phone = lru_cache(_REMEMBERED)(phone)

    def asked(self, kind: int, given: str) -> str | None:
        """What to look for when somebody asks by an identifier; None when nothing kept can be it.

        kind: shared.identity · given: as a person writes it; of an external id "system:id".
        """
        if kind == EMAIL:
            return self.email(given)
        if kind == PHONE:
            return self.phone(given)
        if kind == EXTERNAL:
            system, _, value = given.partition(":")
            name = system_form(system)
            return f"{name}:{id_form(value)}" if name and id_form(value) else None
        return id_form(given) or None


# Those of an installation without settings for it.
PLAIN_FORMS = IdentifierForms()


def forms_of(settings: Settings) -> IdentifierForms:
    """By LEADSCORE_EMAIL_RULES and LEADSCORE_PHONE_REGION. Raises ValueError when they can't be
    used.
    """
    return IdentifierForms(email_rules(settings.email_rules), phone_reader(settings.phone_region))
