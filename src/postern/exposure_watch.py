"""Looks every minute, while the hub runs, at what newly stands open on its machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

import structlog

from postern.doctor.finding import Finding
from postern.errors import PosternError
from postern.operations.services import Services
from postern.operations.sites import exposure

EVERY_SECONDS = 55.0
"""With the look itself less than a minute."""
_log = structlog.get_logger(__name__)

Examine = Callable[[], Awaitable[Sequence[Finding]]]


class ExposureWatch:
    """Raises the alarm for each danger once, and again when it comes back after it was gone."""

    def __init__(self, services: Services, examine: Examine, *, every: float = EVERY_SECONDS) -> None:
        self._services = services
        self._examine = examine
        self._every = every
        self._known: frozenset[str] = frozenset()
        self.standing: tuple[str, ...] = ()
        """What stands open now, with its cure: for the console."""

    async def run(self) -> None:
        """For ever."""
        while True:
            try:
                await self.look()
            except (PosternError, OSError) as fault:
                _log.warning("exposure", fault=str(fault))
            await asyncio.sleep(self._every)

    async def look(self) -> None:
        """Once."""
        found = await self._examine()
        now = frozenset(one.message for one in found)
        new = [one for one in found if one.message not in self._known]
        self.standing = tuple(f"{one.message}: {one.cure}" for one in found)
        if new:
            _log.error("exposed", checks=sorted({one.name for one in new}), count=len(new))
            await exposure.alarm(self._services, [f"{one.name}: {one.message}" for one in new])
        self._known = now
