"""A site with a garage."""

from __future__ import annotations

import pytest

from postern.clock import SetClock
from postern.operations.services import Services
from postern.operators.model import Actor
from tests.flows.parking.driven import Driven, driven


@pytest.fixture
async def garage(hub: Services, admin: Actor, clock: SetClock) -> Driven:
    return await driven(hub, admin, clock)
