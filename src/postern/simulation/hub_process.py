"""The simulated hub as a process of its own, so that it can be killed at any moment and started again.

Starting anew must be quick, so a nursery process loads the program once and forks a hub for every line on its
standard input; it answers with the hub's process number. The hub listens on a Unix socket: the agents'
interface as always, and under /simulation what drivers do.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Mount, Route

from postern import wiring
from postern.ids import SiteId, TenantId
from postern.settings import Settings
from postern.simulation.garage_hub import LocalHub
from postern.simulation.garage_rules import Driver, Picture, Told
from postern.simulation.shared_clock import SharedClock
from postern.supervise import Handover, end_with_parent
from postern.web.app import create_app


@dataclass(frozen=True, kw_only=True, slots=True)
class Nursery:
    """What every hub that is forked serves."""

    data: str
    handover: str
    clock: str
    socket: str
    tenant: int
    site: int

    def to_bytes(self) -> bytes:
        """One line."""
        return json.dumps(asdict(self)).encode() + b"\n"


def main() -> None:
    """Read what to serve, then fork a hub for every further line, until the input ends."""
    told = Nursery(**json.loads(sys.stdin.buffer.readline()))
    reader, writer = os.pipe()
    while sys.stdin.buffer.readline():
        child = os.fork()
        if child == 0:
            # The lines on standard input are the nursery's; a hub only watches that the nursery lives.
            os.dup2(reader, 0)
            os.close(writer)
            end_with_parent()
            asyncio.run(serve(told))
            os._exit(0)
        sys.stdout.write(f"{child}\n")
        sys.stdout.flush()
        os.waitpid(child, 0)


async def serve(told: Nursery) -> None:
    """The hub until it is killed."""
    settings = Settings(data=Path(told.data), mode="demo")
    handover = Handover(**json.loads(told.handover))
    clock = SharedClock(Path(told.clock))
    async with wiring.services(settings, handover, clock=clock) as services:
        hub = LocalHub(services, TenantId(told.tenant), SiteId(told.site))
        app = Starlette(
            routes=[*_routes(hub), Mount("/", create_app(services, settings))],
        )
        config = uvicorn.Config(app, uds=told.socket, log_level="critical", lifespan="off")
        await uvicorn.Server(config).serve()


def _routes(hub: LocalHub) -> list[Route]:
    async def settle(_: Request) -> JSONResponse:
        await hub.settle()
        return JSONResponse({})

    async def price(request: Request) -> JSONResponse:
        told = await hub.price(Driver(**await request.json()))
        return JSONResponse(None if told is None else as_json(told))

    async def validate(request: Request) -> JSONResponse:
        asked = await request.json()
        done = await hub.validate(Driver(**asked["driver"]), int(asked["merchant"]))
        return JSONResponse({"done": done})

    async def note(request: Request) -> JSONResponse:
        asked = await request.json()
        await hub.note(from_json(asked["told"]), asked["reference"])
        return JSONResponse({})

    async def cannot_pay(_: Request) -> JSONResponse:
        await hub.cannot_pay()
        return JSONResponse({})

    async def attend(request: Request) -> JSONResponse:
        sent = await hub.attend([Picture(**one) for one in await request.json()])
        return JSONResponse([asdict(one) for one in sent])

    async def price_by_link(request: Request) -> JSONResponse:
        asked = await request.json()
        told = await hub.price_by_link(asked["link"], Driver(**asked["driver"]))
        return JSONResponse(None if told is None else as_json(told))

    named = {"attend": attend, "settle": settle, "price": price, "validate": validate, "note": note}
    named |= {"cannot-pay": cannot_pay, "price-by-link": price_by_link}
    return [Route(f"/simulation/{name}", one, methods=["POST"]) for name, one in named.items()]


def as_json(told: Told) -> dict[str, str | int]:
    """For the wire."""
    return {"session": str(told.session), "amount": told.amount, "at": told.at.isoformat()}


def from_json(fields: dict[str, str]) -> Told:
    """From the wire."""
    return Told(
        session=UUID(fields["session"]),
        amount=int(fields["amount"]),
        at=datetime.fromisoformat(fields["at"]),
    )


if __name__ == "__main__":
    main()
