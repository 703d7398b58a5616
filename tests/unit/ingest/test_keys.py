"""Keys: from what a request carries to the name of its source."""

from __future__ import annotations

import base64

import pytest

from services.ingest.keys import Sender, key_in_authorization, keys_of
from services.ingest.refusal import Refusal
from shared.settings import Settings


def settings(write: str = "", secret: str = "") -> Settings:
    return Settings.model_validate(
        {
            "kafka_bootstrap_servers": "unused:9092",
            "database_url": "postgresql://unused",
            "hash_key": "0123456789abcdef",
            "write_keys": write,
            "secret_keys": secret,
        }
    )


def test_keys_name_their_source() -> None:
    """A bare key is the default source of its kind."""
    keys = keys_of(settings("web:w1, shop:w:2", "s1"))
    assert keys.find("w1") == Sender("web", public=True)
    assert keys.find("w:2") == Sender("shop", public=True)
    assert keys.find("s1") == Sender("server", public=False)
    assert keys.find("") is None
    assert keys.find("web") is None


@pytest.mark.parametrize("given", ["web:", ":key", "a:k,b:k", "operator:key"])
def test_unclear_keys_stop_the_start(given: str) -> None:
    """Better than a site whose events are all refused."""
    with pytest.raises(ValueError, match=r"key|operator"):
        keys_of(settings(given))


@pytest.mark.parametrize(
    ("header", "key"),
    [
        (b"Basic " + base64.b64encode(b"w1:"), "w1"),
        (b"basic " + base64.b64encode(b"w1"), "w1"),
        (b"Basic " + base64.b64encode(b"w1:secret"), "w1"),
        (b"Bearer w1", "w1"),
        (b"Basic %%%", ""),
        (b"Basic a", ""),
        (b"Digest x", ""),
        (b"", ""),
    ],
)
def test_the_key_is_found_in_the_header(header: bytes, key: str) -> None:
    """As Segment's SDKs send it."""
    assert key_in_authorization(header) == key


def test_the_first_known_key_counts_and_none_is_refused() -> None:
    """401 either way, with different codes."""
    keys = keys_of(settings("web:w1"))
    assert keys.require("an oauth token", "w1").name == "web"
    for given, code in ((("", ""), "key_missing"), (("x", ""), "key_unknown")):
        with pytest.raises(Refusal) as caught:
            keys.require(*given)
        assert (caught.value.status, caught.value.code) == (401, code)
