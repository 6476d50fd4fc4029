"""How old the backups are, and when they were last seen to restore."""

from __future__ import annotations

from datetime import datetime, timedelta

from postern.backup.state import Drilled, State, load_drill, load_state
from postern.doctor.finding import Finding, danger, ok, warn
from postern.settings import Settings

NAME = "backups"
WARN_AGE = timedelta(minutes=5)
DANGER_AGE = timedelta(hours=24)
DRILL_EVERY = timedelta(days=35)
_CURE = "see log/backup.log and docs/backup.md"


def judge(state: State | None, at: datetime) -> Finding:
    """Backups that are made, looked at `at`."""
    if state is None or state.done_at is None:
        return warn(NAME, "no backup was made yet", _CURE)
    age = at - state.done_at
    message = f"the last backup is {age // timedelta(minutes=1)} minutes old"
    if age > DANGER_AGE:
        return danger(NAME, message, _CURE)
    return warn(NAME, message, _CURE) if age > WARN_AGE else ok(NAME, message)


def judge_drill(drilled: Drilled | None, at: datetime) -> Finding:
    """Backups that were never restored are a hope."""
    cure = "run `postern drill` (docs/backup.md) on the machine where restores are made"
    if drilled is None:
        return warn(NAME, "no drill was told of here", cure)
    message = f"the last drill was {(at - drilled.at).days} days ago and took {drilled.seconds:.0f} s"
    return warn(NAME, message, cure) if at - drilled.at > DRILL_EVERY else ok(NAME, message)


def examine(settings: Settings, at: datetime) -> list[Finding]:
    """The state that the hub keeps of its backups."""
    if settings.backup_target is None:
        if settings.database_url is not None or settings.mode == "demo":
            return []
        message = "no backups are made: whoever wipes this machine, or breaks its disk, takes everything"
        return [warn(NAME, message, "set POSTERN_BACKUP_TARGET (docs/backup.md)")]
    memory = settings.data / "backup"
    return [judge(load_state(memory), at), judge_drill(load_drill(memory), at)]
