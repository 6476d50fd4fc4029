"""Objects of a backup: refused in words when they are cut, changed, renamed, foreign; never written over."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.backup import objects
from postern.backup.beside import Pictures, pack, unpack
from postern.backup.keys import HubKeys, RestoreKeys, hub_keys, make_keys, restore_keys
from postern.backup.objects import MAGIC, Head, open_object, seal_object
from postern.backup.servers import file_name
from postern.backup.targets import Folder, target_at
from postern.errors import BadInput, CannotOpen, CannotVerify, Conflict, NotFound, SettingsInvalid

LIFE = "20260301T120000Z-0a1b2c3d"
NAME, OTHER = f"{LIFE}/data/wal/one", f"{LIFE}/data/wal/two"
HEAD = Head(at=datetime(2026, 3, 1, 12, tzinfo=UTC), start=3, end=9)

Keys = tuple[HubKeys, RestoreKeys]


def _made(folder: Path) -> Keys:
    hub, restore = make_keys(folder)
    return hub_keys(hub), restore_keys(restore)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return _made(tmp_path_factory.mktemp("keys"))


@pytest.fixture(scope="module")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Keys:
    return _made(tmp_path_factory.mktemp("foreign"))


def test_what_was_sealed_opens_where_the_identity_is(keys: Keys) -> None:
    data = seal_object(NAME, HEAD, b"log" * 1000, keys[0])
    found = open_object(NAME, data, keys[1])
    assert (found.head, found.content) == (HEAD, b"log" * 1000)
    assert b"log" not in data


@given(cut=st.integers(min_value=0, max_value=300))
def test_an_object_cut_short_is_refused(keys: Keys, cut: int) -> None:
    data = seal_object(NAME, HEAD, b"log", keys[0])
    with pytest.raises(CannotVerify, match=r"cut short|changed"):
        open_object(NAME, data[: min(cut, len(data) - 1)], keys[1])


@given(at=st.integers(min_value=0), bit=st.integers(min_value=0, max_value=7))
def test_no_flipped_bit_is_taken(keys: Keys, at: int, bit: int) -> None:
    data = bytearray(seal_object(NAME, HEAD, b"log", keys[0]))
    data[at % len(data)] ^= 1 << bit
    with pytest.raises(CannotVerify, match=r"changed|cut short"):
        open_object(NAME, bytes(data), keys[1])


def test_an_object_under_another_s_name_is_refused(keys: Keys) -> None:
    data = seal_object(NAME, HEAD, b"log", keys[0])
    with pytest.raises(CannotVerify, match="renamed"):
        open_object(OTHER, data, keys[1])


def test_another_hub_s_object_is_refused_although_it_is_sealed_to_us(keys: Keys, foreign: Keys) -> None:
    ours = keys[0]
    forger = HubKeys(format=ours.format, data=ours.data, keystore=ours.keystore, signing=foreign[0].signing)
    with pytest.raises(CannotVerify, match="another hub"):
        open_object(NAME, seal_object(NAME, HEAD, b"log", forger), keys[1])


def test_the_refusals_test_catches_a_restore_that_checks_no_signature(
    keys: Keys, foreign: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: whoever knows the recipient, which is no secret, makes backups that are believed."""
    ours = keys[0]
    forger = HubKeys(format=ours.format, data=ours.data, keystore=ours.keystore, signing=foreign[0].signing)
    forged = seal_object(NAME, HEAD, b"forged", forger)
    monkeypatch.setattr(objects, "check_object", lambda _name, data, _hub: data[len(MAGIC) + 64 :])
    assert open_object(NAME, forged, keys[1]).content == b"forged"


def test_each_chain_has_a_key_of_its_own(keys: Keys) -> None:
    """Whoever restores the data alone, for statistics perhaps, cannot open the keystore's chain."""
    name = f"{LIFE}/keystore/wal/one"
    data = seal_object(name, HEAD, b"log", keys[0])
    swapped = RestoreKeys(format="", data=keys[1].data, keystore=keys[1].data, hub=keys[1].hub)
    with pytest.raises(CannotOpen, match="another key"):
        open_object(name, data, swapped)
    assert open_object(name, data, keys[1]).content == b"log"


@pytest.mark.parametrize(
    "name", ["", "../x", f"{LIFE}/data/wal/../../../x", f"{LIFE}/logs/wal/x", f"{LIFE}/data/wal/", f"/{NAME}"]
)
def test_a_name_that_is_none_reaches_nothing(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInput):
        Folder(tmp_path).put(name, b"x")


def test_a_folder_is_added_to_and_never_written_over(tmp_path: Path) -> None:
    target = Folder(tmp_path / "target")
    target.put(NAME, b"first")
    with pytest.raises(Conflict, match="already"):
        target.put(NAME, b"second")
    assert target.get(NAME) == b"first"
    assert target.names() == [NAME]
    with pytest.raises(NotFound):
        target.get(OTHER)


def test_a_target_has_no_way_to_delete() -> None:
    assert not [one for one in dir(Folder) if "delete" in one or "remove" in one]


def test_a_target_is_a_folder_or_a_bucket() -> None:
    with pytest.raises(SettingsInvalid):
        target_at("ftp://elsewhere")


def test_key_files_are_made_once_and_kept_closed(tmp_path: Path) -> None:
    hub, restore = make_keys(tmp_path)
    with pytest.raises(Conflict):
        make_keys(tmp_path)
    with pytest.raises(SettingsInvalid, match=r"no backup-restore\.key"):
        restore_keys(hub)
    assert b"AGE-SECRET-KEY" not in hub.read_bytes()
    restore.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="chmod 600"):
        restore_keys(restore)


def test_the_hub_s_file_opens_nothing(keys: Keys) -> None:
    data = seal_object(NAME, HEAD, b"log", keys[0])
    assert not [one for one in (keys[0].data, keys[0].keystore) if one.startswith("AGE-SECRET")]
    stolen = RestoreKeys(format="", data=keys[0].data, keystore=keys[0].keystore, hub=keys[1].hub)
    with pytest.raises(BadInput):
        open_object(NAME, data, stolen)


def test_a_pack_never_writes_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    with pytest.raises(Exception, match="outside"):
        unpack(pack({"../out": b"x"}), tmp_path / "in")
    assert not (tmp_path / "out").exists()


def test_each_picture_is_packed_once(tmp_path: Path) -> None:
    (tmp_path / "pictures" / "ab").mkdir(parents=True)
    one, two = "ab" * 16, "ab" + "cd" * 15
    (tmp_path / "pictures" / "ab" / one).write_bytes(b"one")
    pictures = Pictures(tmp_path, tmp_path)
    assert [names for _, names in pictures.packs()] == [[one]]
    pictures.keep([one])
    assert list(pictures.packs()) == []
    (tmp_path / "pictures" / "ab" / two).write_bytes(b"two")
    assert [names for _, names in Pictures(tmp_path, tmp_path).packs()] == [[two]]
    assert [names for _, names in pictures.packs()] == [[two]]


def test_log_files_are_named_as_postgresql_names_them() -> None:
    assert file_name(1, 0x2000060, 16 * 2**20) == "000000010000000000000002"
    assert file_name(2, 0x1_FF000000, 16 * 2**20) == "0000000200000001000000FF"
