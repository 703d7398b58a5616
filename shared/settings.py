"""Settings from the environment: one frozen object, made once in each process's main."""

from __future__ import annotations

from typing import Literal

from pydantic import AliasChoices, Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.topics import Topics


class Settings(BaseSettings):
    """Everything a service is told from outside.

    Names carry the prefix LEADSCORE_; the two addresses may also stand without it.
    """

    model_config = SettingsConfigDict(
        env_prefix="LEADSCORE_", frozen=True, extra="ignore", populate_by_name=True
    )

    kafka_bootstrap_servers: str = Field(
        validation_alias=AliasChoices(
            "LEADSCORE_KAFKA_BOOTSTRAP_SERVERS", "KAFKA_BOOTSTRAP_SERVERS"
        )
    )
    database_url: SecretStr = Field(
        validation_alias=AliasChoices("LEADSCORE_DATABASE_URL", "DATABASE_URL")
    )
    topic_prefix: str = ""
    event_partitions: int = Field(12, ge=1, le=1000)
    consumer_group: str = "leadscore-scorer"

    # Keyed hashes: partition keys carry no readable address.
    hash_key: SecretStr = Field(min_length=16)

    # Comma-separated NAME:KEY pairs; the name becomes the events' source.
    write_keys: SecretStr = SecretStr("")
    secret_keys: SecretStr = SecretStr("")
    api_token: SecretStr = SecretStr("")
    # Accounts of providers, beside those in Postgres: YAML or JSON, see docs/sources.md.
    sources: SecretStr = SecretStr("")
    sources_file: str = ""
    # How providers reach ingest from outside, such as https://in.example.com: some sign it.
    ingest_url: str = ""
    sendgrid_public_key: str = ""
    # How far a signed timestamp may be from now; 0 turns the check off. Generous, because SendGrid
    # tries again for 24 hours, perhaps with the first signature.
    sendgrid_window_seconds: int = Field(26 * 3600, ge=0)

    # Where browsers may send from, and where forms may send people back to: "*", or origins
    # parted by commas.
    allowed_origins: str = "*"
    redirect_origins: str = ""

    # Events a second that ingest takes from one public key, one address (of public keys), and one
    # person (likewise), each process by itself; bursts of 20 seconds' worth. 0: no limit.
    rate_per_key: int = Field(3000, ge=0)
    rate_per_address: int = Field(200, ge=0)
    rate_per_lead: int = Field(20, ge=0)

    # A file of networks (one in a line) of data centres: no person surfs from there.
    datacentre_file: str = ""
    inflow_file: str = ""
    # What signs our own links in mails, parted by commas: the first makes them, all are taken.
    link_keys: SecretStr = SecretStr("")

    # What domains make of an address, such as "gmail.com:dots,plus; googlemail.com=gmail.com", and
    # whose phone numbers those without a country code are: see docs/identity.md.
    email_rules: str = ""
    phone_region: str = ""

    # How much is kept of what comes in: see docs/privacy.md.
    ip: Literal["none", "truncated", "full"] = "truncated"
    user_agent: Literal["none", "family", "full"] = "full"
    fields_deny: str = ""
    fields_allow: str = ""
    url_parameters_deny: str = (
        "*email*,*mail,*token*,*passw*,pwd,*secret*,*apikey*,*api_key*,auth,jwt,otp,sid,*sess*,"
        "sig,signature,*phone*,tel,mobile,first*name,last*name,full*name,fname,lname,surname,"
        "*birth*,dob,ssn,iban"
    )

    # An anonymous id (a kiosk, an office) on which more people identify links nobody any more; a
    # lead that has so many identifiers gets no more.
    identity_max_people: int = Field(20, ge=1, le=1000)
    identity_max_identifiers: int = Field(500, ge=2, le=10_000)

    # How long each class of data is kept, in days; 0: for ever. See docs/retention.md.
    retention_events_days: int = Field(0, ge=0, le=36_500)
    retention_anonymous_days: int = Field(400, ge=0, le=36_500)
    retention_bots_days: int = Field(30, ge=0, le=36_500)
    retention_logs_days: int = Field(30, ge=0, le=36_500)
    # A sweep through a class begins so long after the one before began, and after start.
    retention_every_seconds: float = Field(86_400.0, gt=0)
    retention_start_seconds: float = Field(120.0, ge=0)

    # What signs sales' answers that come by webhook (Standard Webhooks), parted by commas.
    sales_webhook_secrets: SecretStr = SecretStr("")

    host: str = "127.0.0.1"
    port: int = Field(0, ge=0, le=65535, description="HTTP port of this process; 0 picks one")
    public_url: str = ""
    instance: str = ""

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["debug", "info", "warning", "error"] = "info"

    batch_max_events: int = Field(15_000, ge=1, le=20_000)
    stall_limit_seconds: float = Field(60.0, gt=0)
    router_shards: int = Field(4, ge=1, le=64)
    router_chunk_max: int = Field(1000, ge=1, le=10_000, description="changes per transaction")
    router_lease_seconds: float = Field(10.0, ge=0.5, le=300)
    # Shortens the waits between webhook attempts where tests can't wait for hours.
    webhook_retry_scale: float = Field(1.0, gt=0, le=10)
    # How mails go out, such as smtp://user:password@host:587?starttls=1, and from whom.
    smtp_url: SecretStr = SecretStr("")
    mail_from: str = ""
    # Tests only: "point:exit" kills this process at a named point, as kill -9 would.
    fault: str = ""

    @property
    def topics(self) -> Topics:
        return Topics(self.topic_prefix)
