"""A small hub that speaks the agents' wire, with faults on demand; it stores in memory, exactly once."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import json
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date

import uvicorn
from fastapi import FastAPI, Request, Response, WebSocket

from postern.access.lanes import Clearance
from postern.access.policy import Policy
from postern.ids import AgentId
from postern.operations.archive.wire import (
    POLICY_INFO,
    POLICY_PURPOSE,
    REQUEST_PURPOSE,
    SPOOL_INFO,
    SPOOL_PURPOSE,
    policy_aad,
    policy_message,
    request_message,
    spool_aad,
    spool_message,
)
from postern.records.model import Happening, Kind
from postern.records.sealed import decode
from postern.sealing import hybrid, signing
from tests.flows.agent_site import HUB_PRIVATE, POLICY_PRIVATE, SITE, TENANT

CODE = "7-good"


def text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@dataclass(eq=False)
class TestHub:
    __test__ = False
    keys: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    stored: dict[tuple[int, int], bytes] = field(default_factory=dict)
    opened: dict[tuple[int, int], Happening] = field(default_factory=dict)
    pictures: dict[str, bytes] = field(default_factory=dict)
    quarantined: list[tuple[int, int]] = field(default_factory=list)
    policy: Policy | None = None
    hellos: list[dict[str, object]] = field(default_factory=list)
    away: int = 0
    """The status that something else answers in its place."""
    lose_answers: int = 0
    refuse: set[int] = field(default_factory=set)
    unreadable: set[int] = field(default_factory=set)
    sent: list[list[int]] = field(default_factory=list)
    nonces: set[str] = field(default_factory=set)
    answers: asyncio.Queue[dict[str, object]] = field(default_factory=asyncio.Queue)
    channel: WebSocket | None = None
    connected: asyncio.Event = field(default_factory=asyncio.Event)
    url: str = ""
    clearance: Clearance = Clearance.UNCERTAIN
    """What it answers to a lane's question; `clearance_waits`: only once that is set."""
    clearance_waits: asyncio.Event | None = None
    questions: list[dict[str, object]] = field(default_factory=list)

    def verified(self, method: str, path: str, headers: object, body: bytes) -> int:
        agent, nonce = int(headers["postern-agent"]), headers["postern-nonce"]  # type: ignore[index]
        message = request_message(
            method=method,
            path=path,
            time=headers["postern-time"],
            nonce=nonce,
            body=body,  # type: ignore[index]
        )
        signature = base64.b64decode(headers["postern-signature"])  # type: ignore[index]
        signing.verify(self.keys[agent][0], message, signature, purpose=REQUEST_PURPOSE)
        assert nonce not in self.nonces
        self.nonces.add(nonce)
        return agent

    def take(self, agent: int, fields: dict[str, str]) -> str:
        """Store one entry; "acknowledged" or "quarantined"."""
        seq, day, kind = int(fields["seq"]), date.fromisoformat(fields["day"]), Kind(int(fields["kind"]))
        entry, digest = base64.b64decode(fields["entry"]), bytes.fromhex(fields["digest"])
        assert hashlib.sha256(entry).digest() == digest
        message = spool_message(site=SITE, agent=AgentId(agent), seq=seq, digest=digest)
        signing.verify(
            self.keys[agent][0], message, base64.b64decode(fields["signature"]), purpose=SPOOL_PURPOSE
        )
        if self.stored.setdefault((agent, seq), digest) != digest:
            self.quarantined.append((agent, seq))
            return "quarantined"
        aad = spool_aad(site=SITE, agent=AgentId(agent), seq=seq, day=day, kind=kind)
        self.opened[agent, seq] = decode(hybrid.open_from(HUB_PRIVATE, entry, info=SPOOL_INFO, aad=aad))
        return "acknowledged"

    def bundle(self, agent: int) -> dict[str, object]:
        assert self.policy is not None
        epoch, version = self.policy.epoch, self.policy.version
        aad = policy_aad(site=SITE, agent=AgentId(agent), epoch=epoch, version=version)
        sealed = hybrid.seal_to(self.keys[agent][1], self.policy.to_bytes(), info=POLICY_INFO, aad=aad)
        message = policy_message(site=SITE, agent=AgentId(agent), epoch=epoch, version=version, sealed=sealed)
        signature = signing.sign(POLICY_PRIVATE, message, purpose=POLICY_PURPOSE)
        return {"epoch": epoch, "version": version, "sealed": text(sealed), "signature": text(signature)}

    def highest(self, agent: int) -> int:
        return max((seq for owner, seq in self.stored if owner == agent), default=0)

    async def command(self, **fields: object) -> dict[str, object]:
        """Send a command and wait for the agent's answer."""
        await self.connected.wait()
        assert self.channel
        await self.channel.send_text(json.dumps({"id": "1", **fields}))
        return await self.answers.get()


def app_of(hub: TestHub) -> FastAPI:  # noqa: C901 - a hub's routes, one below the other
    app = FastAPI()

    @app.middleware("http")
    async def may_be_away(request: Request, go_on: object) -> Response:
        return Response(status_code=hub.away) if hub.away else await go_on(request)  # type: ignore[operator]

    @app.post("/agent/v1/enrol")
    async def enrol(request: Request) -> Response:
        fields = await request.json()
        if fields["code"] != CODE:
            return Response(status_code=403, content="this enrolment code is not good")
        agent = len(hub.keys) + 3
        hub.keys[agent] = (base64.b64decode(fields["sign_public"]), base64.b64decode(fields["hpke_public"]))
        answer = {"agent_id": agent, "site_id": SITE, "tenant_id": TENANT, "epoch": 1}
        answer["hub_public"] = text(hybrid.public_of(HUB_PRIVATE))
        answer["policy_public"] = text(signing.public_of(POLICY_PRIVATE))
        return Response(json.dumps(answer))

    @app.post("/agent/v1/{name}")
    async def posted(name: str, request: Request) -> Response:
        body = await request.body()
        agent = hub.verified("POST", request.url.path, request.headers, body)
        fields = json.loads(body)
        if name == "hello":
            hub.hellos.append(fields)
            known, own = hub.highest(agent), fields["highest_seq"]
            ask = known + 1 if own > known else None
            return Response(json.dumps({"known_seq": known, "renew": known > own, "ask_from": ask}))
        if name == "renew":
            hub.keys[agent + 100] = hub.keys[agent]
            return Response(json.dumps({"agent_id": agent + 100}))
        if name == "clearance":
            hub.questions.append(fields)
            if hub.clearance_waits is not None:
                await hub.clearance_waits.wait()
            return Response(json.dumps({"clearance": hub.clearance, "reason": "told"}))
        if hub.refuse & {int(one["seq"]) for one in fields["entries"]}:
            return Response(status_code=422, content="not these")
        hub.sent.append([int(one["seq"]) for one in fields["entries"]])
        hub.pictures |= {one["name"]: base64.b64decode(one["sealed"]) for one in fields["pictures"]}
        answer: dict[str, list[int]] = {"acknowledged": [], "quarantined": [], "refused": []}
        for one in fields["entries"]:
            refused = int(one["seq"]) in hub.unreadable
            answer["refused" if refused else hub.take(agent, one)].append(int(one["seq"]))
        if hub.lose_answers:
            hub.lose_answers -= 1
            return Response(status_code=500)
        return Response(json.dumps(answer))

    @app.get("/agent/v1/bundle")
    async def bundle(request: Request) -> Response:
        query = f"?{request.url.query}" if request.url.query else ""
        agent = hub.verified("GET", request.url.path + query, request.headers, b"")
        if hub.policy is None or request.query_params.get("have") == hub.policy.name:
            return Response(status_code=204)
        return Response(json.dumps(hub.bundle(agent)))

    @app.websocket("/agent/v1/channel")
    async def channel(socket: WebSocket) -> None:
        hub.verified("GET", "/agent/v1/channel", socket.headers, b"")
        await socket.accept()
        hub.channel = socket
        hub.connected.set()
        async for message in socket.iter_text():
            hub.answers.put_nowait(json.loads(message))

    return app


@asynccontextmanager
async def served(app: FastAPI) -> AsyncIterator[str]:
    """The application on a real port of this machine; gives its address."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="error", lifespan="off", ws="websockets-sansio")
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = server.force_exit = True
        with contextlib.suppress(asyncio.CancelledError):
            await task
        listening.close()


@asynccontextmanager
async def running_hub() -> AsyncIterator[TestHub]:
    """The small hub, running."""
    hub = TestHub()
    async with served(app_of(hub)) as hub.url:
        yield hub
