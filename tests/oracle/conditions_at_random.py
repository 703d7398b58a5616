"""Random conditions, as plain YAML values: over fields, and over what the lead did."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

Plain = dict[str, Any]

TYPES = ("page_viewed", "page_left", "email_clicked", "custom thing")
WORDS = ("/pricing", "/pricing/team", "/blog/a", "Chief of staff", "chief", "", "5", "12.5")

values = st.one_of(
    st.sampled_from(WORDS), st.integers(-3, 12), st.booleans(), st.none(),
    st.lists(st.sampled_from(WORDS), max_size=2),
)  # fmt: skip
fields = st.sampled_from(
    ["properties.a", "properties.b", "context.page.path", "traits.title", "traits.size",
     "type", "source", "identifiers.email", "properties.deep.er"]
)  # fmt: skip
trait_fields = st.sampled_from(["traits.title", "traits.size"])
scalars = st.one_of(st.sampled_from(WORDS), st.integers(-3, 12), st.booleans())
patterns = st.sampled_from(
    ["/pricing*", "*chief*", "*/team", "/blog/?", "*", "5", "/p*g", "[a-z]*"]
)
lengths = st.sampled_from(["20s", "45s", "1m", "2m", "5m", "20m"])
types = st.one_of(
    st.sampled_from([*TYPES, "page_*", "*"]),
    st.lists(st.sampled_from(TYPES), min_size=1, max_size=3),
)


@st.composite
def leaf(draw: st.DrawFn, over: st.SearchStrategy[str] = fields) -> Plain:
    """A field with an operator."""
    name, operand = draw(
        st.one_of(
            st.tuples(st.sampled_from(["eq", "ne"]), scalars),
            st.tuples(st.just("in"), st.lists(scalars, min_size=1, max_size=3)),
            st.tuples(st.just("glob"), st.one_of(patterns, st.lists(patterns, min_size=1))),
            st.tuples(st.just("contains"), st.lists(st.sampled_from(WORDS), min_size=1)),
            st.tuples(
                st.just("matches"), st.sampled_from(["^/b", "chief|team", "[0-9]", "a$", r"C\D+f"])
            ),
            st.tuples(st.sampled_from(["gt", "gte", "lt", "lte"]), st.integers(-3, 12)),
            st.tuples(st.just("exists"), st.booleans()),
        )
    )
    condition = {"field": draw(over), name: operand}
    if draw(st.booleans()):
        condition["ignore_case"] = True
    return condition


@st.composite
def on(draw: st.DrawFn, *, needed: bool = True) -> Plain:
    """Types, and maybe a condition, of what is counted."""
    part: Plain = {}
    if needed or draw(st.booleans()):
        part["on"] = draw(types)
    if draw(st.integers(0, 2)) == 0:
        part["when"] = draw(leaf())
    return part


@st.composite
def timed(draw: st.DrawFn, *, sequences: bool) -> Plain:
    """A condition over what the lead did, and when."""
    kinds = ["count", "since", "quiet", "seen", *(["sequence", "sequence"] if sequences else [])]
    kind = draw(st.sampled_from(kinds))
    if kind == "sequence":
        steps = draw(st.lists(on(), min_size=2, max_size=3))
        return {"sequence": {"steps": steps, "within": draw(lengths)}}
    asked = draw(on(needed=kind != "quiet"))
    if kind == "count":
        bound = draw(st.sampled_from(["at_least", "at_most"]))
        asked[bound] = draw(st.integers(1 if bound == "at_least" else 0, 3))
    if kind in ("count", "since"):
        asked["within"] = draw(lengths)
    if kind == "quiet":
        asked["for"] = draw(lengths)
    if kind == "seen":
        asked["at_least"] = draw(st.integers(1, 4))
    return {kind: asked}


def conditions(
    over: st.SearchStrategy[str] = fields,
    *,
    sequences: bool = True,
    named: tuple[Plain, ...] = (),
) -> st.SearchStrategy[Plain]:
    """Any condition. named: those that ask for a segment or persona."""
    leaves = [leaf(over), timed(sequences=sequences)]
    if named:
        leaves.append(st.sampled_from(named))
    return _combined(st.one_of(leaves), 3)


def field_conditions(over: st.SearchStrategy[str] = fields) -> st.SearchStrategy[Plain]:
    """A condition that asks of fields alone."""
    return _combined(leaf(over), 4)


def _combined(leaves: st.SearchStrategy[Plain], most: int) -> st.SearchStrategy[Plain]:
    return st.recursive(
        leaves,
        lambda inner: st.one_of(
            st.builds(lambda parts: {"all": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda parts: {"any": parts}, st.lists(inner, min_size=1, max_size=3)),
            st.builds(lambda part: {"not": part}, inner),
        ),
        max_leaves=most,
    )


def between_events(named: tuple[Plain, ...] = ()) -> st.SearchStrategy[Plain]:
    """A condition that needs no event."""
    return conditions(trait_fields, sequences=False, named=named)
