"""The other host: it adds, never writes over, tells what vanished, and lets go without breaking a chain."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from postern.backup import pulling
from postern.backup.keys import HubKeys, RestoreKeys, hub_keys, make_keys, restore_keys
from postern.backup.objects import Head, seal_object, stamp
from postern.backup.pulling import Pulled, expired, pull
from postern.backup.state import Drilled, State
from postern.backup.targets import Folder
from postern.doctor import backups
from postern.doctor.finding import Level
from postern.settings import Settings

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LIFE, OLDER = "20260110T000000Z-0a1b2c3d", "20251201T000000Z-0a1b2c3d"
NAMES = [f"{LIFE}/data/wal/{n}" for n in ("one", "two", "three")]
DAY = timedelta(days=1)


class World:
    """A hub's folder and another host's."""

    def __init__(self, folder: Path) -> None:
        hub, restore = make_keys(folder / "keys")
        self.hub: HubKeys = hub_keys(hub)
        self.restore: RestoreKeys = restore_keys(restore)
        self.source, self.own = Folder(folder / "hub"), Folder(folder / "own")
        for name in NAMES:
            self.source.put(name, self.sealed(name))

    def sealed(self, name: str) -> bytes:
        return seal_object(name, Head(at=NOW), b"log", self.hub)

    def pull(self) -> Pulled:
        return pull(self.source, self.own, self.restore.hub, at=NOW, keep=35 * DAY)

    def ransom(self) -> None:
        """Root at the hub encrypts one object and removes another."""
        (self.source.path / NAMES[0]).chmod(0o600)
        (self.source.path / NAMES[0]).write_bytes(b"pay us")
        (self.source.path / NAMES[1]).unlink()


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_what_was_pulled_outlives_whatever_the_hub_does_to_its_folder(world: World) -> None:
    assert world.pull().taken == 3
    before = {name: world.own.get(name) for name in NAMES}
    world.ransom()
    done = world.pull()
    assert {name: world.own.get(name) for name in NAMES} == before
    assert done.vanished == (NAMES[1],)


def test_the_pull_test_catches_a_host_that_mirrors(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mutant: what mirrors a folder mirrors its ruin, too."""
    world.pull()
    world.ransom()
    monkeypatch.setattr(pulling, "check_object", lambda _name, data, _hub: data)
    for name in NAMES:
        (world.own.path / name).unlink()
    world.pull()
    assert world.own.get(NAMES[0]) == b"pay us"
    assert world.own.names() != sorted(NAMES)


def test_what_is_not_signed_by_this_hub_is_not_taken(world: World) -> None:
    (world.source.path / NAMES[0]).chmod(0o600)
    (world.source.path / NAMES[0]).write_bytes(b"pay us")
    done = world.pull()
    assert (done.taken, len(done.refused)) == (2, 1)
    assert world.own.names() == sorted(NAMES[1:])


def _base(life: str, chain: str, days: int, needs: int) -> str:
    return f"{life}/{chain}/base/{stamp(NOW - days * DAY)}.{needs:016X}-0a1b2c3d/list"


def _piece(life: str, chain: str, start: int, end: int) -> str:
    return f"{life}/{chain}/wal/00000001.{start:016X}-{end:016X}-0a1b2c3d"


def test_old_bases_go_with_the_log_that_no_kept_base_needs() -> None:
    names = [
        _base(LIFE, "data", 40, 0),
        _piece(LIFE, "data", 0, 100),
        _piece(LIFE, "data", 90, 200),
        _base(LIFE, "data", 20, 100),
        f"{LIFE}/data/tombstones/{0:016X}-0a1b2c3d",
    ]
    assert expired(names, at=NOW, keep=35 * DAY) == [names[0], names[1]]


def test_the_newest_life_keeps_its_newest_base_however_old_and_an_older_life_none() -> None:
    last = [_base(LIFE, "data", 49, 0), _piece(LIFE, "data", 0, 100)]
    lost = [_base(OLDER, "keystore", 80, 0), _piece(OLDER, "keystore", 0, 100)]
    tombstones = f"{OLDER}/data/tombstones/{0:016X}-0a1b2c3d"
    assert expired([*last, *lost, tombstones], at=NOW, keep=35 * DAY) == lost


def test_a_destroyed_key_leaves_the_keystore_s_backups_in_time_however_long_the_data_s_are_kept() -> None:
    names = [
        _base(LIFE, "keystore", 35, 0),
        _base(LIFE, "keystore", 1, 9),
        _base(LIFE, "data", 35, 0),
        _base(LIFE, "data", 1, 9),
    ]
    assert expired(names, at=NOW, keep=365 * DAY) == names[:1]


@pytest.mark.parametrize(
    ("age", "level"),
    [(timedelta(minutes=2), Level.OK), (timedelta(minutes=6), Level.WARN), (2 * DAY, Level.DANGER)],
)
def test_the_doctor_tells_how_old_the_backups_are(age: timedelta, level: Level) -> None:
    state = State(life=LIFE, data=0, keystore=0, done_at=NOW - age)
    assert backups.judge(state, NOW).level is level


def test_the_doctor_asks_for_backups_and_for_drills(tmp_path: Path) -> None:
    assert [one.level for one in backups.examine(Settings(data=tmp_path), NOW)] == [Level.WARN]
    wanted = Settings(data=tmp_path, backup_target=str(tmp_path))
    assert [one.level for one in backups.examine(wanted, NOW)] == [Level.WARN, Level.WARN]
    done = Drilled(at=NOW - DAY, recovery_point=NOW - DAY, seconds=9)
    assert backups.judge_drill(done, NOW).level is Level.OK
    assert backups.judge_drill(done, NOW + 40 * DAY).level is Level.WARN
