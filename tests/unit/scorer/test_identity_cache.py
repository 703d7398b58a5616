"""The cache of identities: what is there, what is missing, and what is forgotten."""

from uuid import UUID

from services.scorer.identity_cache import IdentityCache
from shared.identity import ANONYMOUS, EMAIL

ANN = UUID(int=1)
DESK = [(ANONYMOUS, "desk", 0, 5, ANN, True, 0), (ANONYMOUS, "desk", 9, None, ANN, True, 0)]


def test_all_rows_of_an_identifier_are_kept_together() -> None:
    """An anonymous id with two runs comes back with both; what was never read is missing."""
    cache = IdentityCache()
    cache.keep(DESK)
    assert cache.look_up([(ANONYMOUS, "desk"), (EMAIL, "x")]) == (DESK, [(EMAIL, "x")])


def test_what_is_forgotten_is_missing() -> None:
    """After identities changed hands they are read again."""
    cache = IdentityCache()
    cache.keep(DESK)
    cache.forget([(ANONYMOUS, "desk"), (EMAIL, "never there")])
    assert cache.look_up([(ANONYMOUS, "desk")]) == ([], [(ANONYMOUS, "desk")])


def test_it_begins_anew_when_it_is_full() -> None:
    """Its size is bounded."""
    cache = IdentityCache(most=1)
    for name in ("a", "b", "c"):
        cache.keep([(EMAIL, name, 0, None, ANN, True, 0)])
    assert cache.look_up([(EMAIL, "a"), (EMAIL, "c")])[1] == [(EMAIL, "a")]
