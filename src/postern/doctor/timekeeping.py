"""Whether this machine's clock can be believed: schedules, days of the archive and logins hang on it."""

from __future__ import annotations

import ctypes
import time
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from pathlib import Path

import httpx

from postern.clock import Clock
from postern.doctor.finding import Finding, danger, ok, warn

NAME = "clock"
BUILT = datetime(2026, 1, 1, tzinfo=UTC)
"""No correct clock shows a time before this program existed."""
WARN_SECONDS = 2.0
DANGER_SECONDS = 60.0
_CURE = "set the clock and let it be kept: for example apt-get install chrony"
_TIME_ERROR = 5
_STATUS_BYTES = 256
"""struct timex has 208 bytes on 64-bit Linux; the kernel writes no more."""


def judge_offset(offset: timedelta, *, against: str) -> Finding | None:
    """How far this clock is from another one; None when near enough."""
    seconds = abs(offset.total_seconds())
    side = "ahead of" if offset > timedelta(0) else "behind"
    message = f"this machine's clock is {seconds:.0f} s {side} {against}"
    if seconds >= DANGER_SECONDS:
        return danger(NAME, message, _CURE)
    if seconds >= WARN_SECONDS:
        return warn(NAME, message, _CURE)
    return None


def judge_past(now: datetime, latest_written: datetime | None) -> Finding | None:
    """A clock before this program's making, or before what it has itself written, has been set back."""
    if now < BUILT:
        return danger(NAME, f"this machine's clock says {now:%Y-%m-%d}", _CURE)
    if latest_written is not None and latest_written - now > timedelta(seconds=DANGER_SECONDS):
        message = f"the clock was set back: a log in the data folder is from {latest_written:%Y-%m-%d %H:%M}"
        return danger(NAME, message, _CURE)
    return None


def judge_pace(*, wall: float, steady: float) -> Finding | None:
    """Seconds that passed on the wall clock and on the steady one over the same span."""
    if abs(wall - steady) > 0.5:
        return danger(NAME, f"the clock jumped by {wall - steady:+.1f} s while it was watched", _CURE)
    return None


def latest_log(folder: Path) -> datetime | None:
    """When the newest log file was written."""
    times = [path.stat().st_mtime for path in (folder / "log").glob("*.log")]
    return datetime.fromtimestamp(max(times), UTC) if times else None


def is_kept() -> bool:
    """Whether the kernel says that something keeps its clock (adjtimex(2)); True where it does not say."""
    try:
        return int(ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(_STATUS_BYTES))) != _TIME_ERROR
    except (OSError, AttributeError):
        return True


async def hub_offset(hub_url: str, clock: Clock) -> timedelta | None:
    """How far this clock is ahead of the hub's, by the Date it answers with; None without an answer."""
    try:
        async with httpx.AsyncClient(timeout=5) as http:
            answer = await http.head(hub_url)
    except httpx.HTTPError:
        return None
    told = answer.headers.get("date")
    return clock.now() - parsedate_to_datetime(told) if told else None


async def examine(folder: Path, clock: Clock, *, hub_url: str | None) -> list[Finding]:
    """The clock by itself, against what was written, and against the hub's where one is set."""
    wall, steady = time.time(), time.monotonic()
    offset = await hub_offset(hub_url, clock) if hub_url else None
    time.sleep(0.2)  # noqa: ASYNC251 - a pause of the event loop is what is measured around
    found = [
        judge_past(clock.now(), latest_log(folder)),
        judge_pace(wall=time.time() - wall, steady=time.monotonic() - steady),
        judge_offset(offset, against="the hub's") if offset is not None else None,
    ]
    findings = [one for one in found if one is not None]
    if not is_kept():
        findings.append(warn(NAME, "nothing keeps this machine's clock right", _CURE))
    return findings or [ok(NAME, f"{clock.now():%Y-%m-%d %H:%M} UTC, and it is kept")]
