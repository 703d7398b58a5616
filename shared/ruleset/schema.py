"""The JSON Schema of rulesets, for editors: draft 2020-12, made from the document's models.

It tells keys, kinds of values and what they mean. What only the whole document can tell (a model
that isn't there, thresholds that don't rise) is for `leadscore rules check`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from shared.ruleset.document import RulesetDocument
from shared.ruleset.key_words import KEY_WORDS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
TITLE = "leadscore ruleset"
DESCRIPTION = "Scores, stages and their tests. docs/scoring.md tells each key with examples."

_DURATION = {
    "type": "string",
    "pattern": r"^\s*[0-9]{1,9}\s*[smhdw]\s*$",
    "examples": ["45s", "90m", "12h", "30d", "2w"],
}
_WRITTEN = Callable[[JsonSchemaValue], JsonSchemaValue]


def _or(*others: JsonSchemaValue) -> _WRITTEN:
    return lambda inner: {"anyOf": [*others, inner]}


def _or_item(inner: JsonSchemaValue) -> JsonSchemaValue:
    """One item in place of a list of one."""
    return {"anyOf": [inner["items"], inner]}


# What a value may look like before a validator of the document turns it into what is kept, by the
# validator's name. Each gets the schema of what is kept.
WRITTEN: dict[str, _WRITTEN] = {
    "duration_ms": lambda _: _DURATION,
    "as_list": _or_item,
    "_decay": _or({"const": "none"}),
    "_limit": _or({"const": "once"}),
    "instant_ms": lambda _: {"type": "string", "examples": ["2026-04-01", "2026-04-01T09:00:00Z"]},
    "_texts": lambda inner: inner,
    "_day": lambda _: {"type": "string", "examples": ["2026-12-24"]},
    "_range": _or({"type": "number"}),
    "_by_journey": _or({"type": "string"}),
    "_counts": _or({"enum": ["content", "sales", "none"]}),
}


class _Schema(GenerateJsonSchema):
    """Shows values as they are written, before the document's validators."""

    def function_before_schema(
        self, schema: core_schema.BeforeValidatorFunctionSchema
    ) -> JsonSchemaValue:
        inner = self.generate_inner(schema["schema"])
        name = schema["function"]["function"].__name__
        if name not in WRITTEN:
            raise LookupError(f"{name} isn't in WRITTEN: say there what it takes")
        return WRITTEN[name](inner)

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        """A key that is left out is None inside; nobody writes null."""
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """What a default is called inside is often not what people write; the words tell it."""
        return self.generate_inner(schema["schema"])

    def field_title_should_be_set(self, schema: Any) -> bool:
        """Keys name themselves."""
        del schema
        return False


def ruleset_schema() -> dict[str, Any]:
    """The schema as a JSON value, keys in a fixed order."""
    made = RulesetDocument.model_json_schema(by_alias=True, schema_generator=_Schema)
    _describe("RulesetDocument", made)
    for name, part in made["$defs"].items():
        _describe(name, part)
    return {"$schema": DIALECT, **made, "title": TITLE, "description": DESCRIPTION}


def schema_text() -> str:
    """The schema as it is committed and printed."""
    return json.dumps(ruleset_schema(), indent=2, ensure_ascii=False) + "\n"


def _describe(name: str, part: dict[str, Any]) -> None:
    if "description" in part:
        # The first paragraph; the others name keys, which have their own words.
        part["description"] = " ".join(part["description"].split("\n\n")[0].split())
    for key, value in part.get("properties", {}).items():
        words = KEY_WORDS.get(f"{name}.{key}")
        if words:
            value["description"] = words
