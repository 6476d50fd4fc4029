"""System calls as strace saw them, in order: what was on disk when something was promised."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

_PROMISES = ("write(", "sendto(", "sendmsg(")


def tracing(log: Path, *options: str) -> tuple[str, ...]:
    """How a program is started under strace, its threads too."""
    calls = "-etrace=write,pwrite64,fsync,fdatasync,rename,renameat,renameat2,sendto,sendmsg"
    return ("strace", "-f", "-y", "-s", "400", "-o", str(log), *(options or (calls,)))


def in_order(lines: Iterable[str]) -> Iterator[str]:
    """One call a line. A call that promises something counts from its beginning, any other from its end."""
    begun: dict[str, str] = {}
    for line in lines:
        thread, _, call = line.partition(" ")
        call = call.strip()
        if call.endswith("<unfinished ...>"):
            begun[thread] = call.removesuffix("<unfinished ...>")
            if call.startswith(_PROMISES):
                yield call
        elif call.startswith("<..."):
            first = begun.pop(thread, "")
            if not first.startswith(_PROMISES):
                yield first + call.partition("resumed>")[2]
        else:
            yield call


def early_releases(lines: Iterable[str]) -> int:
    """How many lines of the ledger were written before their own decision was.

    That is, since the request was told on standard output (`next`) nothing new lay in the spool's log, or it
    was not synced.
    """
    early, written, synced = 0, False, False
    for call in in_order(lines):
        if call.startswith("write(1<") and '"next' in call:
            written = synced = False
        elif call.startswith("pwrite64(") and "spool.sqlite-wal>" in call:
            written, synced = True, False
        elif re.match(r"f(data)?sync\(\d+<[^>]*spool\.sqlite-wal>\s*\)\s*= 0", call):
            synced = True
        elif re.match(r"write\(\d+<[^>]*/ledger>", call):
            early += not (written and synced)
    return early


def early_acknowledgements(lines: Iterable[str], pictures: Path) -> tuple[int, int]:
    """How often the hub acknowledged a batch, and how often while one of its pictures was not yet durable."""
    synced: set[str] = set()
    unsettled: set[str] = set()
    said = early = 0
    for call in in_order(lines):
        if match := re.match(r"f(?:data)?sync\(\d+<([^>]*)>\s*\)\s*= 0", call):
            synced.add(match[1])
            unsettled.discard(match[1])
        elif match := re.match(r'rename\w*\(.*?"([^"]*)",.*?"([^"]*)".*\)\s*= 0', call):
            if match[2].startswith(str(pictures)):
                unsettled.add(str(Path(match[2]).parent) if match[1] in synced else match[1])
        elif call.startswith(("sendto(", "sendmsg(")) and re.search(r'\\"acknowledged\\":\s*\[\d', call):
            said += 1
            early += bool(unsettled)
    return said, early
