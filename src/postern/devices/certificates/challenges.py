"""Answers to HTTP-01 challenges (RFC 8555, 8.3), kept as files for any process of the hub to give."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator
from pathlib import Path

from postern.devices.certificates.files import write

PATH = "/.well-known/acme-challenge/"
_TOKEN = re.compile(r"[A-Za-z0-9_-]{16,128}")
_REQUEST = re.compile(rb"GET " + PATH.encode() + rb"([A-Za-z0-9_-]{16,128}) HTTP/1\.[01]\r\n")


def challenge_response(folder: Path, token: str) -> str | None:
    """What to answer (as text/plain) at `PATH` + `token`; None: there is no such challenge."""
    if not _TOKEN.fullmatch(token):
        return None
    try:
        return (folder / "challenges" / token).read_text()
    except OSError:
        return None


def expect(folder: Path, token: str, response: str) -> None:
    """Have `response` given from now on. Raises ValueError on a token that is none, lest it name a file."""
    if not _TOKEN.fullmatch(token):
        raise ValueError("a token has 16 or more characters of base64url")
    write(folder / "challenges" / token, response.encode())


def forget(folder: Path, token: str) -> None:
    """Stop giving it."""
    (folder / "challenges" / token).unlink(missing_ok=True)


@contextlib.asynccontextmanager
async def responder(folder: Path, *, host: str, port: int) -> AsyncIterator[None]:
    """Answer challenges on `port` meanwhile, and nothing else. Raises OSError when the port cannot be had."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(
            OSError, TimeoutError, asyncio.IncompleteReadError, asyncio.LimitOverrunError
        ):
            async with asyncio.timeout(10):
                writer.write(_reply(folder, await reader.readuntil(b"\r\n\r\n")))
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, host, port, limit=16_384)
    try:
        yield
    finally:
        server.close()
        await server.wait_closed()


def _reply(folder: Path, request: bytes) -> bytes:
    asked = _REQUEST.match(request)
    response = challenge_response(folder, asked[1].decode()) if asked else None
    status, body = ("404 Not Found", "") if response is None else ("200 OK", response)
    head = f"HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n"
    return f"{head}Connection: close\r\n\r\n{body}".encode()
