"""Ask a stream's server whether it would serve us, to say in words why not: FFmpeg says only that it failed.

RTSP is RFC 2326; logins are basic (RFC 7617) or digest with MD5 (RFC 2617), as cameras do them.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import re
import secrets
import socket
import ssl
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit, urlunsplit

from postern.devices.cameras.address import Address
from postern.errors import SourceUnavailable

_PORTS = {"rtsp": 554, "rtsps": 322, "http": 80, "https": 443}


@dataclass(frozen=True, kw_only=True, slots=True)
class _Target:
    scheme: str
    host: str
    port: int
    url: str
    path: str
    name: str
    password: str

    @classmethod
    def of(cls, address: Address) -> _Target:
        parts = urlsplit(address.target)
        host, scheme = parts.hostname or "", parts.scheme.lower()
        port = parts.port or _PORTS[scheme]
        shown_host = f"[{host}]" if ":" in host else host
        path = urlunsplit(("", "", parts.path or "/", parts.query, ""))
        return cls(
            scheme=scheme,
            host=host,
            port=port,
            url=urlunsplit((scheme, f"{shown_host}:{port}", parts.path, parts.query, "")),
            path=path,
            name=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )


async def probe(address: Address, *, patience: float) -> None:
    """Return when the server offers the stream. Raises SourceUnavailable with what to do about it.

    `patience` is the seconds that the whole exchange may take.
    """
    target = _Target.of(address)
    try:
        async with asyncio.timeout(patience):
            status = await _ask(target)
    except TimeoutError:
        raise SourceUnavailable(
            f"{address.shown}: {target.host} does not answer within {patience:g} s; "
            "check that the camera is on, on this network, and that the port is right."
        ) from None
    except ConnectionRefusedError:
        raise SourceUnavailable(
            f"{address.shown}: {target.host} refuses connections on port {target.port}; "
            f"check the port and that the camera's {target.scheme.upper()} server is switched on."
        ) from None
    except (OSError, UnicodeError) as fault:
        raise SourceUnavailable(f"{address.shown}: {_reason(fault, target.host)}") from None
    _judge(address, target, status)


def _reason(fault: Exception, host: str) -> str:
    if isinstance(fault, (socket.gaierror, UnicodeError)):
        return f"no host is called {host}; check the spelling, or use the camera's IP address."
    if isinstance(fault, ssl.SSLError):
        return "the server does not speak TLS on this port; use rtsp:// or http://, or the right port."
    return f"{host} cannot be reached ({fault.__class__.__name__}); check the network."


def _judge(address: Address, target: _Target, status: int) -> None:
    if 200 <= status < 400:
        return
    if status in (401, 403):
        given = "the name or password in it is wrong" if target.name else "a login is needed"
        advice = f"{given}; write it as {target.scheme}://name:password@{target.host}/…"
    elif status in (404, 454):
        advice = "the camera has no such stream; look up the stream's path in its manual"
    elif status == 0:
        advice = f"what answers on port {target.port} does not speak {target.scheme.upper()}; check the port"
    else:
        advice = f"the camera refuses with status {status}; check its settings, or how many may watch at once"
    raise SourceUnavailable(f"{address.shown}: {advice}.")


async def _ask(target: _Target) -> int:
    """The status of DESCRIBE (RTSP) or GET (HTTP), with a login if asked for one; 0: no such protocol."""
    secure = target.scheme in ("rtsps", "https")
    context = ssl.create_default_context() if secure else None
    if context is not None and target.scheme == "rtsps":
        context.check_hostname = False  # as FFmpeg does: cameras sign their own certificates
        context.verify_mode = ssl.CERT_NONE
    reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
    try:
        status, challenges = await _exchange(reader, writer, target, None, 1)
        if status == 401 and target.name and challenges:
            if target.scheme.startswith("http"):
                writer.close()
                reader, writer = await asyncio.open_connection(target.host, target.port, ssl=context)
            status, _ = await _exchange(reader, writer, target, _login(target, challenges), 2)
        return status
    finally:
        writer.close()


async def _exchange(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    target: _Target,
    login: str | None,
    number: int,
) -> tuple[int, list[str]]:
    if target.scheme.startswith("rtsp"):
        lines = [f"DESCRIBE {target.url} RTSP/1.0", f"CSeq: {number}", "Accept: application/sdp"]
    else:
        lines = [f"GET {target.path} HTTP/1.1", f"Host: {target.host}:{target.port}", "Connection: close"]
    lines += [f"Authorization: {login}"] if login else []
    writer.write("\r\n".join([*lines, "User-Agent: Postern", "", ""]).encode())
    await writer.drain()
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError):
        return 0, []
    first = re.match(r"(?:RTSP|HTTP)/\d\.\d (\d{3})", head)
    if not first:
        return 0, []
    length = re.search(r"(?im)^content-length:\s*(\d+)", head)
    if length and target.scheme.startswith("rtsp"):
        await reader.readexactly(min(int(length.group(1)), 65536))
    return int(first.group(1)), re.findall(r"(?im)^www-authenticate:\s*(.+?)\r?$", head)


def _login(target: _Target, challenges: list[str]) -> str:
    digest = next((one for one in challenges if one.lower().startswith("digest")), None)
    if digest is None:
        return "Basic " + base64.b64encode(f"{target.name}:{target.password}".encode()).decode()
    fields = dict(re.findall(r'(\w+)="([^"]*)"', digest))
    method = "DESCRIBE" if target.scheme.startswith("rtsp") else "GET"
    uri = target.url if target.scheme.startswith("rtsp") else target.path
    realm, nonce = fields.get("realm", ""), fields.get("nonce", "")
    first, second = _md5(f"{target.name}:{realm}:{target.password}"), _md5(f"{method}:{uri}")
    shared = f'Digest username="{target.name}", realm="{realm}", nonce="{nonce}", uri="{uri}"'
    if "auth" in re.split(r"[,\s]+", fields.get("qop", "")):
        ours = secrets.token_hex(8)
        answer = _md5(f"{first}:{nonce}:00000001:{ours}:auth:{second}")
        return f'{shared}, qop=auth, nc=00000001, cnonce="{ours}", response="{answer}"'
    return f'{shared}, response="{_md5(f"{first}:{nonce}:{second}")}"'


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
