"""The parent keeps its children running, stops them, and takes them along when it is killed."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from postern.errors import Conflict, Unavailable
from postern.supervise import DataFolderLock, Handover, Program, Running, Supervisor, running_on

CHILD = """
import pathlib, sys, time
from postern.supervise import end_with_parent
line = sys.stdin.buffer.readline()
end_with_parent()
pathlib.Path(sys.argv[1]).write_bytes(line)
time.sleep(600)
"""


def program(folder: Path, *, script: str = CHILD, handover: bytes = b"\n") -> Program:
    told = folder / "told"

    async def is_healthy() -> bool:
        return told.exists()

    return Program(
        name="the child",
        command=(sys.executable, "-c", script, str(told)),
        errors=folder / "child.err",
        is_healthy=is_healthy,
        handover=handover,
    )


async def until(condition: object, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.05)


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return status != "Z"


async def test_a_child_is_told_on_its_input_what_its_arguments_must_not_show(tmp_path: Path) -> None:
    secret = Handover(data="host=/run", keystore="host=/run", passphrase="open sesame")
    child = program(tmp_path, handover=secret.to_bytes())
    async with Supervisor(lambda _: None) as supervisor:
        await supervisor.start(child)
        shown = Path(f"/proc/{supervisor.pids()['the child']}/cmdline").read_bytes()
        shown += Path(f"/proc/{supervisor.pids()['the child']}/environ").read_bytes()
        await until(lambda: (tmp_path / "told").read_bytes() == secret.to_bytes())
        assert b"sesame" not in shown
    assert "sesame" not in repr(secret)


async def test_a_child_that_dies_is_started_again(tmp_path: Path) -> None:
    said: list[str] = []
    async with Supervisor(said.append) as supervisor:
        await supervisor.start(program(tmp_path))
        first = supervisor.pids()["the child"]
        os.kill(first, signal.SIGKILL)
        await until(lambda: supervisor.pids().get("the child", first) != first)
    assert "the child ended unexpectedly (SIGKILL); starting it again" in said


async def test_stopping_leaves_no_child_behind(tmp_path: Path) -> None:
    async with Supervisor(lambda _: None) as supervisor:
        await supervisor.start(program(tmp_path))
        pid = supervisor.pids()["the child"]
    assert not is_alive(pid)


async def test_a_child_that_cannot_start_is_reported_with_its_last_words(tmp_path: Path) -> None:
    script = "import sys; sys.exit('postern: the port is taken; choose another')"
    async with Supervisor(lambda _: None) as supervisor:
        with pytest.raises(Unavailable, match="the child did not start: the port is taken; choose another"):
            await supervisor.start(program(tmp_path, script=script))


async def test_children_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    told = tmp_path / "told"
    parent_script = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {CHILD!r}, {str(told)!r}], stdin=subprocess.PIPE)\n"
        "child.stdin.write(b'hello\\n'); child.stdin.flush()\n"
        "print(child.pid, flush=True); time.sleep(600)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent_script], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        await until(told.exists)
        parent.kill()
    await until(lambda: not is_alive(child))


def test_a_second_parent_on_one_data_folder_is_refused(tmp_path: Path) -> None:
    with DataFolderLock(tmp_path), pytest.raises(Conflict, match="already running"), DataFolderLock(tmp_path):
        pass


def test_a_running_parent_can_be_asked_for_and_a_gone_one_is_not_believed(tmp_path: Path) -> None:
    told = Running(pid=os.getpid(), demo=True, servers={"data": "host=/run"})
    assert running_on(tmp_path) is None
    with DataFolderLock(tmp_path) as lock:
        lock.tell(told)
        assert running_on(tmp_path) == told
    assert running_on(tmp_path) is None


def test_the_folder_is_free_again_once_its_holder_is_gone(tmp_path: Path) -> None:
    with DataFolderLock(tmp_path):
        pass
    with DataFolderLock(tmp_path):
        pass
