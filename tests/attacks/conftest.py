"""One Postern of real processes for all crash tests; each test starts the hub that it needs."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

from postern.prove.world import World, world

Measured = Callable[[str], None]


@pytest.fixture
def measured(request: pytest.FixtureRequest) -> Measured:
    """Tells a figure, to be shown at the end of the run (`tests/conftest.py`)."""
    properties = request.node.user_properties
    return lambda figure: properties.append(("measured", figure))


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
