"""A simulated hub that is killed again and again while the garage works: its books must come out the same."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from random import Random
from typing import Any

import httpx

from postern.errors import Unavailable
from postern.simulation.garage_rules import Driver, Linked, Picture, Told
from postern.simulation.hub_process import Nursery, as_json, from_json

_NURSERY = (sys.executable, "-m", "postern.simulation.hub_process")
_LATEST_KILL = 0.03
"""Seconds after a request was sent: in the midst of it, or of what it left to be done."""
_STARTS_ANEW = 0.02
_PATIENCE = 180.0
"""Real seconds, on a machine that has other things to do."""


class KilledHub(httpx.AsyncBaseTransport):
    """The way to a hub process that is killed at chosen requests, and started again at once."""

    def __init__(self, nursery: asyncio.subprocess.Process, socket: Path, kills: Sequence[int]) -> None:
        """`kills`: the numbers of the requests in which it dies."""
        self._nursery = nursery
        self._socket = socket
        self._wire = httpx.AsyncHTTPTransport(uds=str(socket))
        self._kills = frozenset(kills)
        self._draw = Random(len(kills))  # noqa: S311 - a simulation, not a secret
        self._hub = 0
        self._starting = asyncio.Lock()
        self.requests = 0
        self.killed = 0

    async def start(self) -> None:
        """Fork a hub, and wait until it listens. Raises Unavailable when the nursery has died.

        So a request that finds nobody is never counted: each kill meets a hub at work.
        """
        if self._nursery.stdin is None or self._nursery.stdout is None:
            raise Unavailable("the nursery of simulated hubs has no input and output")
        self._nursery.stdin.write(b"\n")
        await self._nursery.stdin.drain()
        line = await self._nursery.stdout.readline()
        if not line.strip():
            raise Unavailable("the nursery of simulated hubs has died; look at its error output")
        self._hub = int(line)
        async with asyncio.timeout(_PATIENCE):
            while not await self._listens():  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(_STARTS_ANEW)

    async def _listens(self) -> bool:
        try:
            _, writer = await asyncio.open_unix_connection(self._socket)
        except OSError:
            return False
        writer.close()
        return True

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on; a hub that dies meanwhile is started again, and the request has failed."""
        async with self._starting:
            self.requests += 1
        killing = asyncio.create_task(self._kill()) if self.requests in self._kills else None
        try:
            response = await self._wire.handle_async_request(request)
            await response.aread()
        finally:
            if killing is not None:
                await asyncio.shield(killing)
        return response

    async def _kill(self) -> None:
        await asyncio.sleep(self._draw.uniform(0, _LATEST_KILL))
        async with self._starting:
            os.kill(self._hub, signal.SIGKILL)
            self.killed += 1
            await self.start()

    async def stop(self) -> None:
        """End the hub."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._hub, signal.SIGKILL)
        await self._wire.aclose()


class RemoteHub:
    """What drivers do, at a hub in another process; asked again until it answers."""

    def __init__(self, way: KilledHub) -> None:
        self._client = httpx.AsyncClient(transport=way, base_url="http://hub")

    async def settle(self) -> None:
        """See `GarageHub`."""
        await self._asked("settle", {})

    async def price(self, driver: Driver) -> Told | None:
        """See `GarageHub`."""
        told = await self._asked("price", asdict(driver))
        return None if told is None else from_json(told)

    async def validate(self, driver: Driver, merchant: int) -> bool:
        """See `GarageHub`."""
        answer = await self._asked("validate", {"driver": asdict(driver), "merchant": merchant})
        return bool(answer["done"])

    async def note(self, told: Told, reference: str) -> None:
        """See `GarageHub`."""
        await self._asked("note", {"told": as_json(told), "reference": reference})

    async def cannot_pay(self) -> None:
        """See `GarageHub`."""
        await self._asked("cannot-pay", {})

    async def attend(self, pictures: Sequence[Picture]) -> list[Linked]:
        """See `GarageHub`."""
        sent = await self._asked("attend", [asdict(one) for one in pictures])
        return [Linked(**one) for one in sent]

    async def price_by_link(self, link: str, driver: Driver) -> Told | None:
        """See `GarageHub`."""
        told = await self._asked("price-by-link", {"link": link, "driver": asdict(driver)})
        return None if told is None else from_json(told)

    async def _asked(self, what: str, body: object) -> Any:
        async with asyncio.timeout(_PATIENCE):
            while True:
                try:
                    response = await self._client.post(f"/simulation/{what}", json=body)
                    if response.is_success:
                        return response.json()
                except httpx.HTTPError:
                    pass
                await asyncio.sleep(_STARTS_ANEW)


@asynccontextmanager
async def killed_hub(told: Nursery, *, kills: Sequence[int]) -> AsyncIterator[KilledHub]:
    """A hub process and the way to it."""
    nursery = await asyncio.create_subprocess_exec(
        *_NURSERY, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    if nursery.stdin is None:
        raise Unavailable("the nursery of simulated hubs has no input")
    nursery.stdin.write(told.to_bytes())
    way = KilledHub(nursery, Path(told.socket), kills)
    try:
        await way.start()
        yield way
    finally:
        await way.stop()
        nursery.stdin.close()
        await nursery.wait()
