"""Asks the hub's counter through its Unix socket: the one way from the public process to anything."""

from __future__ import annotations

from pathlib import Path
from typing import TypeVar

import httpx

from postern import documents
from postern.errors import (
    BadInput,
    CannotVerify,
    Conflict,
    HubUnavailable,
    NotFound,
    PosternError,
    Refused,
    TooMany,
    Unavailable,
)
from postern.operations.public.counter_wire import Refusal

T = TypeVar("T")
_SECONDS = 15.0
_FAULTS: dict[str, type[PosternError]] = {
    one.code: one for one in (BadInput, CannotVerify, Conflict, NotFound, Refused, TooMany, Unavailable)
}


class Counter:
    """The counter from outside. Raises what the counter raised, by its code; HubUnavailable without a hub."""

    def __init__(self, socket: Path) -> None:
        transport = httpx.AsyncHTTPTransport(uds=str(socket))
        self._client = httpx.AsyncClient(transport=transport, base_url="http://counter", timeout=_SECONDS)

    async def close(self) -> None:
        """Let go of the connections."""
        await self._client.aclose()

    async def ask(self, question: str, asked: object, answer: type[T]) -> T:
        """Put the question; its answer is of class `answer`."""
        try:
            got = await self._client.post(f"/{question}", content=documents.to_bytes(asked))
        except httpx.TransportError as fault:
            raise HubUnavailable("the garage does not answer now; try again in a minute") from fault
        if got.status_code == 200:
            return documents.from_bytes(answer, got.content)
        refusal = documents.from_bytes(Refusal, got.content)
        raise _FAULTS.get(refusal.code, HubUnavailable)(refusal.detail)
