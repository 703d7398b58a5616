"""Checks that JSON decoding leaves open: depth, number of keys, text, whole numbers, U+0000."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from services.ingest.limits import (
    JSON_DEPTH,
    JSON_KEY_CHARACTERS,
    JSON_KEYS,
    JSON_TEXT_CHARACTERS,
    NUMBER_MAGNITUDE,
)
from services.ingest.refusal import Refusal, invalid

T = TypeVar("T")

# Keys that were found good: senders use the same few over and over.
_KEYS_KEPT = 4096
_good_keys: set[str] = set()


def decode(decoder: msgspec.json.Decoder[T], body: bytes | msgspec.Raw) -> T:
    """Decode JSON bytes; whatever is wrong with them becomes a Refusal (400) with its path.

    msgspec itself refuses NaN, numbers beyond a double, lone surrogates, bad UTF-8, control
    characters and trailing bytes.
    """
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        message, _, where = str(error).partition(" - at `")
        raise invalid(
            "number_too_large" if "out of range" in message else "wrong_type",
            message.replace("`", "") + ".",
            where.removesuffix("`").removeprefix("$").removeprefix("."),
        ) from None
    except UnicodeDecodeError:
        raise invalid("not_json", "The body is not UTF-8.") from None
    except msgspec.DecodeError as error:
        raise invalid("not_json", f"The body is not JSON: {_position(error)}.") from None
    except RecursionError:
        raise too_deep("") from None


def check_document(value: dict[str, Any], path: str) -> None:
    """One pass over a decoded object. Raises Refusal (400) with the path of what is wrong."""
    _walk(value, path, 1, [0])


def check_text(value: str, path: str, longest: int = JSON_TEXT_CHARACTERS) -> None:
    """A text that may be kept: not too long, no U+0000. Raises Refusal (400)."""
    if len(value) > longest:
        raise invalid("text_too_long", f"A text may have {longest} characters here.", path)
    if "\x00" in value:
        raise invalid("null_character", "The character \\u0000 can't be stored.", path)


def too_deep(path: str) -> Refusal:
    return invalid("too_deep", f"Objects and lists may nest {JSON_DEPTH} deep.", path)


def _walk(value: dict[str, Any] | list[Any], path: str, depth: int, keys: list[int]) -> None:
    if depth > JSON_DEPTH:
        raise too_deep(path)
    keys[0] += len(value)
    if keys[0] > JSON_KEYS:
        raise invalid("too_many_keys", f"An event may have {JSON_KEYS} keys and items.", path)
    if isinstance(value, dict):
        good, longest = _good_keys, JSON_TEXT_CHARACTERS
        for key, item in value.items():
            if key not in good:
                _check_key(key, path)
            kind = type(item)
            if kind is str and len(item) <= longest and "\x00" not in item:
                continue  # most values are short texts: no path is built for them
            if kind is dict:
                _walk(item, f"{path}.{key}", depth + 1, keys)
            elif item is not None and kind is not bool:
                _check_item(item, f"{path}.{key}", depth, keys)
        return
    for index, item in enumerate(value):
        _check_item(item, f"{path}[{index}]", depth, keys)


def _check_item(item: object, path: str, depth: int, keys: list[int]) -> None:
    if isinstance(item, str):
        check_text(item, path)
    elif isinstance(item, (int, float)):
        if not -NUMBER_MAGNITUDE <= item <= NUMBER_MAGNITUDE:
            raise invalid("number_too_large", "Numbers must fit into 64 bits.", path)
    elif isinstance(item, (dict, list)):
        _walk(item, path, depth + 1, keys)


def _check_key(key: str, path: str) -> None:
    if len(key) > JSON_KEY_CHARACTERS:
        raise invalid("key_too_long", f"A key may have {JSON_KEY_CHARACTERS} characters.", path)
    check_text(key, path)
    if len(_good_keys) >= _KEYS_KEPT:
        _good_keys.clear()
    _good_keys.add(key)


def _position(error: Exception) -> str:
    """Its own words: they name a byte position, never the content."""
    return str(error).removeprefix("JSON is malformed: ").lower()
