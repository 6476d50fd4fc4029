"""One Postern of real processes for all crash tests; each test starts the hub that it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from tests.attacks.world import World, world

Measured = Callable[[str], None]
_figures = pytest.StashKey[list[str]]()


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Tells a figure, to be shown at the end of the run."""
    return request.config.stash.setdefault(_figures, []).append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Show what the attacks measured."""
    for figure in config.stash.get(_figures, []):
        terminalreporter.write_line(f"measured: {figure}")


@pytest.fixture(scope="session")
async def attacked() -> AsyncIterator[World]:
    """Both clusters with fsync on, for the whole run."""
    async with world() as made:
        yield made


@pytest.fixture
async def postern(attacked: World) -> AsyncIterator[World]:
    """That Postern; a test starts the hub that it needs, and leaves no mutant behind."""
    yield attacked
    if attacked.mutant:
        attacked.kill_hub()
