"""Configured accounts of providers: from environment, file and Postgres, the last known kept while
Postgres is away.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from pydantic import BaseModel, ConfigDict, RootModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection
from yaml import YAMLError, safe_load

from services.ingest.providers.contract import DEFAULT_NAME, Account
from services.ingest.providers.table import PROVIDERS
from services.ingest.source_rows import list_sources
from shared.settings import Settings

log = structlog.get_logger()
_Key = tuple[str, str]


class GivenAccount(BaseModel):
    """An account as it stands in a file, in the environment, or in the table."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    secrets: tuple[str, ...] = ()
    options: dict[str, str] = {}


class GivenSources(RootModel[dict[str, dict[str, GivenAccount]]]):
    """provider → name → account."""


@dataclass(slots=True)
class Sources:
    """The accounts in force. fixed: those of the environment, which win; stored: of the table."""

    fixed: Mapping[_Key, Account] = field(default_factory=dict)
    stored: Mapping[_Key, Account] = field(default_factory=dict)

    def account(self, provider: str, name: str | None) -> Account | None:
        """The account of that name ("default" when none is given), or None."""
        key = (provider, name or DEFAULT_NAME)
        return self.fixed.get(key) or self.stored.get(key)

    async def reload(self, connection: AsyncConnection) -> None:
        """Take over what is in the table now. A row that can't be read is passed over, loudly."""
        accounts: dict[_Key, Account] = {}
        for row in await list_sources(connection):
            try:
                given = GivenAccount.model_validate(row["settings"])
                account = checked_account(row["provider"], row["name"], given)
            except ValueError as error:
                log.warning("source can't be used", provider=row["provider"], name=row["name"],
                            why=why_not(error))  # fmt: skip
                continue
            accounts[row["provider"], row["name"]] = account
        self.stored = accounts


def sources_in_settings(settings: Settings) -> Sources:
    """The accounts given by environment and file. Raises ValueError that says what is wrong."""
    accounts: list[Account] = []
    if settings.sendgrid_public_key:
        given = GivenAccount(
            secrets=(settings.sendgrid_public_key,),
            options={"window_seconds": str(settings.sendgrid_window_seconds)},
        )
        accounts.append(checked_account("sendgrid", DEFAULT_NAME, given))
    if text := settings.sources.get_secret_value():
        accounts += accounts_in(text, "LEADSCORE_SOURCES")
    if settings.sources_file:
        try:
            text = Path(settings.sources_file).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise ValueError(
                f"LEADSCORE_SOURCES_FILE can't be read: {type(error).__name__}"
            ) from None
        accounts += accounts_in(text, "LEADSCORE_SOURCES_FILE")
    fixed = {(account.provider, account.name): account for account in accounts}
    if len(fixed) < len(accounts):
        raise ValueError("one source is given twice, by environment and file")
    return Sources(fixed)


def accounts_in(text: str, where: str) -> Iterable[Account]:
    """The accounts in a YAML or JSON text: provider: {name: {secrets: […], options: {…}}}. Raises
    ValueError; what it says holds no secret.
    """
    try:
        given = GivenSources.model_validate(safe_load(text) or {}).root
    except (YAMLError, RecursionError):
        raise ValueError(f"{where} is not YAML") from None
    except ValidationError as error:
        raise ValueError(f"{where}: {why_not(error)}") from None
    try:
        return [
            checked_account(provider, name, account)
            for provider, named in given.items()
            for name, account in named.items()
        ]
    except ValueError as error:
        raise ValueError(f"{where}: {error}") from None


def checked_account(provider_name: str, name: str, given: GivenAccount) -> Account:
    """The account. Raises ValueError: an unknown provider or option, no secret or a bad one."""
    provider = PROVIDERS.get(provider_name)
    if provider is None:
        raise ValueError(f"{provider_name!r} is no provider; known are {', '.join(PROVIDERS)}")
    secrets = tuple(filter(None, (secret.strip() for secret in given.secrets)))
    if not secrets:
        raise ValueError(f"{provider_name} {name} has no secret: {provider.proof}")
    for secret in secrets:
        provider.check_secret(secret)
    unknown = given.options.keys() - provider.options.keys()
    if unknown:
        raise ValueError(
            f"{provider_name} has no option {min(unknown)!r}; it has "
            f"{', '.join(provider.options) or 'none'}"
        )
    account = Account(provider_name, name, secrets, given.options)
    for option in given.options:
        if option.endswith("_seconds"):
            try:
                account.seconds(option, 0)
            except ValueError:
                raise ValueError(f"{option} is a whole number of seconds") from None
    provider.check_options(account)
    return account


def why_not(error: ValueError) -> str:
    """What is wrong, without what was given."""
    if not isinstance(error, ValidationError):
        return str(error)
    first: Any = error.errors(include_input=False, include_url=False)[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"
