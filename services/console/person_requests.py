"""The bodies of requests about one person, as the API reads them: who, and why."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.console.parameters import MAX_TEXT_CHARS
from shared.identity import ANONYMOUS, EMAIL, PHONE, USER_ID, Identifier

Name = Annotated[str | None, Field(min_length=1, max_length=MAX_TEXT_CHARS, pattern=r"^[^\x00]+$")]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class PersonRequest(BaseModel):
    """Who is meant: one of these. In a body, so that no address stands in a URL or its log."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: Name = None
    user_id: Name = None
    phone: Name = None
    anonymous_id: Name = None
    lead_id: UUID | None = None

    @model_validator(mode="after")
    def _one_name(self) -> PersonRequest:
        names = (self.email, self.user_id, self.phone, self.anonymous_id, self.lead_id)
        if sum(name is not None for name in names) != 1:
            raise ValueError("give one of email, user_id, phone, anonymous_id and lead_id")
        return self

    def name(self) -> Identifier | UUID:
        """As it stands in the database."""
        if self.lead_id is not None:
            return self.lead_id
        if self.email is not None:
            return EMAIL, self.email.strip().lower()
        for kind, value in (
            (USER_ID, self.user_id), (PHONE, self.phone), (ANONYMOUS, self.anonymous_id)
        ):  # fmt: skip
            if value is not None:
                return kind, value.strip()
        raise AssertionError("validated")


class ErasureRequest(PersonRequest):
    """Whom to erase. reason, actor: for the proof, so without the person's name · id: the same one
    sent again is the same erasure · dry_run: only say what there is.
    """

    reason: Annotated[Words, Field(min_length=1)]
    actor: Words = ""
    id: UUID = Field(default_factory=uuid4)
    dry_run: bool = False
