"""What can be asked of a destination, by its kind: the border where it is checked."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal, get_args

from email_validator import EmailNotValidError, validate_email
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
    model_validator,
)

Kind = Literal["webhook", "email", "slack", "teams"]
KINDS: tuple[Kind, ...] = get_args(Kind)

LISTED_MAX = 50
TEXT_MAX = 200
RECIPIENTS_MAX = 20
HEADERS_MAX = 20
HEADER_VALUE_MAX = 2_000

# Receivers put a lead's messages in order by these, and drop what they had: never left out.
ALWAYS_TOLD = ("lead_id", "sequence")

# Headers that are ours or the connection's.
OUR_HEADERS = frozenset((
    "host", "content-length", "content-type", "content-encoding", "transfer-encoding", "connection",
    "keep-alive", "te", "trailer", "upgrade", "expect", "date", "cookie", "accept-encoding",
))  # fmt: skip
OUR_PREFIXES = ("webhook-", "proxy-", "sec-", ":")
_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}")
_VALUE = re.compile(r"[\x20-\x7e]*")
_GLOB = re.compile(r"[a-z0-9_.*?-]{1,100}")
_PATH = re.compile(r"[A-Za-z_]\w{0,63}(\.[A-Za-z_]\w{0,63}){0,4}")


def _plain(text: str) -> str:
    if not text.isprintable():
        raise ValueError("only printable characters")
    return text


def _glob(text: str) -> str:
    if not _GLOB.fullmatch(text):
        raise ValueError("a type, or a pattern of types such as handoff.*")
    return text


def _path(text: str) -> str:
    if not _PATH.fullmatch(text):
        raise ValueError("a dotted path into data, such as who.emails")
    return text


def _address(text: str) -> str:
    try:
        found = validate_email(text, check_deliverability=False)
    except EmailNotValidError as error:
        raise ValueError("not an email address") from error
    # Every mail server takes a domain in ASCII.
    return f"{found.local_part}@{found.ascii_domain}"


Name = Annotated[str, Field(min_length=1, max_length=TEXT_MAX), AfterValidator(_plain)]
Names = Annotated[list[Name], Field(max_length=LISTED_MAX)]
Glob = Annotated[str, AfterValidator(_glob)]
Path = Annotated[str, AfterValidator(_path)]
Address = Annotated[str, Field(max_length=320), AfterValidator(_address)]


class Asked(BaseModel):
    """Base of all that is asked: nothing that isn't known."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class Filter(Asked):
    """Which messages go there: all of the named things must fit; an empty list asks for nothing.
    A message that doesn't tell a thing (a stage change tells no owner) doesn't fit.
    """

    types: Annotated[list[Glob], Field(max_length=LISTED_MAX)] = []
    journeys: Names = []
    stages: Names = []
    owners: Names = []
    segments: Names = []
    grades: Names = []


class Fields(Asked):
    """Which parts of `data` go there: only the included, or all but the excluded."""

    include: Annotated[list[Path], Field(max_length=LISTED_MAX)] = []
    exclude: Annotated[list[Path], Field(max_length=LISTED_MAX)] = []

    @model_validator(mode="after")
    def _one_of_them(self) -> Fields:
        if self.include and self.exclude:
            raise ValueError("name fields to include or to exclude, not both")
        for path in self.exclude:
            if path in ALWAYS_TOLD:
                raise ValueError(f"{path} can't be left out: receivers order messages by it")
        return self


class Wishes(Asked):
    """What any kind can be asked. rate: messages a second, over all routers; null: no limit."""

    filter: Filter = Filter()
    fields: Fields = Fields()
    rate: Annotated[float, Field(ge=0.01, le=1000)] | None = None


class WebhookWishes(Wishes):
    """headers: sent with each request; their values are secrets."""

    headers: dict[str, str] = Field({}, max_length=HEADERS_MAX, repr=False)

    @field_validator("headers")
    @classmethod
    def _ours_are_ours(cls, headers: dict[str, str]) -> dict[str, str]:
        seen = set()
        for name, value in headers.items():
            lower = name.lower()
            if not _TOKEN.fullmatch(name):
                raise ValueError("a header's name has letters, digits and hyphens")
            if lower in OUR_HEADERS or lower.startswith(OUR_PREFIXES):
                raise ValueError(f"the header {lower} is set by leadscore itself")
            if lower in seen:
                raise ValueError(f"the header {lower} is named twice")
            seen.add(lower)
            if len(value) > HEADER_VALUE_MAX or not _VALUE.fullmatch(value):
                raise ValueError(
                    f"the value of {lower} may hold printable ASCII, {HEADER_VALUE_MAX} at most"
                )
        return headers


class _ForPeople(Wishes):
    """People want hand-offs and alerts, not each move of each lead, unless they say so."""

    filter: Filter = Filter(types=["handoff.*", "lead.alert"])


class EmailWishes(_ForPeople):
    to: Annotated[list[Address], Field(min_length=1, max_length=RECIPIENTS_MAX)]


class ChatWishes(_ForPeople):
    pass


MODELS: dict[Kind, type[Wishes]] = {
    "webhook": WebhookWishes,
    "email": EmailWishes,
    "slack": ChatWishes,
    "teams": ChatWishes,
}


class WishError(Exception):
    """Something asked of a destination can't be; the message says what, and where it stands."""


def wishes_of(kind: str, asked: dict[str, Any]) -> Wishes:
    """Raises WishError. What was wrong is named, never the value: it may be a secret."""
    if kind not in MODELS:
        raise WishError(f"there is no kind {kind!r}: {', '.join(KINDS)}")
    try:
        return MODELS[kind].model_validate(asked)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        # The key of a header is where it is, the rest of the path is ours.
        where = ".".join(str(part) for part in first["loc"]) or "settings"
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "extra_forbidden":
            said = f"a destination of kind {kind} knows no such setting"
        raise WishError(f"{where}: {said}") from None
