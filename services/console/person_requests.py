"""The bodies of requests about one person, as the API reads them: who, and why."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID, uuid4

from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.console.parameters import MAX_TEXT_CHARS
from shared.identifier_forms import IdentifierForms
from shared.identity import ANONYMOUS, EMAIL, EXTERNAL, PHONE, USER_ID, Identifier

Name = Annotated[str | None, Field(min_length=1, max_length=MAX_TEXT_CHARS, pattern=r"^[^\x00]+$")]
Words = Annotated[str, Field(max_length=200, pattern=r"^[^\x00]*$")]


class PersonRequest(BaseModel):
    """Who is meant: one of these (external: "system:id"). In a body, so that no address stands in
    a URL or its log.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    email: Name = None
    user_id: Name = None
    phone: Name = None
    external: Name = None
    anonymous_id: Name = None
    lead_id: UUID | None = None

    @model_validator(mode="after")
    def _one_name(self) -> PersonRequest:
        if len(self._given()) + (self.lead_id is not None) != 1:
            raise ValueError(f"give one of {', '.join(PersonRequest.model_fields)}")
        return self

    def _given(self) -> list[Identifier]:
        names = (
            (USER_ID, self.user_id), (EMAIL, self.email), (PHONE, self.phone),
            (EXTERNAL, self.external), (ANONYMOUS, self.anonymous_id),
        )  # fmt: skip
        return [(kind, value) for kind, value in names if value is not None]

    def name(self, forms: IdentifierForms) -> Identifier | UUID | None:
        """As it stands in the database; None when nothing that is kept looks like this."""
        if self.lead_id is not None:
            return self.lead_id
        ((kind, given),) = self._given()
        value = forms.asked(kind, given)
        return None if value is None else (kind, value)


class ErasureRequest(PersonRequest):
    """Whom to erase. reason, actor: for the proof, so without the person's name · id: the same one
    sent again is the same erasure · dry_run: only say what there is.
    """

    reason: Annotated[Words, Field(min_length=1)]
    actor: Words = ""
    id: UUID = Field(default_factory=uuid4)
    dry_run: bool = False
