"""A site at which hours are kept."""

from __future__ import annotations

import pytest

from postern.clock import SetClock
from postern.operations.services import Services
from postern.operators.model import Actor
from tests.flows.attendance.worked import Worked, worked


@pytest.fixture
async def works(hub: Services, admin: Actor, clock: SetClock) -> Worked:
    return await worked(hub, admin, clock)
