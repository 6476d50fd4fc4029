"""The spool against kill -9, failing system calls and its own mutants.

kill -9 alone does not show a missing fsync, as the kernel writes on: the order of system calls is watched.
"""

from __future__ import annotations

import random
import re
import subprocess
import sys
from pathlib import Path

from postern.prove.faults.spool_trials import survivors
from tests.needs import needs

ROOT = Path(__file__).parents[2]


def command(path: Path, count: int, mutant: str = "") -> list[str]:
    program = [sys.executable, "-m", "postern.prove.faults.spool_writer", str(path), str(count)]
    return [*program, mutant] if mutant else program


def acknowledged(said: str) -> list[int]:
    return [int(line.split()[1]) for line in said.splitlines() if re.fullmatch(r"ack \d+", line)]


async def kept(path: Path) -> list[int]:
    """The seqs that lie in the spool, all whole."""
    found, whole = await survivors(path)
    assert whole == len(found)
    return found


async def test_nothing_acknowledged_is_lost_when_the_agent_is_killed_at_any_moment(tmp_path: Path) -> None:
    path = tmp_path / "spool.sqlite"
    said: list[int] = []
    chance = random.Random(5)
    for _ in range(6):
        with subprocess.Popen(command(path, 10_000), cwd=ROOT, stdout=subprocess.PIPE, text=True) as writer:
            assert writer.stdout
            lines = [writer.stdout.readline() for _ in range(chance.randrange(1, 60))]
            writer.kill()
            lines.append(writer.stdout.read())
        said += acknowledged("".join(lines))
    found = await kept(path)
    assert set(said) <= set(found)
    assert len(said) == len(set(said))
    assert found == list(range(1, len(found) + 1))
    assert len(found) - len(said) <= 6


def trace(tmp_path: Path, count: int, *options: str, mutant: str = "") -> tuple[str, list[str]]:
    """What the writer said, and its system calls in order."""
    log = tmp_path / "calls"
    spool = tmp_path / "spool.sqlite"
    strace = ["strace", "-f", "-y", "-o", str(log), *options]
    ran = subprocess.run(
        [*strace, *command(spool, count, mutant)], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return ran.stdout, log.read_text().splitlines()


def early_acknowledgements(calls: list[str]) -> int:
    """How many `ack` came while nothing was written to the log since `next`, or it was not synced since."""
    early, written, synced = 0, False, False
    for call in calls:
        if re.search(r'write\(1<[^>]*>, "next', call):
            written = synced = False
        elif "spool.sqlite-wal" in call and "pwrite64(" in call:
            written, synced = True, False
        elif re.search(r"f(data)?sync\(\d+<[^>]*spool\.sqlite-wal>\)\s+= 0", call):
            synced = True
        elif re.search(r'write\(1<[^>]*>, "ack ', call):
            early += not (written and synced)
    return early


def inject(tmp_path: Path, what: str) -> tuple[str, ...]:
    """Let calls on the log fail, counted by thread: the main one makes the file in 7 syncs, 37 writes."""
    return (
        "-P",
        str(tmp_path / "spool.sqlite-wal"),
        "-e",
        f"trace={what.split(':', maxsplit=1)[0]}",
        "-e",
        f"inject={what}",
    )


CALLS = ("-e", "trace=write,pwrite64,fsync,fdatasync")


@needs("strace")
def test_an_entry_is_synced_before_it_is_acknowledged(tmp_path: Path) -> None:
    said, calls = trace(tmp_path, 5, *CALLS)
    assert acknowledged(said) == [1, 2, 3, 4, 5]
    assert early_acknowledgements(calls) == 0


@needs("strace")
def test_the_mutant_that_does_not_sync_is_caught(tmp_path: Path) -> None:
    said, calls = trace(tmp_path, 5, *CALLS, mutant="unsynced")
    assert acknowledged(said) == [1, 2, 3, 4, 5]
    assert early_acknowledgements(calls) > 0


@needs("strace")
def test_the_mutant_that_acknowledges_before_it_appends_is_caught(tmp_path: Path) -> None:
    said, calls = trace(tmp_path, 5, *CALLS, mutant="early")
    assert acknowledged(said) == [1, 2, 3, 4, 5]
    assert early_acknowledgements(calls) > 0


@needs("strace")
def test_the_folder_of_a_new_spool_is_synced(tmp_path: Path) -> None:
    _, calls = trace(tmp_path, 1, *CALLS)
    assert any(re.search(rf"fsync\(\d+<{tmp_path}>\)\s+= 0", call) for call in calls)


@needs("strace")
async def test_a_sync_that_fails_is_a_fault_and_not_an_acknowledgement(tmp_path: Path) -> None:
    said, _ = trace(tmp_path, 14, *inject(tmp_path, "fdatasync:error=EIO:when=10..11"))
    assert "fault unavailable" in said
    assert set(acknowledged(said)) <= set(await kept(tmp_path / "spool.sqlite"))


@needs("strace")
async def test_a_full_disk_is_a_fault_and_leaves_no_part_of_an_entry(tmp_path: Path) -> None:
    said, _ = trace(tmp_path, 8, *inject(tmp_path, "pwrite64:error=ENOSPC:when=90..130"))
    assert "fault storage-full" in said
    found = await kept(tmp_path / "spool.sqlite")
    assert set(acknowledged(said)) <= set(found)
    assert found == list(range(1, len(found) + 1))


@needs("strace")
async def test_the_mutant_that_acknowledges_first_loses_entries_on_a_full_disk(tmp_path: Path) -> None:
    said, _ = trace(tmp_path, 8, *inject(tmp_path, "pwrite64:error=ENOSPC:when=90+"), mutant="early")
    assert not set(acknowledged(said)) <= set(await kept(tmp_path / "spool.sqlite"))
