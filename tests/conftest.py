"""What every test may ask for."""

from __future__ import annotations

import os
import tempfile
from collections.abc import AsyncIterator, Generator
from pathlib import Path

import pytest
from psycopg.conninfo import make_conninfo

from postern.postgres.embedded import Cluster
from postern.postgres.isolation import RUNTIME
from postern.postgres.pool import Database
from postern.prove.scratch import scratch


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are cores: crash tests wait for disks and processes for a part of their time."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """In continuous integration, which installs everything, a skipped test is a failed one.

    Only the pictures, which are other people's data and not ours to ship, may be missing there, and the right
    to mount a disk, which a container may withhold even from root.
    """
    report = yield
    if report.skipped and os.environ.get("CI") == "true" and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        excused = "POSTERN_TEST_PICTURES" in reason and "POSTERN_TEST_PICTURES" not in os.environ
        if not excused and "may not mount a small disk" not in reason:
            report.outcome = "failed"
            report.longrepr = f"Nothing may be skipped in continuous integration. {reason}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show what tests measured, in whichever process they ran."""
    for report in (
        one for outcome in ("passed", "failed") for one in terminalreporter.stats.get(outcome, [])
    ):
        for name, figure in report.user_properties:
            if name == "measured" and report.when == "call":
                terminalreporter.write_line(f"measured: {figure}")


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of real pictures with ground truth that `POSTERN_TEST_PICTURES` names."""
    named = os.environ.get("POSTERN_TEST_PICTURES")
    if not named or not Path(named).is_dir():
        pytest.skip("set POSTERN_TEST_PICTURES to a folder of test pictures to run this test")
    return Path(named)


@pytest.fixture(scope="session")
async def cluster() -> AsyncIterator[Cluster]:
    """One real PostgreSQL for the whole run, fast instead of durable, gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="postern-test-") as name:
        folder = Path(name)
        made = Cluster(
            folder / "data", name="data", sockets=folder / "run", logs=folder / "log", durable=False
        )
        await made.start()
        try:
            yield made
        finally:
            await made.stop()


@pytest.fixture
async def database(cluster: Cluster) -> AsyncIterator[Database]:
    """A fresh, migrated hub database."""
    async with scratch(cluster, "hub") as made:
        yield made


@pytest.fixture
async def runtime_database(database: Database) -> AsyncIterator[Database]:
    """The same database as the hub works on it: by the role that owns nothing, one tenant at a time."""
    async with Database.open(make_conninfo(database.conninfo, user=RUNTIME)) as made:
        yield made


@pytest.fixture
async def keystore_database(cluster: Cluster) -> AsyncIterator[Database]:
    """A fresh, migrated keystore database."""
    async with scratch(cluster, "keystore") as made:
        yield made
