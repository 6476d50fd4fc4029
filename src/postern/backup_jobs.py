"""`postern backup`: on the hub's machine, beside the Postern that runs there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import structlog

from postern.backup import servers
from postern.backup.keys import CHAINS, hub_keys
from postern.backup.rounds import Backup, Hub, Say
from postern.backup.state import State, load_state
from postern.backup.targets import Target, target_at
from postern.clock import Clock, SystemClock
from postern.errors import PosternError, SettingsInvalid
from postern.settings import Settings
from postern.supervise import running_on

_log = structlog.get_logger(__name__)

_LOOK_SECONDS = 2.0


def is_wanted(settings: Settings, owners: Mapping[str, str]) -> bool:
    """Whether backups are made; where not, the servers need keep no log for them.

    Raises SettingsInvalid when the settings say half of it.
    """
    if settings.backup_target is not None:
        _settled(settings, owners)
        return True
    for chain, url in zip(CHAINS, (settings.database_url, settings.keystore_url), strict=True):
        if url is None:
            servers.release_log(chain, owners[chain])
    return False


def target_of(settings: Settings, where: str) -> Target:
    """The target, with the bucket's keys that the settings give."""
    secret = settings.backup_secret.get_secret_value() if settings.backup_secret else None
    return target_at(where, endpoint=settings.backup_endpoint, key_id=settings.backup_key_id, secret=secret)


def _settled(settings: Settings, owners: Mapping[str, str]) -> Hub:
    if settings.backup_target is None:
        raise SettingsInvalid("no backups are set up: set POSTERN_BACKUP_TARGET and POSTERN_BACKUP_KEY")
    if settings.backup_key is None:
        raise SettingsInvalid(
            "backups need POSTERN_BACKUP_KEY: run `postern backup keys FOLDER` on another machine and bring "
            "its backup-hub.key here"
        )
    if settings.database_url is not None or settings.keystore_url is not None:
        raise SettingsInvalid(
            "Postern backs up the databases that it runs itself: unset POSTERN_BACKUP_TARGET, and back your "
            "own servers up by their own means (docs/backup.md)"
        )
    return Hub(
        data=settings.data,
        target=target_of(settings, settings.backup_target),
        keys=hub_keys(settings.backup_key),
        owners=dict(owners),
        clock=SystemClock(),
        programs=settings.postgres_bin,
    )


def _running(settings: Settings) -> Hub:
    running = running_on(settings.data)
    if running is None or not set(CHAINS) <= running.servers.keys():
        raise SettingsInvalid(f"no Postern runs on {settings.data}: start it with `postern up`")
    return _settled(settings, running.servers)


async def run(settings: Settings) -> None:
    """Round after round until cancelled; what fails is logged, and tried again."""
    backup = Backup(_running(settings), lambda text: _log.info("backup", detail=text))
    due = time.monotonic()
    while True:
        try:
            if time.monotonic() >= due:
                await asyncio.to_thread(backup.round)
                due = time.monotonic() + settings.backup_every
            else:
                await asyncio.to_thread(backup.tombstones)
        except PosternError as fault:
            _log.warning("backup", fault=str(fault))
            due = time.monotonic() + min(settings.backup_every, 15)
        await asyncio.sleep(_LOOK_SECONDS)


def now(settings: Settings, say: Say) -> State:
    """One base of both databases, and what is new, at once."""
    return Backup(_running(settings), say).round(base=True)


def status(settings: Settings, clock: Clock) -> list[str]:
    """Where backups stand, in lines."""
    state = load_state(settings.folder("backup"))
    if state is None or state.done_at is None:
        return ["No backup was made yet."]
    return [
        f"Life       {state.life}",
        f"Base       {_moment(state.based_at)}",
        f"Last round {_moment(state.done_at)}, {(clock.now() - state.done_at).total_seconds():.0f} s ago",
    ]


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S} UTC" if at is not None else "none yet"


def keys_folder_hint(into: Path) -> str:
    """What a person still does after a restore."""
    return (
        f"Now put the safe copy of the root key into {into / 'keys'} (mode 700), and start: "
        f"POSTERN_DATA={into} postern up"
    )
