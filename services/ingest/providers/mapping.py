"""What a mapping says: how posts of a tool prove themselves, and which field becomes what."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from yaml import YAMLError, safe_load

from services.ingest.providers.paths import steps_of
from shared.event_types import (
    LEADS_MERGED,
    LEADS_UNMERGED,
    PERSON_ERASED,
    STAGE_OVERRIDDEN,
    event_type_named,
)

CHARACTERS = 20_000
_PLACES = ("body", "timestamp", "method", "url", "path")
_OPERATORS = frozenset({STAGE_OVERRIDDEN, LEADS_MERGED, LEADS_UNMERGED, PERSON_ERASED})


def _path(value: str) -> str:
    """A path into the item, =constant, or header:Name."""
    if not value.startswith(("=", "header:")):
        steps_of(value)
    return value


Value = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_path)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Timestamp(_Part):
    """The signed time. part: its name in a header such as "t=1,v1=ab"."""

    header: str
    part: str = ""
    unit: Literal["s", "ms"] = "s"
    window_seconds: int = Field(300, ge=0, le=30 * 86_400)


class Hmac(_Part):
    """A keyed hash over a message made of {body}, {timestamp}, {method}, {url}, {path}. key: how
    the secret is written.
    """

    header: str
    part: str = ""
    prefix: str = ""
    algorithm: Literal["sha1", "sha256", "sha384", "sha512"] = "sha256"
    encoding: Literal["hex", "base64"] = "hex"
    message: str = "{body}"
    key: Literal["text", "base64", "hex"] = "text"
    timestamp: Timestamp | None = None

    @model_validator(mode="after")
    def _message_can_be_made(self) -> Hmac:
        parts_of(self.message)
        if "{body}" not in self.message:
            raise ValueError("the message must contain {body}: else anybody could change it")
        if "{timestamp}" in self.message and self.timestamp is None:
            raise ValueError("the message has {timestamp}: say in timestamp where it stands")
        if self.timestamp is not None and "{timestamp}" not in self.message:
            raise ValueError("a timestamp that isn't in the message isn't signed")
        return self


class Proof(_Part):
    """One of three; a credential (basic auth, bearer, X-Webhook-Token, ?token=) if none is said."""

    hmac: Hmac | None = None
    standard_webhooks: bool = False


class ByValue(_Part):
    """The type by what stands somewhere; otherwise: for any other value, null leaves it out."""

    value: Value
    types: dict[str, str | None] = Field(min_length=1, max_length=200)
    otherwise: str | None = None


class When(_Part):
    """Only items in which this holds. `is`: one of these values; or that there is any at all."""

    value: Value
    is_: str | bool | int | list[str | bool | int] | None = Field(None, alias="is")


class EventMapping(_Part):
    """Which field becomes what. key: what makes an event this one, where there is no id."""

    type: str | ByValue
    at: Value | None = None
    id: Value | None = None
    key: tuple[Value, ...] = ()
    signal_key: Value | None = None
    email: Value | None = None
    user_id: Value | None = None
    anonymous_id: Value | None = None
    phone: Value | None = None
    external: dict[str, Value] = {}
    properties: dict[str, Value] = Field({}, max_length=100)
    traits: dict[str, Value] = Field({}, max_length=64)
    campaign: dict[Literal["source", "medium", "name", "term", "content"], Value] = {}
    page: Value | None = None
    user_agent: Value | None = None
    ip: Value | None = None
    machine: When | None = None
    when: tuple[When, ...] = ()

    @model_validator(mode="after")
    def _somebody_is_named(self) -> EventMapping:
        if not (self.email or self.user_id or self.anonymous_id or self.phone or self.external):
            raise ValueError("say who it was: email, user_id, anonymous_id, phone or external")
        given = self.type
        types = [given] if isinstance(given, str) else [*given.types.values(), given.otherwise]
        for one in filter(None, types):
            if event_type_named(one) in _OPERATORS:
                raise ValueError(f"{one} is an operator's event")
            if len(one) > 128:
                raise ValueError("a type has 128 characters at most")
        return self


class Mapping(_Part):
    """A whole mapping. items: where the list of items is, if the body is none itself."""

    name: str = ""
    proof: Proof = Proof()
    items: Value | None = None
    event: EventMapping


@lru_cache(maxsize=256)
def read_mapping(text: str) -> Mapping:
    """The mapping in a YAML or JSON text. Raises ValueError that says what is wrong, and where."""
    if len(text) > CHARACTERS:
        raise ValueError(f"a mapping has {CHARACTERS} characters at most")
    try:
        document = safe_load(text)
    except YAMLError as error:
        place = getattr(error, "problem_mark", None)
        where = f" (line {place.line + 1})" if place is not None else ""
        raise ValueError(f"the mapping is not YAML{where}") from None
    except RecursionError:
        raise ValueError("the mapping nests too deep") from None
    try:
        return Mapping.model_validate(document)
    except ValidationError as error:
        first: Any = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "mapping"
        raise ValueError(f"{where}: {first['msg'].removeprefix('Value error, ')}") from None


@lru_cache(maxsize=256)
def parts_of(message: str) -> tuple[str, ...]:
    """A template's texts and places, in turn: "v0:{timestamp}" is ("v0:", "timestamp", "").
    Raises ValueError for a place that isn't known.
    """
    parts: list[str] = []
    rest = message
    while "{" in rest:
        text, _, rest = rest.partition("{")
        place, closed, rest = rest.partition("}")
        if not closed or place not in _PLACES:
            raise ValueError(f"in a message only {', '.join(_PLACES)} may stand in braces")
        parts += [text, place]
    return (*parts, rest)
