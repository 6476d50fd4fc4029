"""What every benchmark shares: a median, and a line to standard output."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable, Sequence


def timed(work: Callable[[], object], rounds: int) -> float:
    """Median milliseconds of `rounds` runs, after one that does not count."""
    work()
    spans = []
    for _ in range(rounds):
        started = time.perf_counter()
        work()
        spans.append(time.perf_counter() - started)
    return 1000 * statistics.median(spans)


def report(name: str, spans: Sequence[float]) -> None:
    """Median and 99th percentile of these seconds, in milliseconds."""
    ordered = sorted(spans)
    p99 = ordered[min(len(ordered) - 1, round(0.99 * len(ordered)))]
    say(f"  {name:46} median {1000 * statistics.median(ordered):8.2f} ms   p99 {1000 * p99:8.2f} ms")


def say(line: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
