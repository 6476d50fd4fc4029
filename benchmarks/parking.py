"""Parking: quotes per second, and pairing an exit read among 500 cars inside.

    python -m benchmarks.parking

Beside pairing: the plates looked up exactly in a dictionary, the limit that a garage without misreads would
have; and a plain Levenshtein distance to all of them, which is the peer.
"""

from __future__ import annotations

import random
import statistics
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.parking.pairing import Inside, PlateRead, pair
from postern.parking.quote import quote
from postern.parking.tariff import Calendar
from postern.parking.tariff_data import demo_tariff

_INSIDE = 500
_LETTERS, _DIGITS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789"
_ENTERED = datetime(2026, 3, 25, 9, tzinfo=UTC)
_CALENDAR = Calendar(time_zone=ZoneInfo("Europe/Berlin"))


def _plate(chance: random.Random) -> str:
    """One of a city's, so that many are alike."""
    return "B" + "".join(chance.choices(_LETTERS, k=2)) + "".join(chance.choices(_DIGITS, k=4))


def measure_quotes() -> None:
    """The demo's tariff for three lengths of a session; the longest runs over a change of clocks."""
    tariff = demo_tariff()
    for name, length, rounds in (
        ("3 hours", timedelta(hours=3), 5000),
        ("3 days", timedelta(days=3), 1000),
        ("30 days", timedelta(days=30), 100),
    ):
        began = time.perf_counter()
        for minute in range(rounds):
            at = _ENTERED + length + timedelta(minutes=minute % 60)
            quote(tariff, entered=_ENTERED, at=at, vehicle_class="car", calendar=_CALENDAR)
        _say(f"  quotes of {name:8}              {rounds / (time.perf_counter() - began):>9,.0f} /s")


def measure_pairing(rounds: int) -> None:
    """Reads of cars inside, every tenth with one character wrong."""
    chance = random.Random(500)  # noqa: S311 - drawn plates
    inside = [
        Inside(session=UUID(int=n), read=PlateRead(text=_plate(chance), score=0.95)) for n in range(_INSIDE)
    ]
    reads = []
    for number in range(rounds):
        text = chance.choice(inside).read.text
        wrong = text[:3] + chance.choice(_DIGITS) + text[4:]
        reads.append(PlateRead(text=wrong if number % 10 == 0 else text, score=0.95))
    _timed("pairing among 500 cars inside", lambda one: pair(one, inside), reads)
    known = {one.read.text: one.session for one in inside}
    _timed("the exact plate, looked up   ", lambda one: known.get(one.text), reads)
    _timed("plain Levenshtein to all 500 ", lambda one: _nearest(one.text, inside), reads[: rounds // 10])


def _timed(what: str, find: Callable[[PlateRead], object], reads: Sequence[PlateRead]) -> None:
    times = []
    for one in reads:
        began = time.perf_counter()
        find(one)
        times.append(1000 * (time.perf_counter() - began))
    times.sort()
    median, p99 = statistics.median(times), times[int(0.99 * len(times)) - 1]
    _say(f"  {what}   {median:>8.3f} ms median, {p99:.3f} p99")


def _nearest(text: str, inside: Sequence[Inside]) -> Inside:
    return min(inside, key=lambda one: _levenshtein(text, one.read.text))


def _levenshtein(one: str, other: str) -> int:
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        before, row = row, [i]
        for j, b in enumerate(other, 1):
            row.append(min(before[j] + 1, row[-1] + 1, before[j - 1] + (a != b)))
    return row[-1]


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201  a benchmark prints


def run(rounds: int = 1000) -> None:
    """Measure on this machine, one core."""
    _say("parking: one core")
    measure_quotes()
    measure_pairing(rounds)


if __name__ == "__main__":
    run()
