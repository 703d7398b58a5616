"""local.json, and the settings that come of it."""

from __future__ import annotations

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import load_der_public_key, load_pem_private_key

from deploy.local.state import (
    LocalState,
    NoStackError,
    find_folder,
    load_settings,
    read_state,
    write_state,
)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a local.json, and an environment that names nothing."""
    for name in ("KAFKA_BOOTSTRAP_SERVERS", "DATABASE_URL", "LEADSCORE_HASH_KEY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(f"LEADSCORE_{name}", raising=False)
    folder = tmp_path / ".leadscore"
    folder.mkdir()
    state = LocalState(kafka_bootstrap_servers="k:1", database_url="postgresql://u:p@h/d")
    state.make_keys()
    write_state(folder, state)
    return tmp_path


def test_keys_are_made_once_and_kept(place: Path) -> None:
    """A second start finds the keys of the first."""
    first = read_state(place / ".leadscore")
    second = read_state(place / ".leadscore")
    second.make_keys()
    assert second == first
    assert LocalState().write_key != first.write_key


def test_the_file_is_for_its_owner_alone(place: Path) -> None:
    """It holds secrets."""
    mode = (place / ".leadscore" / "local.json").stat().st_mode
    assert stat.S_IMODE(mode) == 0o600


def test_the_signing_keys_are_a_pair(place: Path) -> None:
    """The public key, as SendGrid shows it, is that of the private one."""
    state = read_state(place / ".leadscore")
    private = load_pem_private_key(state.sendgrid_private_key_pem.encode(), None)
    public = load_der_public_key(base64.b64decode(state.sendgrid_public_key))
    assert private.public_key() == public


def test_settings_come_from_the_stack_in_a_folder_above(place: Path) -> None:
    """A command works from any folder under the one where the stack was started."""
    below = place / "a" / "b"
    below.mkdir(parents=True)
    assert find_folder(below) == place / ".leadscore"
    settings = load_settings(below)
    assert settings.kafka_bootstrap_servers == "k:1"
    assert settings.write_keys.get_secret_value().startswith("web:wk_")


def test_the_environment_goes_before_the_local_stack(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DATABASE_URL points a command elsewhere; the rest still comes from the stack."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://elsewhere/d")
    settings = load_settings(place)
    assert settings.database_url.get_secret_value() == "postgresql://elsewhere/d"
    assert settings.kafka_bootstrap_servers == "k:1"


def test_without_stack_and_environment_the_error_says_what_to_do(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It names the variable, and the command that starts a stack."""
    (place / ".leadscore" / "local.json").unlink()
    with pytest.raises(NoStackError, match=r"KAFKA_BOOTSTRAP_SERVERS.*leadscore up"):
        load_settings(place)


def test_a_field_of_another_version_is_left_alone(place: Path) -> None:
    """An older or newer leadscore wrote it."""
    file = place / ".leadscore" / "local.json"
    file.write_text(file.read_text().replace("{", '{"of_the_future": 1,', 1))
    assert read_state(place / ".leadscore").kafka_bootstrap_servers == "k:1"
