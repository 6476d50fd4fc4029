"""The wire between agents and hub: every request is signed by its agent; there is no cookie and no login."""

from __future__ import annotations

import asyncio
import base64
import contextlib
from contextlib import aclosing
from datetime import date
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response, WebSocket, WebSocketDisconnect
from pydantic import Base64Bytes, BaseModel, Field, ValidationError
from starlette.requests import HTTPConnection, Request

from postern.access.lanes import Clearance
from postern.ending import ended
from postern.errors import PosternError
from postern.ids import AccessPointId, AgentId
from postern.operations.archive.receive import SpooledEntry, receive
from postern.operations.journal import witnessing
from postern.operations.parking import lane_question
from postern.operations.ports import SealedPicture
from postern.operations.presence import muster_wire
from postern.operations.sites import agents as operations
from postern.operations.sites import commands
from postern.operations.sites.agents import KnownAgent, SignedRequest
from postern.records.model import Kind
from postern.web.heard import AgentWord, Heard, ReaderWord
from postern.web.login import Hub

router = APIRouter(prefix="/agent/v1", include_in_schema=False)


def _signed(connection: HTTPConnection, method: str, body: bytes) -> SignedRequest:
    headers, url = connection.headers, connection.url
    return SignedRequest(
        agent=headers.get("postern-agent", ""),
        time=headers.get("postern-time", ""),
        nonce=headers.get("postern-nonce", ""),
        signature=headers.get("postern-signature", ""),
        method=method,
        path=f"{url.path}?{url.query}" if url.query else url.path,
        body=body,
    )


async def known_agent(request: Request, hub: Hub) -> KnownAgent:
    """The agent whose signature the request carries. Raises CannotVerify."""
    return await operations.verify_request(hub, _signed(request, request.method, await request.body()))


Known = Annotated[KnownAgent, Depends(known_agent)]


class Enrolment(BaseModel):
    """A code and the new agent's public keys."""

    code: str = Field(max_length=100)
    sign_public: Base64Bytes
    hpke_public: Base64Bytes


class Enrolled(BaseModel):
    """What the agent needs to know; keys in base64."""

    agent_id: int
    site_id: int
    tenant_id: int
    hub_public: str
    policy_public: str
    epoch: int


class ReaderHealth(BaseModel):
    """A reader's state."""

    reader: str = Field(max_length=40)
    connection: str = Field(max_length=40)
    trouble: str | None = Field(default=None, max_length=500)
    dropped: int = 0


class Hello(BaseModel):
    """How far the agent is and how it does."""

    highest_seq: int
    bundle: str | None = None
    software: str = Field(default="", max_length=100)
    waiting: int = 0
    lockdown: str = Field(default="", max_length=40)
    """The "epoch.version" of what it holds locked down; empty from an agent of before."""
    alarms: list[Annotated[str, Field(max_length=500)]] = Field(default_factory=list, max_length=50)
    readers: list[ReaderHealth] = Field(default_factory=list, max_length=500)


class Welcome(BaseModel):
    """How far the hub is."""

    known_seq: int
    renew: bool
    ask_from: int | None


class Renewed(BaseModel):
    """The agent's new number."""

    agent_id: int


class Entry(BaseModel):
    """A spool entry."""

    seq: int
    day: date
    kind: Kind
    entry: Base64Bytes
    digest: str = Field(pattern="^[0-9a-f]{64}$")
    signature: Base64Bytes


class Picture(BaseModel):
    """A sealed picture."""

    name: str
    sealed: Base64Bytes


class Batch(BaseModel):
    """Entries with the pictures they refer to."""

    entries: list[Entry]
    pictures: list[Picture] = Field(default_factory=list)


class Receipt(BaseModel):
    """What is durable now."""

    acknowledged: list[int]
    quarantined: list[int]
    refused: list[int]


class Bundle(BaseModel):
    """A policy sealed to this agent; bytes in base64."""

    epoch: int
    version: int
    sealed: str
    signature: str


class MusterNews(BaseModel):
    """Who is where by other evidence than the agent's, and the roll; sealed to it, bytes in base64."""

    digest: str
    sealed: str
    signature: str


class Approaching(BaseModel):
    """A vehicle at an exit lane: its plate as read, empty when it could not be, and how surely, 0 to 1."""

    access_point: UUID
    plate: str = Field(max_length=100)
    score: float = Field(ge=0, le=1)


class Cleared(BaseModel):
    """Whether it may leave, and why."""

    clearance: Clearance
    reason: str


class WitnessWord(BaseModel):
    """What the agent has seen of the journal as a witness."""

    seen: int = Field(ge=0, lt=2**63)
    cosignature: str | None = Field(default=None, max_length=500)
    refused: str | None = Field(default=None, max_length=500)


class ShownCheckpoint(BaseModel):
    """The journal's newest checkpoint, and the key that signed it; bytes in base64."""

    key: str
    key_signature: str
    offer: str


class Answer(BaseModel):
    """What came of a command."""

    id: UUID
    done: bool
    detail: str = Field(default="", max_length=500)
    not_mine: bool = False
    """The agent does not drive this door or reader; another agent of the site may."""


@router.post("/enrol")
async def enrol(hub: Hub, wanted: Enrolment) -> Enrolled:
    """Take in a new agent by its one-time code."""
    done = await operations.enrol(
        hub, code=wanted.code, sign_public=wanted.sign_public, hpke_public=wanted.hpke_public
    )
    return Enrolled(
        agent_id=done.agent,
        site_id=done.site,
        tenant_id=done.tenant,
        hub_public=_text(done.hub_public),
        policy_public=_text(done.policy_public),
        epoch=done.epoch,
    )


@router.post("/hello")
async def hello(request: Request, hub: Hub, known: Known, said: Hello) -> Welcome:
    """Compare what both sides have."""
    _note(request, known.agent.id, said, hub)
    welcome = await operations.hello(hub, known, highest_seq=said.highest_seq)
    return Welcome(known_seq=welcome.known_seq, renew=welcome.renew, ask_from=welcome.ask_from)


def _note(request: Request, agent: AgentId, said: Hello, hub: Hub) -> None:
    heard: Heard = request.app.state.heard
    heard.agents[agent] = AgentWord(
        at=hub.clock.now(),
        software=said.software,
        waiting=said.waiting,
        lockdown=said.lockdown,
        alarms=tuple(said.alarms),
        readers=tuple(
            ReaderWord(reader=one.reader, connection=one.connection, trouble=one.trouble, dropped=one.dropped)
            for one in said.readers
        ),
    )


@router.post("/renew")
async def renew(hub: Hub, known: Known) -> Renewed:
    """A new number for an agent that was rolled back."""
    return Renewed(agent_id=await operations.renew(hub, known))


@router.post("/records")
async def records(hub: Hub, known: Known, batch: Batch) -> Receipt:
    """Take in a batch; what is acknowledged survives a power cut."""
    entries = [
        SpooledEntry(
            seq=one.seq,
            day=one.day,
            kind=one.kind,
            entry=one.entry,
            digest=bytes.fromhex(one.digest),
            signature=one.signature,
        )
        for one in batch.entries
    ]
    pictures = [SealedPicture(name=one.name, sealed=one.sealed) for one in batch.pictures]
    done = await receive(hub, known, entries, pictures)
    return Receipt(
        acknowledged=list(done.acknowledged),
        quarantined=list(done.quarantined),
        refused=list(done.refused),
    )


@router.get("/bundle", response_model=None)
async def bundle(hub: Hub, known: Known, have: str | None = None) -> Bundle | Response:
    """The newest policy, or 204 when the agent has it."""
    found = await operations.bundle_for(hub, known, have=have)
    if found is None:
        return Response(status_code=204)
    return Bundle(
        epoch=found.epoch,
        version=found.version,
        sealed=_text(found.sealed),
        signature=_text(found.signature),
    )


@router.get("/muster", response_model=None)
async def muster(hub: Hub, known: Known, have: str | None = None) -> MusterNews | Response:
    """What the agent needs to hold a muster alone, or 204 when `have` says that it has just that."""
    found = await muster_wire.news_for(hub, known, have=have)
    if found is None:
        return Response(status_code=204)
    return MusterNews(digest=found.digest, sealed=_text(found.sealed), signature=_text(found.signature))


@router.post("/clearance")
async def clearance(hub: Hub, known: Known, asked: Approaching) -> Cleared:
    """Whether a vehicle that stands at an exit lane's barrier may leave."""
    answer = await lane_question.answer(
        hub, known, access_point=AccessPointId(asked.access_point), plate=asked.plate, score=asked.score
    )
    return Cleared(clearance=answer.clearance, reason=answer.reason)


@router.post("/witness", response_model=None)
async def witness(hub: Hub, known: Known, said: WitnessWord) -> ShownCheckpoint | Response:
    """The journal's newest checkpoint for this agent as a witness, or 204 while there is none."""
    word = witnessing.WitnessWord(seen=said.seen, cosignature=said.cosignature, refused=said.refused)
    shown = await witnessing.show_to_agent(hub, known, word)
    if shown is None:
        return Response(status_code=204)
    return ShownCheckpoint(key=shown.key, key_signature=_text(shown.key_signature), offer=shown.offer)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


@router.websocket("/channel")
async def channel(socket: WebSocket) -> None:
    """The connection on which the hub speaks first. Refused without a good signature."""
    hub = socket.app.state.services
    try:
        known = await operations.verify_request(hub, _signed(socket, "GET", b""))
    except PosternError:
        await socket.close(code=1008)
        return
    await socket.accept()
    telling = asyncio.create_task(_tell(socket, hub, known), name=f"instructions for {known.name}")
    try:
        while True:
            await _take_answer(hub, known, await socket.receive_text())
    except WebSocketDisconnect:
        pass
    finally:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await ended(telling)


async def _tell(socket: WebSocket, hub: Hub, known: KnownAgent) -> None:
    async with aclosing(commands.instructions(hub, known)) as instructions:
        async for one in instructions:
            await socket.send_json({"id": str(one.id), "command": one.command, **one.fields})
    await socket.close(code=1008)  # it was shut out


async def _take_answer(hub: Hub, known: KnownAgent, text: str) -> None:
    try:
        said = Answer.model_validate_json(text)
    except ValidationError:
        return  # a newer agent's message: what this hub cannot read, it need not keep
    if said.not_mine:
        await commands.declined(hub, known, said.id, detail=said.detail)
    else:
        await commands.answered(hub, known, said.id, done=said.done, detail=said.detail)
