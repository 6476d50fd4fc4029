"""An auditor's own witness: a file outside the reach of whoever keeps the journal, and of their keys.

Every line of it is a checkpoint that continues the one before. What does not is refused, and kept beside it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import httpx

from postern.clock import Clock
from postern.errors import BadInput, HubUnavailable, NotFound, StorageFull
from postern.journal.findings import Finding
from postern.journal.notes import NoteKey
from postern.journal.verify import Report, check
from postern.journal.witness import Offer, Seen, judge, line_of, newest, read_offer, read_seen
from postern.journal_files import opened


def witness_hub(file: Path, hub_url: str, key: NoteKey | None, clock: Clock) -> Finding | Seen:
    """Fetch the hub's newest checkpoint; append it to `file` when it continues what stands there."""
    with _witness_file(file) as own:
        seen = read_seen(own.read())
        key = _known_key(seen, key)
        before = newest(seen)
        offer = _fetch(hub_url, key, before.size if before is not None else 0)
        finding = judge(before, offer, key)
        if finding is not None:
            _keep_evidence(file, offer)
            return finding
        return _accept(own, offer.checkpoint, key, clock)


def witness_export(file: Path, exported: Path, key: NoteKey | None, clock: Clock) -> Report | Seen:
    """The same from an export, all of which is checked."""
    with _witness_file(file) as own:
        seen = read_seen(own.read())
        key = _known_key(seen, key)
        with opened(exported) as lines:
            report = check(lines, key, seen=seen)
        if not report.is_whole or report.note is None:
            return report
        return _accept(own, report.note, key, clock)


def _known_key(seen: Sequence[Seen], given: NoteKey | None) -> NoteKey:
    known = NoteKey.parse(seen[0].key) if seen else given
    if known is None:
        raise BadInput("a new witness's file needs --key, the journal's public key")
    if given is not None and given != known:
        raise BadInput(f"this file is about {known.name}; keep another file for {given.name}")
    return known


def _fetch(hub_url: str, key: NoteKey, size: int) -> Offer:
    url = f"{hub_url.rstrip('/')}/journal/v1/{key.name.rpartition('/')[2]}"
    try:
        answer = httpx.get(url, params={"old": size}, timeout=30, trust_env=False)
    except httpx.HTTPError as fault:
        raise HubUnavailable(
            f"{hub_url} does not answer ({type(fault).__name__}); check the address"
        ) from fault
    if not answer.is_success:
        raise NotFound(f"{hub_url} has no checkpoint of {key.name} ({answer.status_code})")
    return read_offer(answer.text)


def _accept(own: BinaryIO, checkpoint: str, key: NoteKey, clock: Clock) -> Seen:
    accepted = Seen(at=clock.now(), key=key.text, checkpoint=checkpoint)
    own.seek(0, os.SEEK_END)
    own.write(line_of(accepted))
    own.flush()
    os.fsync(own.fileno())
    return accepted


def _keep_evidence(file: Path, offer: Offer) -> None:
    with file.with_name(f"{file.name}.refused").open("ab") as evidence:
        evidence.write(offer.checkpoint.encode() + b"\n")
        evidence.flush()
        os.fsync(evidence.fileno())


@contextmanager
def _witness_file(path: Path) -> Iterator[BinaryIO]:
    """The file, made when missing, for one run at a time."""
    try:
        with os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
    except OSError as fault:
        raise StorageFull(f"{path} cannot be written ({fault.strerror})") from fault
