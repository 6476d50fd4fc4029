"""What every benchmark shares: a median, and a line to standard output."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path


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


def processor_seconds(pid: int) -> float:
    """What a process used of the processor, with all children that it has or had."""
    ticks = 0
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text("utf-8").rpartition(")")[2].split()
        except OSError:
            continue  # It has ended meanwhile; then its parent's figure contains it.
        if int(path.parent.name) == pid:
            ticks += sum(int(field) for field in fields[11:15])
        elif int(fields[1]) == pid:
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def say(line: str) -> None:
    """To standard output, at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
