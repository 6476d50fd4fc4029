"""What every benchmark shares: a median, and a line to standard output."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable


def timed(work: Callable[[], object], rounds: int) -> float:
    """Median milliseconds of `rounds` runs, after one that does not count."""
    work()
    spans = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        spans.append(time.perf_counter() - started)
    return 1000 * statistics.median(spans)


def say(line: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
