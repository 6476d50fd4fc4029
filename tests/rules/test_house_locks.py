"""What is installed is pinned by hash and never by an address."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


def entries(text: str) -> list[str]:
    """The lock's requirements, each with its hashes on one line."""
    return [line for line in text.replace("\\\n", " ").splitlines() if line.strip() and line[0] != "#"]


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_there_are_locks_to_look_at() -> None:
    assert [lock.stem for lock in LOCKS] == ["build", "dev", "localstripe", "node", "runtime"]


@pytest.mark.parametrize("lock", LOCKS, ids=lambda lock: lock.name)
def test_a_lock_pins_every_package_by_hash_and_names_no_address(lock: Path) -> None:
    text = lock.read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert [line for line in entries(text) if "==" not in line or "--hash=sha256:" not in line] == []


def test_the_console_s_lock_names_no_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text("utf-8"))
    packages = [entry for name, entry in lock["packages"].items() if name]
    assert packages
    assert [entry for entry in packages if "resolved" in entry or "integrity" not in entry] == []


def test_the_runtime_lock_holds_every_declared_dependency() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {canonical(re.split(r"[\[<>=!~ ;]", line, maxsplit=1)[0]) for line in project["dependencies"]}
    locked = {
        canonical(line.split("==")[0]) for line in entries((ROOT / "requirements/runtime.txt").read_text())
    }
    assert declared - locked == set()


def test_what_runs_is_pinned_alike_for_running_and_for_testing() -> None:
    def pins(name: str) -> set[str]:
        lines = entries((ROOT / "requirements" / name).read_text("utf-8"))
        return {re.split(r"\s+(?:;|--hash)", line, maxsplit=1)[0].strip() for line in lines}

    assert pins("runtime.txt") - pins("dev.txt") == set()
