"""The lock file of the broker's jars."""

from __future__ import annotations

import tomllib

from deploy.local.jars import LOCK, SPEC


def test_every_jar_has_a_version_and_a_checksum() -> None:
    """Nothing is run that was not seen when the lock file was written."""
    locked = tomllib.loads(LOCK.read_text())["dependencies"]
    assert len(locked) > 40
    assert all(len(each["sha256"]) == 64 and each["version"] for each in locked)


def test_the_lock_file_holds_what_the_spec_asks_for() -> None:
    """And one version of Kafka throughout; jgo once took an older client."""
    wanted = tomllib.loads(SPEC.read_text())["dependencies"]["coordinates"]
    locked = tomllib.loads(LOCK.read_text())["dependencies"]
    found = {f"{each['groupId']}:{each['artifactId']}:{each['version']}" for each in locked}
    assert {each.rstrip("!") for each in wanted} <= found
    versions = {each["version"] for each in locked if each["groupId"] == "org.apache.kafka"}
    assert len(versions) == 1
