"""No table is forgotten by an erasure, nor by an export."""

import re

from services.console.person_reading import PLACES as EXPORTED
from services.scorer import erasure_queries
from services.scorer.account_queries import NOTE_ACCOUNTS
from shared.tables import metadata

# Tables that say nothing of a person. Put a new one here only if that is so.
IMPERSONAL = {
    "consumer_partition", "audit_run", "router_process", "router_shard", "ruleset_version",
    "ruleset_live", "rule_number", "api_key", "source", "destination", "retention",
    "import_job",
    # Goes with its delivery; a status, and no word that a receiver wrote.
    "delivery_attempt",
    # Proofs and tombstones: keyed hashes, lead ids and numbers.
    "erasure", "erased_identifier", "erased_event",
}  # fmt: skip
# What an export leaves out: notes that are worked off in seconds, keyed hashes, and companies.
NOT_EXPORTED = {"account_dirty", "account_dirty_lead", "parting", "account",
                "account_stage_history", "checkpoint"}  # fmt: skip


def test_each_table_is_erased_or_says_nothing_of_a_person() -> None:
    """A new table must be put on one of the lists."""
    erased = set(_words(erasure_queries, r"DELETE FROM (\w+)"))
    erased |= set(re.findall(r"INSERT INTO (\w+)", NOTE_ACCOUNTS))
    assert set(metadata.tables) == (erased & set(metadata.tables)) | IMPERSONAL
    assert not erased & IMPERSONAL


def test_each_table_is_exported_or_left_out_for_a_reason() -> None:
    """What is deleted is shown before."""
    shown = set(re.findall(r"(?:FROM|JOIN) (\w+)", " ".join(EXPORTED.values())))
    assert set(metadata.tables) - IMPERSONAL - NOT_EXPORTED <= shown


def _words(module: object, pattern: str) -> list[str]:
    texts = [
        text
        for value in vars(module).values()
        for text in (value.values() if isinstance(value, dict) else [value])
        if isinstance(text, str)
    ]
    return re.findall(pattern, " ".join(texts))
