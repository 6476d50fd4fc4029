"""The public process: drivers' pages on a listener of their own, without databases, keys, or a way to them.

It is told on standard input where to listen and where the hub's counter is, and nothing else: it reads no
settings, and its environment holds none. Before it answers anybody it shuts itself in (`shut_in.py`).
"""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import structlog
import uvicorn

from postern.errors import Unavailable
from postern.listener_tls import listener_context
from postern.patience import patient
from postern.shut_in import program_folders, shut_in
from postern.web.public.app import create_public_app
from postern.web.public.ask import Counter
from postern.web.public.shell import Shell

_FAREWELL_SECONDS = 3
_LOOK_AT_CERTIFICATE = 3600.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class PublicHandover:
    """What the parent tells the public process. No secret is in it; `key` is a path."""

    host: str
    port: int
    counter: str
    certificate: str | None = None
    key: str | None = None
    checkout_origins: tuple[str, ...] = ()
    demo: bool = False
    security_contact: str | None = None

    def to_bytes(self) -> bytes:
        """One line of JSON."""
        return json.dumps(asdict(self)).encode() + b"\n"

    @classmethod
    def receive(cls) -> PublicHandover:
        """Read it from standard input. Raises ValueError when this program was not started by its parent."""
        document = json.loads(sys.stdin.buffer.readline() or b"null")
        if not isinstance(document, dict):
            raise ValueError("'postern public' is started by 'postern up', which tells it what it needs")
        return cls(**{**document, "checkout_origins": tuple(document.get("checkout_origins", ()))})


def bind_and_shut_in(told: PublicHandover) -> socket.socket:
    """The listener; afterwards this process reads its program and certificate only. Raises Unavailable."""
    family = socket.AF_INET6 if ":" in told.host else socket.AF_INET
    bound = socket.socket(family, socket.SOCK_STREAM)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        bound.bind((told.host, told.port))
    except OSError as fault:
        bound.close()
        raise Unavailable(
            f"the public pages cannot be offered on {told.host}:{told.port} ({fault.strerror}); choose "
            "another address with POSTERN_PAY_HOST and POSTERN_PAY_PORT"
        ) from fault
    tls = [Path(one) for one in (told.certificate, told.key) if one is not None]
    if not shut_in([*program_folders(), *tls]):
        _log.warning("not shut in: this kernel has no Landlock; run the public side on a machine of its own")
    return bound


async def serve(told: PublicHandover, bound: socket.socket) -> None:
    """Serve until this process is told to stop."""
    counter = Counter(Path(told.counter))
    shell = Shell(
        checkout_origins=told.checkout_origins, demo=told.demo, security_contact=told.security_contact
    )
    config = uvicorn.Config(
        create_public_app(counter, shell),
        log_config=None,
        access_log=False,
        server_header=False,
        http=patient(),
        # Behind a proxy on this machine, the phone's address and scheme are what the proxy says.
        proxy_headers=True,
        forwarded_allow_ips="127.0.0.1,::1",
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )
    config.load()
    config.ssl = _context(told)
    renewing = asyncio.create_task(_renew(told, config.ssl), name="look at the certificate")
    try:
        await uvicorn.Server(config).serve([bound])
    finally:
        renewing.cancel()
        await counter.close()


def _context(told: PublicHandover) -> ssl.SSLContext | None:
    if told.certificate is None or told.key is None:
        return None
    context = listener_context()
    context.load_cert_chain(told.certificate, told.key)
    return context


async def _renew(told: PublicHandover, context: ssl.SSLContext | None) -> None:
    """The hub renews the files; new connections are served with what lies there."""
    while context is not None and told.certificate is not None:
        await asyncio.sleep(_LOOK_AT_CERTIFICATE)
        try:
            context.load_cert_chain(told.certificate, told.key)
        except (OSError, ssl.SSLError) as fault:
            _log.error("the certificate cannot be read", kind=type(fault).__name__)
