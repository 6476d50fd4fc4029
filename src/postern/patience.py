"""How long a listener waits for a sender, and how many it keeps waiting: no proxy need stand before it.

Whoever is slow costs a file descriptor and nothing else. When room runs short the connection that has waited
longest without a whole request is cut, of the address that has the most of them first: a newcomer who sends
a whole request at once is always served.
"""

from __future__ import annotations

import asyncio
import ipaddress
import resource
from collections import OrderedDict
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import h11
import structlog
from uvicorn.protocols.http.h11_impl import H11Protocol

_log = structlog.get_logger(__name__)

_TOO_SLOW = (
    b"HTTP/1.1 408 Request Timeout\r\n"
    b"Connection: close\r\nContent-Length: 0\r\nCache-Control: no-store\r\n\r\n"
)
_LINGERS_SECONDS = 2.0
_HANDSHAKE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Limits:
    """What a sender is granted."""

    head_seconds: float = 10.0
    """From the connection, or the first byte of a further request, until the head is whole."""
    body_seconds: float = 10.0
    """For any body, and one second more for each `body_rate` bytes that came."""
    body_rate: int = 4096
    write_seconds: float = 30.0
    """For taking what waits to be sent."""
    most_here: int = 1000
    """Connections at once, upgraded ones excepted."""
    most_of_one: int = 200
    """Of them from one IPv4 address or IPv6 network of 64 bits. This machine's own are not counted apart:
    a proxy here sends everybody's."""


USUAL = Limits()


class Crowd:
    """Who is connected to one listener, and who of them has sent no whole request yet, longest first."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.cut = 0
        """Connections cut so far."""
        self._here: dict[str, OrderedDict[Patient, None]] = {}
        self._waiting: OrderedDict[Patient, None] = OrderedDict()
        self._count = 0

    def enter(self, one: Patient, address: str) -> None:
        """Let it in; when that is one too many, another is cut."""
        self._here.setdefault(address, OrderedDict())[one] = None
        self._count += 1
        self._waiting[one] = None
        many = len(self._here[address]) > self.limits.most_of_one and not _is_own(address)
        if many or self._count > self.limits.most_here:
            self._make_room(address if many else None)

    def leave(self, one: Patient, address: str) -> None:
        """Forget it, once."""
        held = self._here.get(address)
        if held is None or one not in held:
            return
        del held[one]
        self._count -= 1
        self._waiting.pop(one, None)
        if not held:
            del self._here[address]

    def waits(self, one: Patient) -> None:
        """It begins to wait for a request, behind all who do so already."""
        self._waiting[one] = None

    def works(self, one: Patient) -> None:
        """Its request is being answered: it is not cut for others."""
        self._waiting.pop(one, None)

    def _make_room(self, address: str | None) -> None:
        """Cut the longest waiting of `address`, else of the whole. Who works stays."""
        crowd = self._here[address] if address is not None else self._waiting
        longest = next((one for one in crowd if one in self._waiting), None)
        if longest is not None:
            longest.abandon()


class Patient(H11Protocol):
    """uvicorn's HTTP/1.1, with deadlines for head, body and reading, and a place in the crowd."""

    crowd: Crowd

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._address = ""
        self._deadline: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None
        self._stage: object = None
        self._came = 0
        self._is_over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for the head of the first request."""
        super().connection_made(transport)  # type: ignore[arg-type]  # uvicorn narrows what asyncio hands over
        self._address = address_of(self.client[0] if self.client else "")
        self._enter_stage(h11.IDLE)
        self.crowd.enter(self, self._address)

    def connection_lost(self, exc: Exception | None) -> None:
        """Leave the crowd."""
        self._forget()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take it; then see for what the sender is waited for now."""
        self._came += len(data)
        super().data_received(data)
        self._look()

    def on_response_complete(self) -> None:
        """Wait for a further request, behind the others."""
        super().on_response_complete()
        if not self.transport.is_closing():
            self._look()

    def handle_websocket_upgrade(self, request: h11.Request) -> None:
        """From here on the application knows whom it talks to."""
        self._forget()
        super().handle_websocket_upgrade(request)

    def pause_writing(self) -> None:
        """The peer does not take what is sent: for so long and no longer."""
        super().pause_writing()
        if self._stuck is None:
            self._stuck = self.loop.call_later(self.crowd.limits.write_seconds, self.abandon)

    def resume_writing(self) -> None:
        """It does again."""
        super().resume_writing()
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def timeout_keep_alive_handler(self) -> None:
        """Close it; what is not taken in time is dropped."""
        super().timeout_keep_alive_handler()
        self.loop.call_later(self.crowd.limits.write_seconds, self.transport.abort)

    def abandon(self) -> None:
        """Cut the connection now."""
        self.crowd.cut += 1
        self._forget()
        self.transport.abort()

    def _look(self) -> None:
        """Start the deadline of the stage that the sender is in now; none once it is cut or upgraded."""
        if self._is_over:
            return
        theirs = self.conn.their_state
        if theirs is h11.IDLE and not self.conn.trailing_data[0] and self.cycle is not None:
            # Between requests: uvicorn's own deadline for idle connections runs.
            self._enter_stage(None)
            self.crowd.waits(self)
        elif theirs in (h11.IDLE, h11.SEND_BODY):
            self._enter_stage(theirs)
        else:
            self._enter_stage(None)
            self.crowd.works(self)

    def _enter_stage(self, stage: object) -> None:
        if stage is self._stage and self._deadline is not None:
            return
        self._stage = stage
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        limits = self.crowd.limits
        if stage is h11.IDLE:
            self._deadline = self.loop.call_later(limits.head_seconds, self._too_slow)
        elif stage is h11.SEND_BODY:
            self._came = 0
            self.crowd.waits(self)
            self._deadline = self.loop.call_later(limits.body_seconds, self._weigh, self.loop.time())

    def _weigh(self, began: float) -> None:
        """Whether enough of the body came for the time that it has taken. While the application does not
        take what came, nobody is slow but we."""
        limits = self.crowd.limits
        granted = began + limits.body_seconds + self._came / limits.body_rate
        left = granted - self.loop.time()
        if self.flow.read_paused or left > 0:
            self._deadline = self.loop.call_later(max(left, 1.0), self._weigh, began)
            return
        self.abandon()

    def _too_slow(self) -> None:
        """Tell a sender whose request never became whole, and cut it."""
        self.crowd.cut += 1
        self._forget()
        if self.conn.our_state is h11.IDLE:
            self.transport.write(_TOO_SLOW)
        self.transport.close()
        self.loop.call_later(_LINGERS_SECONDS, self.transport.abort)

    def _forget(self) -> None:
        self._is_over = True
        for timer in (self._deadline, self._stuck):
            if timer is not None:
                timer.cancel()
        self._deadline = self._stuck = None
        self.crowd.leave(self, self._address)


def patient(limits: Limits = USUAL) -> type[Patient]:
    """uvicorn's `http` for one listener. Makes room for as many connections as the limits promise."""
    from asyncio import constants

    # uvicorn cannot be told: a minute of a TLS handshake is five times too long.
    setattr(constants, "SSL_HANDSHAKE_TIMEOUT", _HANDSHAKE_SECONDS)  # noqa: B010 - typed as final
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.most_here * 4
    if soft < wanted:
        room = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, room), hard))
    return type("Patient", (Patient,), {"crowd": Crowd(limits)})


@lru_cache(maxsize=4096)
def address_of(host: str) -> str:
    """Whose connections are counted together."""
    try:
        given = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return ""
    if isinstance(given, ipaddress.IPv6Address):
        if given.ipv4_mapped is not None:
            return str(given.ipv4_mapped)
        if not given.is_loopback:
            return str(ipaddress.ip_network((given, 64), strict=False))
    return str(given)


@lru_cache(maxsize=4096)
def _is_own(address: str) -> bool:
    """Whether it is this machine's: a proxy's, a test's, or a Unix socket's."""
    try:
        return address == "" or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
