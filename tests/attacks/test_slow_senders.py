"""A thousand connections that send a byte now and then, without a proxy in front: they are cut, and whoever
sends a whole request is answered meanwhile."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send
from uvicorn.protocols.http.h11_impl import H11Protocol
from websockets.asyncio.client import connect

from postern.patience import Crowd, Limits, Patient, address_of, patient
from postern.web import limits as bodies
from tests.attacks.conftest import Measured

SLOW = 1000
QUICK = 1000
TEST_LIMITS = Limits(head_seconds=1.5, body_seconds=1.0, body_rate=4096, write_seconds=1.0, most_here=600)
HEAD = b"GET / HTTP/1.1\r\nHost: x\r\n"


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Reads the body and answers; `/much` with more than the kernel's buffers hold."""
    if scope["type"] == "websocket":
        await hold(receive, send)
        return
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if message["type"] == "http.disconnect" or not message.get("more_body"):
            break
    await send({"type": "http.response.start", "status": 200, "headers": []})
    answer = b"x" * (32 << 20) if scope["path"] == "/much" else b"%d" % len(body)
    await send({"type": "http.response.body", "body": answer})


async def hold(receive: Receive, send: Send) -> None:
    """A channel that gives back what it is told."""
    await send({"type": "websocket.accept"})
    while (message := await receive())["type"] != "websocket.disconnect":
        if "text" in message:
            await send({"type": "websocket.send", "text": message["text"]})


class _Quiet(uvicorn.Server):
    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def listening(protocol: type[H11Protocol]) -> AsyncIterator[int]:
    config = uvicorn.Config(
        echo, port=0, http=protocol, log_config=None, lifespan="off", timeout_graceful_shutdown=1
    )
    server = _Quiet(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await task


async def whole_request(port: int) -> bool:
    try:
        async with asyncio.timeout(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(HEAD + b"Connection: close\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer.startswith(b"HTTP/1.1 200")
    except (OSError, TimeoutError):
        return False


class Drips:
    """Connections that begin a request and never end it."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.open: list[tuple[asyncio.StreamReader, asyncio.StreamWriter]] = []
        self.cut = 0

    async def begin(self, count: int) -> None:
        for _ in range(count):
            pair = await asyncio.open_connection("127.0.0.1", self.port)
            pair[1].write(HEAD)
            self.open.append(pair)

    async def drip(self) -> None:
        while True:
            for _, writer in self.open:
                writer.write(b"X-a: b\r\n")
            await asyncio.sleep(0.3)

    async def ended(self, within: float) -> int:
        """How many the listener cut in this time."""

        async def one(reader: asyncio.StreamReader) -> bool:
            try:
                async with asyncio.timeout(within):
                    while await reader.read(1024):
                        pass
            except TimeoutError:
                return False
            except OSError:
                return True
            return True

        return sum(await asyncio.gather(*(one(reader) for reader, _ in self.open)))

    def close(self) -> None:
        for _, writer in self.open:
            writer.transport.abort()


async def attacked(protocol: type[H11Protocol], slow: int, quick: int) -> tuple[int, int, float]:
    """How many whole requests were answered, how many slow ones were cut, and the slowest answer."""
    async with listening(protocol) as port:
        drips = Drips(port)
        answered, slowest = 0, 0.0
        await drips.begin(slow)
        dripping = asyncio.create_task(drips.drip())
        try:
            for _ in range(quick):
                began = time.monotonic()
                answered += await whole_request(port)
                slowest = max(slowest, time.monotonic() - began)
            cut = await drips.ended(TEST_LIMITS.head_seconds + 1.5)
        finally:
            dripping.cancel()
            drips.close()
        return answered, cut, slowest


async def test_a_thousand_slow_senders_are_cut_and_nobody_else_notices(measured: Measured) -> None:
    answered, cut, slowest = await attacked(patient(TEST_LIMITS), SLOW, QUICK)
    measured(
        f"slow senders: {cut} of {SLOW} cut, {answered} of {QUICK} whole requests answered, "
        f"slowest {slowest * 1000:.0f} ms"
    )
    assert answered >= 0.999 * QUICK
    assert cut == SLOW


async def test_the_mutant_without_patience_lets_them_stay() -> None:
    _, cut, _ = await attacked(H11Protocol, 20, 1)
    assert cut == 0


async def test_a_full_house_cuts_who_waits_longest_and_never_the_newcomer() -> None:
    """Before any deadline: there is room for three, and a fourth comes."""
    mine = patient(Limits(head_seconds=60, most_here=3))
    async with listening(mine) as port:
        drips = Drips(port)
        await drips.begin(3)
        await asyncio.sleep(0.05)
        assert await whole_request(port)
        first = asyncio.wait_for(drips.open[0][0].read(), 1)
        assert (await asyncio.gather(first, return_exceptions=True))[0] in (b"", None) or mine.crowd.cut == 1
        assert mine.crowd.cut == 1
        drips.close()


async def cut_after(port: int, sent: bytes, then: bytes = b"", every: float = 0.2) -> float:
    """How long the listener kept the connection while `then` dripped in."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    began = time.monotonic()
    writer.write(sent)

    async def drip() -> None:
        while then:
            writer.write(then)
            await asyncio.sleep(every)

    dripping = asyncio.create_task(drip())
    try:
        async with asyncio.timeout(6):
            with contextlib.suppress(OSError):
                while await reader.read(1024):
                    pass
    finally:
        dripping.cancel()
        writer.transport.abort()
    return time.monotonic() - began


async def test_each_way_of_being_slow_ends() -> None:
    body = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n"
    second = HEAD + b"\r\n" + HEAD
    async with listening(patient(TEST_LIMITS)) as port:
        kept = await asyncio.gather(
            cut_after(port, b""),
            cut_after(port, b"GET"),
            cut_after(port, HEAD, b"X-a: b\r\n"),
            cut_after(port, body),
            cut_after(port, body, b"x"),
            cut_after(port, second),
            cut_after(port, second, b"X-a: b\r\n"),
        )
    assert max(kept) < 4


async def test_a_body_that_keeps_the_rate_is_taken_however_long_it_is() -> None:
    async with listening(patient(TEST_LIMITS)) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 40000\r\nConnection: close\r\n\r\n")
        for _ in range(20):
            writer.write(b"x" * 2000)
            await asyncio.sleep(0.1)
        assert b"\r\n40000\r\n" in await asyncio.wait_for(reader.read(), 3)
        writer.close()


async def test_a_channel_that_was_upgraded_is_held_however_quiet_it_is() -> None:
    """An agent's or a kiosk's: it says nothing for longer than any deadline of a request."""
    mine = patient(TEST_LIMITS)
    async with listening(mine) as port, connect(f"ws://127.0.0.1:{port}/") as channel:
        await asyncio.sleep(TEST_LIMITS.head_seconds + TEST_LIMITS.body_seconds + 0.5)
        await channel.send("still here")
        assert await asyncio.wait_for(channel.recv(), 2) == "still here"
    assert mine.crowd.cut == 0


async def test_who_does_not_take_the_answer_is_cut() -> None:
    mine = patient(TEST_LIMITS)
    async with listening(mine) as port:
        _, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /much HTTP/1.1\r\nHost: x\r\n\r\n")
        async with asyncio.timeout(5):
            while mine.crowd.cut == 0:
                await asyncio.sleep(0.1)
        writer.transport.abort()


class _Connection:
    def __init__(self, crowd: Crowd, address: str) -> None:
        self.crowd, self.address, self.abandoned = crowd, address, False
        crowd.enter(self, address)  # type: ignore[arg-type]

    def abandon(self) -> None:
        self.abandoned = True
        self.crowd.leave(self, self.address)  # type: ignore[arg-type]


def test_one_address_cannot_take_the_room_of_others() -> None:
    crowd = Crowd(Limits(most_of_one=10, most_here=100))
    other = _Connection(crowd, "192.0.2.1")
    many = [_Connection(crowd, "198.51.100.7") for _ in range(500)]
    assert not other.abandoned
    assert sum(not one.abandoned for one in many) == 10
    assert not many[-1].abandoned


def test_who_is_being_answered_is_never_cut_for_others() -> None:
    crowd = Crowd(Limits(most_of_one=10, most_here=20))
    at_work = [_Connection(crowd, "198.51.100.7") for _ in range(5)]
    for one in at_work:
        crowd.works(one)  # type: ignore[arg-type]
    for number in range(200):
        _Connection(crowd, f"192.0.2.{number % 250}")
    assert not any(one.abandoned for one in at_work)


@pytest.mark.parametrize(
    ("host", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("::1", "::1"),
        ("", ""),
    ],
)
def test_addresses_of_one_house_are_counted_together(host: str, counted: str) -> None:
    assert address_of(host) == counted


@pytest.mark.parametrize(
    ("given", "path", "most"),
    [
        ({}, "/sign-in", bodies.LARGEST_OF_STRANGERS),
        ({}, "/agent/v1/records", bodies.LARGEST_BODY),
        ({"cookie": "a=b"}, "/people", bodies.LARGEST_BODY),
        ({"cookie": "a=b", "content-type": "application/json"}, "/api/v1/people", bodies.LARGEST_DOCUMENT),
        ({"authorization": "Bearer x", "content-type": "application/json; charset=utf-8"}, "/api/v1/people",
         bodies.LARGEST_DOCUMENT),
    ],
)  # fmt: skip
def test_how_much_a_request_may_carry_depends_on_who_sends_it(
    given: dict[str, str], path: str, most: int
) -> None:
    assert bodies.largest(Headers(given), path) == most


def test_every_listener_of_ours_is_patient() -> None:
    """House rule: what listens on the network has deadlines; only the counter's Unix socket has none."""
    root = Path(__file__).parents[2] / "src" / "postern"
    found = {
        str(path.relative_to(root)): text.count("http=patient(")
        for path in root.rglob("*.py")
        if (text := path.read_text("utf-8")).count("uvicorn.Config(") and "uds=" not in text
    }
    assert found
    assert all(found.values()), found


def test_xml_is_read_by_defusedxml_alone() -> None:
    """House rule: Python's own parsers expand entities, and fetch what a document names."""
    root = Path(__file__).parents[2]
    unsafe = (
        "import xml.",
        "from xml.",
        "from xml ",
        "import lxml",
        "from lxml",
        "xmlrpc",
        "pulldom",
        "expat",
    )
    guilty = [
        str(path)
        for folder in ("src", "scripts", "benchmarks")
        for path in (root / folder).rglob("*.py")
        if any(line.lstrip().startswith(("import ", "from ")) and any(one in line for one in unsafe)
               for line in path.read_text("utf-8").splitlines())
    ]  # fmt: skip
    assert guilty == []


def test_a_slow_handshake_is_not_waited_for_a_minute() -> None:
    from asyncio import constants

    patient()
    assert constants.SSL_HANDSHAKE_TIMEOUT <= 10
    assert isinstance(ssl.create_default_context(), ssl.SSLContext)
    assert issubclass(patient(), Patient)
