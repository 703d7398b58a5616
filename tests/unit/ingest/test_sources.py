"""Accounts of providers as they are given by environment and file."""

from __future__ import annotations

from pathlib import Path

import pytest

from services.ingest.sources import sources_in_settings
from shared.settings import Settings
from tests.unit.ingest.providers.test_sendgrid_signature import SDK_KEY

GIVEN: dict[str, object] = {
    "kafka_bootstrap_servers": "k:1", "database_url": "postgresql://x/y", "hash_key": "k" * 16,
}  # fmt: skip


def settings(**over: object) -> Settings:
    return Settings.model_validate({**GIVEN, **over})


def test_accounts_come_from_environment_and_file(tmp_path: Path) -> None:
    """Each by provider and name, with all of its secrets."""
    file = tmp_path / "sources.yaml"
    file.write_text(f"sendgrid:\n  news:\n    secrets: [{SDK_KEY}, {SDK_KEY}]\n")
    sources = sources_in_settings(
        settings(
            sources=f'{{"sendgrid": {{"shop": {{"secrets": ["{SDK_KEY}"]}}}}}}',
            sources_file=str(file),
            sendgrid_public_key=SDK_KEY,
            sendgrid_window_seconds=60,
        )
    )
    default, news = sources.account("sendgrid", None), sources.account("sendgrid", "news")
    assert default is not None
    assert news is not None
    assert (default.source, default.seconds("window_seconds", 0)) == ("sendgrid", 60)
    assert (news.source, len(news.secrets)) == ("sendgrid/news", 2)
    assert sources.account("sendgrid", "shop") is not None
    assert sources.account("sendgrid", "other") is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("{", "is not YAML"),
        ("[1]", "dict"),
        ("pigeon: {default: {secrets: [x]}}", "no provider"),
        ("sendgrid: {default: {secrets: []}}", "has no secret"),
        ("sendgrid: {default: {secrets: ['  ']}}", "has no secret"),
        ("sendgrid: {default: {secrets: [SG.x]}}", "not base64"),
        (f"sendgrid: {{default: {{secrets: [{SDK_KEY}], options: {{a: b}}}}}}", "no option 'a'"),
        (
            f"sendgrid: {{default: {{secrets: [{SDK_KEY}], options: {{window_seconds: x}}}}}}",
            "whole number",
        ),
        ("sendgrid: {default: {secret: hidden}}", "secret"),
    ],
)
def test_what_cannot_be_used_ends_the_start_with_words_that_help(text: str, words: str) -> None:
    """And without what was given: it may be a secret."""
    with pytest.raises(ValueError, match=words) as caught:
        sources_in_settings(settings(sources=text))
    assert "hidden" not in str(caught.value)
    assert str(caught.value).startswith("LEADSCORE_SOURCES")
