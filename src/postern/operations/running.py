"""A job that an operator started and that goes on beside serving: one at a time in this process."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine

import structlog

from postern.ending import ended
from postern.errors import Conflict, PosternError
from postern.ids import TenantId

_log = structlog.get_logger(__name__)


class RunningJob:
    """The job that runs, and why the last one stopped, if it did."""

    def __init__(self) -> None:
        self._task: asyncio.Task[None] | None = None
        self._owner: TenantId | None = None
        self._fault = ""

    @property
    def busy(self) -> bool:
        """Whether one runs."""
        return self._task is not None and not self._task.done()

    def fault(self, tenant: TenantId) -> str:
        """Why the tenant's last job stopped before its end; empty when it did not."""
        return self._fault if tenant == self._owner else ""

    def start(self, tenant: TenantId, name: str, work: Coroutine[object, object, object]) -> None:
        """Have it done for a tenant, beside everything else. Conflict while another one runs."""
        if self.busy:
            work.close()
            raise Conflict("A rotation is running already; wait until it is done.")
        self._owner, self._fault = tenant, ""
        self._task = asyncio.create_task(self._do(name, work), name=name)

    async def _do(self, name: str, work: Coroutine[object, object, object]) -> None:
        try:
            await work
        except PosternError as fault:
            self._fault = str(fault)
            _log.warning("job-stopped", job=name, fault=str(fault))
        except Exception as fault:  # noqa: BLE001 - a boundary: nobody awaits this task
            self._fault = "It failed; the hub's log says why."
            _log.error("job-failed", job=name, fault=type(fault).__name__)

    async def finished(self) -> None:
        """Wait until the job that runs, if any, is done."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """Cut it off: it can be gone on with later."""
        if self._task is not None:
            await ended(self._task)
