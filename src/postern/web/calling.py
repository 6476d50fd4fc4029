"""WebSockets of calls for help: both sides prove who they are, then their messages are passed on."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from typing import Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.websockets import WebSocket, WebSocketDisconnect

from postern.ending import ended
from postern.errors import PosternError
from postern.operations.parking import calls
from postern.operations.parking.calls import Line, Side
from postern.operations.services import Services
from postern.settings import Settings
from postern.web.cookies import is_secure

MICROPHONE_POLICY = "camera=(), microphone=(self), geolocation=(), payment=(), usb=()"
"""Permissions-Policy of the pages with a call: they, and no others, may ask for the microphone."""
NOT_KNOWN = 4401
"""Close code: whoever opened the socket may not (any more)."""


class Word(BaseModel):
    """One message of a call as browsers send it. `me` and `to` are random names of two open pages."""

    model_config = ConfigDict(extra="forbid")

    kind: Literal["waiting", "here", "busy", "offer", "answer", "candidate", "bye"]
    me: str = Field(max_length=64)
    to: str = Field(default="", max_length=64)
    sdp: str = Field(default="", max_length=12_000)
    candidate: str = Field(default="", max_length=2_000)
    mid: str = Field(default="", max_length=64)


def from_own_page(socket: WebSocket) -> bool:
    """Whether a page of this hub opens the socket: any site's page could, and the cookie would come along."""
    origin = urlsplit(socket.headers.get("origin", ""))
    scheme = "https" if is_secure(socket) else "http"
    return origin.scheme == scheme and origin.netloc != "" and origin.netloc == socket.headers.get("host")


def ice_servers(settings: Settings) -> str:
    """The servers that help browsers to find each other, as RTCPeerConnection takes them. None by default."""
    return json.dumps([one.model_dump(exclude_none=True) for one in settings.ice_servers])


async def converse(
    socket: WebSocket, services: Services, line: Line, side: Side, still: Callable[[], Awaitable[object]]
) -> None:
    """Pass messages on until one side leaves. `still` raises when the caller may speak no longer."""
    await socket.accept()
    hearing = asyncio.create_task(_hear(socket, services, line, side), name=f"call of {side}")
    try:
        while True:
            text = await socket.receive_text()
            await still()
            with contextlib.suppress(ValidationError):
                word = Word.model_validate_json(text)
                await calls.say(services, line, side, word.model_dump_json(exclude_defaults=True))
    except WebSocketDisconnect:
        pass
    except PosternError:
        await socket.close(code=NOT_KNOWN)
    finally:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            await ended(hearing)


async def _hear(socket: WebSocket, services: Services, line: Line, side: Side) -> None:
    async with aclosing(calls.hear(services, line, side)) as words:
        async for text in words:
            await socket.send_text(text if text is not None else '{"kind":"listening"}')
