"""testssl.sh on every listener of a running Postern: console, drivers' pages, the agent's muster page."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from postern.prove.world import free_port
from tests.attacks.conftest import Measured
from tests.attacks.whole import Whole, running
from tests.needs import needs

PATIENCE = 900
HARMLESS = {"OK", "INFO", "LOW"}
OWN_AUTHORITY = {"cert_revocation"}
"""Certificates of the local authority name no list of revoked ones. Who lost a key deletes the authority's
folder, and devices trust the new root in place of the old."""
NO_ANSWER = "WARN"
"""The tool could not tell; it says so of the sign-in page's redirection."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with running(tmp_path_factory.mktemp("whole")) as made:
        yield made


def look(port: int, root: Path, report: Path) -> dict[str, str]:
    """The severity of each of the tool's checks."""
    given = [
        "--quiet",
        "--color",
        "0",
        "--warnings",
        "batch",
        "--add-ca",
        str(root),
        "--jsonfile",
        str(report),
    ]
    subprocess.run(
        ["testssl", *given, f"localhost:{port}"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    return {one["id"]: one["severity"] for one in json.loads(report.read_text())}


@pytest.mark.slow
@needs("testssl")
@pytest.mark.parametrize("listener", ["console", "drivers", "muster"])
async def test_no_listener_has_a_weakness_of_medium_or_above(
    whole: Whole, listener: str, tmp_path: Path, measured: Measured
) -> None:
    port = getattr(whole, listener)
    found = await asyncio.to_thread(look, port, whole.root(port), tmp_path / "report.json")
    assert len(found) > 100
    assert found["BREACH"] in HARMLESS
    weak = {name for name, severity in found.items() if severity not in HARMLESS | {NO_ANSWER}}
    measured(f"testssl, {listener}: {len(found)} checks, {len(weak - OWN_AUTHORITY)} of medium or above")
    assert weak <= OWN_AUTHORITY


@pytest.mark.slow
@needs("testssl", "openssl")
async def test_the_mutant_that_speaks_an_old_cipher_is_found(whole: Whole, tmp_path: Path) -> None:
    port, folder = free_port(), whole.root(whole.console).parent
    pair = ["-cert", str(folder / "server.pem"), "-key", str(folder / "server-key.pem")]
    with subprocess.Popen(
        ["openssl", "s_server", "-quiet", "-www", "-accept", str(port), *pair, "-cipher", "ALL:@SECLEVEL=0",
         "-legacy_renegotiation"],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    ) as server:  # fmt: skip
        try:
            found = await asyncio.to_thread(look, port, folder / "root.pem", tmp_path / "report.json")
        finally:
            server.kill()
    weak = {name for name, severity in found.items() if severity not in HARMLESS | {NO_ANSWER}}
    assert weak - OWN_AUTHORITY
