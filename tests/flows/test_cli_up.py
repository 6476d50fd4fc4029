"""`postern up` on one machine: it starts, refuses a second one, keeps the data, and leaves nothing behind."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

PATIENCE = 180


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


class Up:
    """A `postern up` as a person at a terminal has it."""

    def __init__(self, data: Path, *, port: int, log: Path) -> None:
        self.port = port
        self.environment = {**os.environ, "POSTERN_DATA": str(data), "POSTERN_PORT": str(port)}
        self._log = log
        with log.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "postern", "up", "--demo"],
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=file,
            )

    def said(self) -> str:
        return self._log.read_text("utf-8", "replace")

    def wait_until_running(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while "Postern is running" not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.1)
        time.sleep(0.2)

    def link(self) -> str:
        found = re.search(r"Sign in +(http://\S+)", self.said())
        assert found is not None
        return found[1]

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "postern", *arguments],
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )


@contextmanager
def running(data: Path, port: int, log: Path) -> Iterator[Up]:
    up = Up(data, port=port, log=log)
    try:
        up.wait_until_running()
        yield up
    finally:
        if up.process.poll() is None:
            up.process.terminate()
            up.process.wait(PATIENCE)


def processes_of(data: Path) -> list[int]:
    """Everything that still works on the data folder: its own children and its databases."""
    found = []
    for process in psutil.process_iter():
        try:
            works_there = process.cwd().startswith(str(data)) or str(data) in " ".join(process.cmdline())
            told = process.environ().get("POSTERN_DATA") == str(data)
            if (works_there or told) and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process.pid)
        except psutil.Error:
            continue
    return found


def gone(data: Path) -> bool:
    deadline = time.monotonic() + 60
    while processes_of(data):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One data folder, used by the tests in their order, as by a person who starts and stops."""
    return tmp_path_factory.mktemp("up") / "data"


@pytest.fixture(scope="module")
def port() -> int:
    return free_port()


def test_the_demo_starts_and_is_well_and_stops_clean(data: Path, port: int, tmp_path: Path) -> None:
    with running(data, port, tmp_path / "up.log") as up:
        assert httpx.get(f"http://127.0.0.1:{port}/", follow_redirects=True).status_code == 200
        assert httpx.get(up.link()).status_code == 200
        findings = json.loads(up.run("doctor", "--json").stdout)
        assert [one for one in findings if one["level"] == "danger"] == []
        assert up.process.poll() is None, up.said()
        second = up.run("up", "--demo")
        assert second.returncode == 1
        assert second.stderr.splitlines()[0].startswith(f"postern: Postern is already running on {data}")
        up.process.send_signal(signal.SIGINT)
        assert up.process.wait(PATIENCE) == 0
    assert "Stopping" in up.said()
    assert gone(data)


def test_a_second_start_keeps_the_data_and_gives_a_new_link(data: Path, port: int, tmp_path: Path) -> None:
    identity = (data / "agent" / "identity.sealed").read_bytes()
    with running(data, port, tmp_path / "up.log") as up:
        assert (data / "agent" / "identity.sealed").read_bytes() == identity
        assert httpx.get(up.link()).status_code == 200
        assert "this happens once" not in up.said()


@pytest.mark.slow
def test_whoever_of_its_children_dies_is_started_again(data: Path, port: int, tmp_path: Path) -> None:
    with running(data, port, tmp_path / "up.log") as up:
        children = psutil.Process(up.process.pid).children()
        hub = next(one for one in children if one.cmdline()[-1] == "hub")
        agent = next(one for one in children if one.cmdline()[-1] == "agent")
        hub.kill()
        agent.kill()
        deadline = time.monotonic() + PATIENCE
        while up.said().count("starting it again") < 2 or not answers(port):
            assert time.monotonic() < deadline, up.said()
            time.sleep(0.2)


def answers(port: int) -> bool:
    try:
        return httpx.get(f"http://127.0.0.1:{port}/sign-in").status_code == 200
    except httpx.HTTPError:
        return False


@pytest.mark.slow
def test_killing_the_parent_leaves_nothing_behind(data: Path, port: int, tmp_path: Path) -> None:
    with running(data, port, tmp_path / "up.log") as up:
        up.process.kill()
        up.process.wait()
    assert gone(data)


def test_a_demo_s_data_does_not_start_in_production(data: Path, port: int) -> None:
    environment = {**os.environ, "POSTERN_DATA": str(data), "POSTERN_PORT": str(port)}
    environment["POSTERN_PASSPHRASE"] = "velvet otter climbs nine ladders"
    done = subprocess.run(
        [sys.executable, "-m", "postern", "up"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert "nothing guards" in done.stderr
    assert gone(data)


def test_production_without_a_passphrase_is_refused_in_words(tmp_path: Path) -> None:
    environment = {**os.environ, "POSTERN_DATA": str(tmp_path / "data"), "POSTERN_PORT": str(free_port())}
    environment.pop("POSTERN_PASSPHRASE", None)
    done = subprocess.run(
        [sys.executable, "-m", "postern", "up"],
        env=environment,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1].startswith("postern: ")
    assert "passphrase" in done.stderr


def test_a_port_that_is_taken_is_told_at_once(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = int(other.getsockname()[1])
        up = Up(tmp_path / "data", port=taken, log=tmp_path / "up.log")
        assert up.process.wait(PATIENCE) == 1
    assert f"can be offered on 127.0.0.1:{taken}" in up.said()
    assert "POSTERN_PORT" in up.said()
