"""The channel on which the hub speaks first: open a door, present a credential, fetch a new policy."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Literal
from uuid import UUID

import websockets

from postern import documents
from postern.access.controller import Visitor
from postern.access.lockdown import Lockdowns
from postern.access.model import CredentialKind
from postern.agent.hub import Hub
from postern.backoff import delays
from postern.errors import BadInput, NotFound, PosternError
from postern.ids import DoorId, ReaderId


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenDoor:
    """An operator opens a door from afar, for a stated reason."""

    door: DoorId
    operator: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Present:
    """A credential as if it were presented at the reader."""

    reader: ReaderId
    kind: CredentialKind
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Play:
    """A video or picture file of this machine, as if the reader's camera showed it now."""

    reader: ReaderId
    source: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Stage:
    """What happens at a simulated door: from its next release on (a visitor), or at once."""

    door: DoorId
    act: Visitor | Literal["forced", "shut"]


@dataclass(frozen=True, kw_only=True, slots=True)
class NewBundle:
    """The hub has a newer policy."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AskAgain:
    """The hub has news of sessions: a vehicle that stands at a lane may be free to leave."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LockDown:
    """What is locked down at the site from now on, all of it."""

    lockdowns: Lockdowns


Command = OpenDoor | Present | Play | Stage | NewBundle | AskAgain | LockDown


@dataclass(frozen=True, kw_only=True, slots=True)
class Done:
    """What came of a command; `detail` in words or a decision's reason.

    `not_mine`: nothing was done, since this agent does not drive what it is about; another of the site may.
    """

    done: bool
    detail: str
    not_mine: bool = False


Perform = Callable[[Command], Awaitable[Done]]


def read_command(text: str | bytes) -> tuple[str, Command]:
    """A message's id and command. Raises ValueError, KeyError or TypeError for any other message."""
    fields: dict[str, Any] = json.loads(text)
    number, name = str(fields["id"]), fields["command"]
    if name == "open-door":
        door = DoorId(UUID(fields["door"]))
        return number, OpenDoor(door=door, operator=str(fields["operator"]), reason=str(fields["reason"]))
    if name == "present":
        kind, reader = CredentialKind(fields["credential_kind"]), ReaderId(UUID(fields["reader"]))
        return number, Present(reader=reader, kind=kind, value=str(fields["value"]))
    if name == "play":
        return number, Play(reader=ReaderId(UUID(fields["reader"])), source=str(fields["source"]))
    if name == "stage":
        act = fields["act"]
        played = act if act in ("forced", "shut") else Visitor(act)
        return number, Stage(door=DoorId(UUID(fields["door"])), act=played)
    if name == "lockdown":
        return number, LockDown(lockdowns=_lockdowns(str(fields["state"])))
    if name in _PLAIN:
        return number, _PLAIN[name]
    raise ValueError(f"an unknown command: {name}")


_PLAIN: dict[str, Command] = {"new-bundle": NewBundle(), "ask-again": AskAgain()}


def _lockdowns(text: str) -> Lockdowns:
    try:
        return documents.from_bytes(Lockdowns, text.encode())
    except BadInput as fault:
        raise ValueError("no lockdowns that this agent can read") from fault


async def listen(hub: Hub, perform: Perform) -> None:
    """Do what the hub says, for ever; reconnect with growing waits. One command never waits for another."""
    waits = delays(longest=30.0)
    while True:
        try:
            async with hub.channel() as socket, asyncio.TaskGroup() as tasks:
                waits = delays(longest=30.0)
                async for message in socket:
                    tasks.create_task(_answer(socket, message, perform))
        except* (OSError, TimeoutError, websockets.WebSocketException):
            pass
        await asyncio.sleep(next(waits))


async def _answer(socket: websockets.ClientConnection, message: str | bytes, perform: Perform) -> None:
    try:
        number, command = read_command(message)
    except (ValueError, KeyError, TypeError):
        return  # a newer hub's command: what this agent cannot read, it cannot answer either
    try:
        outcome = await perform(command)
    except NotFound as fault:
        outcome = Done(done=False, detail=str(fault), not_mine=True)
    except PosternError as fault:
        outcome = Done(done=False, detail=str(fault))
    answer = {"done": outcome.done, "detail": outcome.detail[:500], "not_mine": outcome.not_mine}
    await socket.send(json.dumps({"id": number, **answer}))
