"""The root key opens only with its passphrase, and is never lost, replaced or left readable by mistake."""

from __future__ import annotations

import json
import stat
from pathlib import Path

import pytest
from pydantic import SecretStr

from postern.errors import BadInput, CannotOpen, SettingsInvalid
from postern.ids import TenantId
from postern.keystore import open_keystore
from postern.keystore.rootkey import KeyFile, RootKey, UnattendedKeyFile
from postern.postgres.pool import Database
from postern.settings import Settings

PASSPHRASE = "correct horse battery staple"
SECRET = bytes(range(32))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "root.key"


def _production(folder: Path) -> Settings:
    return Settings(data=folder, mode="production", passphrase=SecretStr(PASSPHRASE))


def _demo(folder: Path) -> Settings:
    return Settings(data=folder, mode="demo")


@pytest.mark.parametrize("kind", ["guarded", "unattended"])
async def test_what_a_root_key_wrapped_it_unwraps_after_a_restart(path: Path, kind: str) -> None:
    first: RootKey
    again: RootKey
    if kind == "guarded":
        first, again = KeyFile.create(path, PASSPHRASE), KeyFile.unlock(path, PASSPHRASE)
    else:
        first, again = UnattendedKeyFile.create(path), UnattendedKeyFile.read(path)

    wrapped = await first.wrap(SECRET, label="tenant|1")

    assert await again.unwrap(wrapped, label="tenant|1") == SECRET
    with pytest.raises(CannotOpen):
        await again.unwrap(wrapped, label="tenant|2")


def test_a_wrong_passphrase_says_so(path: Path) -> None:
    KeyFile.create(path, PASSPHRASE)

    with pytest.raises(CannotOpen, match="The passphrase does not unlock"):
        KeyFile.unlock(path, PASSPHRASE + "!")


def test_a_passphrase_may_be_typed_on_another_keyboard(path: Path) -> None:
    KeyFile.create(path, "une clé très secrète")

    KeyFile.unlock(path, "une cle\u0301 tre\u0300s secre\u0300te")


def test_a_short_passphrase_is_refused(path: Path) -> None:
    with pytest.raises(BadInput, match="at least 12 characters"):
        KeyFile.create(path, "hunter2")
    assert not path.exists()


def test_a_root_key_file_is_its_owners_alone_and_stretched_as_stated(path: Path) -> None:
    KeyFile.create(path, PASSPHRASE)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = json.loads(path.read_text())
    assert (content["passes"], content["memory_kib"], content["lanes"]) == (3, 65536, 4)
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_a_root_key_that_others_can_read_is_refused(path: Path, mode: int) -> None:
    UnattendedKeyFile.create(path)
    path.chmod(mode)

    with pytest.raises(SettingsInvalid, match="chmod 600"):
        UnattendedKeyFile.read(path)


def test_an_existing_root_key_is_never_replaced(path: Path) -> None:
    KeyFile.create(path, PASSPHRASE)
    before = path.read_bytes()

    with pytest.raises(FileExistsError):
        KeyFile.create(path, PASSPHRASE)
    with pytest.raises(FileExistsError):
        UnattendedKeyFile.create(path)
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "content",
    ["", "{", "[]", "{}", '{"format": "postern-root-key/1"}', '{"format": "postern-root-key/2"}',
     '{"format": "postern-root-key/1", "salt": "A", "sealed": "", "passes": 1, "memory_kib": 8, "lanes": 1}'],
)  # fmt: skip
def test_a_damaged_root_key_file_says_so(path: Path, content: str) -> None:
    path.write_text(content)
    path.chmod(0o600)

    with pytest.raises(SettingsInvalid, match="restore it from its safe copy"):
        KeyFile.unlock(path, PASSPHRASE)


async def test_a_first_start_in_production_makes_a_guarded_root_key(
    keystore_database: Database, tmp_path: Path
) -> None:
    first = await open_keystore(keystore_database, _production(tmp_path), PASSPHRASE)
    key = await first.purpose_key(TenantId(1), "journal")

    again = await open_keystore(keystore_database, _production(tmp_path), PASSPHRASE)

    assert await again.purpose_key(TenantId(1), "journal") == key
    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["root.key"]
    with pytest.raises(CannotOpen, match="passphrase"):
        await open_keystore(keystore_database, _production(tmp_path), "another long passphrase")
    with pytest.raises(SettingsInvalid, match="POSTERN_PASSPHRASE"):
        await open_keystore(keystore_database, _production(tmp_path), None)


async def test_a_demo_starts_by_itself(keystore_database: Database, tmp_path: Path) -> None:
    first = await open_keystore(keystore_database, _demo(tmp_path), None)
    again = await open_keystore(keystore_database, _demo(tmp_path), None)

    assert await again.hub_key() == await first.hub_key()


async def test_production_refuses_a_root_key_that_nothing_guards(
    keystore_database: Database, tmp_path: Path
) -> None:
    await open_keystore(keystore_database, _demo(tmp_path), None)

    with pytest.raises(SettingsInvalid, match="which production does not accept"):
        await open_keystore(keystore_database, _production(tmp_path), PASSPHRASE)


async def test_a_demo_does_not_touch_a_production_folder(keystore_database: Database, tmp_path: Path) -> None:
    await open_keystore(keystore_database, _production(tmp_path), PASSPHRASE)

    with pytest.raises(SettingsInvalid, match="production"):
        await open_keystore(keystore_database, _demo(tmp_path), None)


@pytest.mark.parametrize("mode", ["demo", "production"])
async def test_a_missing_root_key_is_never_made_anew_where_keys_exist(
    keystore_database: Database, tmp_path: Path, mode: str
) -> None:
    settings = _demo(tmp_path) if mode == "demo" else _production(tmp_path)
    await open_keystore(keystore_database, settings, PASSPHRASE)
    (file,) = (tmp_path / "keys").iterdir()
    file.unlink()

    with pytest.raises(SettingsInvalid, match="restore"):
        await open_keystore(keystore_database, settings, PASSPHRASE)
    assert not file.exists()


async def test_another_keystores_root_key_is_recognised(keystore_database: Database, tmp_path: Path) -> None:
    await open_keystore(keystore_database, _demo(tmp_path / "one"), None)
    UnattendedKeyFile.create(_demo(tmp_path / "two").folder("keys") / "unattended.key")

    with pytest.raises(SettingsInvalid, match="not the one"):
        await open_keystore(keystore_database, _demo(tmp_path / "two"), None)
