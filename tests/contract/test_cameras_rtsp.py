"""Streams from a real RTSP server (GStreamer's), and servers that are no good."""

from __future__ import annotations

import asyncio
import functools
import itertools
import socket
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path

import pytest

from postern.devices.cameras.model import Connection, Frame, ReadingPlan
from postern.devices.cameras.source import Source, open_source
from postern.errors import SourceUnavailable
from tests.needs import needs

SYSTEM_PYTHON = "/usr/bin/python3"
SERVER = Path(__file__).with_name("rtsp_server.py")
PLAN = ReadingPlan(rate=10, patience=5, first_wait=0.05, longest_wait=0.2)


@functools.cache
def has_gstreamer() -> bool:
    program = "import gi; gi.require_version('GstRtspServer', '1.0'); from gi.repository import GstRtspServer"
    try:
        ran = subprocess.run([SYSTEM_PYTHON, "-c", program], capture_output=True, check=False)
        return ran.returncode == 0
    except FileNotFoundError:
        return False


needs_rtsp_server = pytest.mark.skipif(
    not has_gstreamer(),
    reason="needs Debian's gir1.2-gst-rtsp-server-1.0, python3-gi, gstreamer1.0-plugins-good: install them",
)


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "door.mp4"
    drawn = ["-f", "lavfi", "-i", "testsrc2=size=320x240:rate=25:duration=20"]
    coded = ["-c:v", "libx264", "-preset", "ultrafast", "-g", "10", "-pix_fmt", "yuv420p"]
    subprocess.run(["ffmpeg", "-v", "error", *drawn, *coded, str(path)], check=True)
    return path


def free_port() -> int:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        return int(server.getsockname()[1])


@contextmanager
def serving(port: int, film: Path, *login: str) -> Iterator[subprocess.Popen[bytes]]:
    command = [SYSTEM_PYTHON, str(SERVER), str(port), str(film), *login]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as server:
        try:
            assert server.stdout
            assert server.stdout.readline() == b"serving\n"
            yield server
        finally:
            server.kill()


@asynccontextmanager
async def reading(text: str) -> AsyncIterator[tuple[Source, AsyncIterator[Frame]]]:
    source = open_source(text, plan=PLAN)
    try:
        yield source, source.frames()
    finally:
        await source.close()


async def trouble_of(text: str) -> str:
    """The words of the first failure; the source goes on trying until it is closed."""
    async with reading(text) as (source, frames):
        first = asyncio.ensure_future(anext(frames, None))
        while source.state.trouble is None:
            await asyncio.sleep(0.01)
        words = source.state.trouble
        assert source.state.connection is Connection.RECONNECTING
        await source.close()
        assert await first is None
    return words


@needs("ffmpeg")
@needs_rtsp_server
async def test_a_stream_gives_frames(film: Path) -> None:
    port = free_port()
    with serving(port, film):
        async with reading(f"rtsp://127.0.0.1:{port}/door") as (_source, frames):
            seen = [await anext(frames) for _ in range(5)]
    assert all(frame.rgb.shape == (240, 320, 3) for frame in seen)
    assert [a.at <= b.at for a, b in itertools.pairwise(seen)] == [True] * 4


@needs("ffmpeg")
@needs_rtsp_server
async def test_a_camera_switched_off_and_on_is_watched_again(film: Path) -> None:
    port = free_port()
    async with reading(f"rtsp://127.0.0.1:{port}/door") as (source, frames):
        with serving(port, film):
            await anext(frames)
            assert source.state.connection is Connection.CONNECTED
        waiting = asyncio.ensure_future(_next_connection(source, frames))
        while source.state.connection is not Connection.RECONNECTING:
            await asyncio.sleep(0.01)
        assert source.state.trouble
        with serving(port, film):
            await waiting
            assert source.state.connection is Connection.CONNECTED
            assert source.state.trouble is None


async def _next_connection(source: Source, frames: AsyncIterator[Frame]) -> None:
    since = source.state.since
    async for _ in frames:
        if source.state.since != since:
            return


@needs("ffmpeg")
@needs_rtsp_server
async def test_a_reader_that_is_late_gets_the_newest_frames_and_the_lost_are_counted(film: Path) -> None:
    port = free_port()
    with serving(port, film):
        async with reading(f"rtsp://127.0.0.1:{port}/door") as (source, frames):
            first = await anext(frames)
            while source.state.dropped < 5:
                await asyncio.sleep(0.02)
            later = await anext(frames)
            assert later.index > first.index + 5


@needs("ffmpeg")
@needs_rtsp_server
@pytest.mark.parametrize("method", ["basic", "digest"])
async def test_a_stream_behind_a_login_opens_with_it_and_says_when_it_is_wrong(
    film: Path, method: str
) -> None:
    port = free_port()
    with serving(port, film, method, "guard", "p@ss/word"):
        async with reading(f"rtsp://guard:p%40ss%2Fword@127.0.0.1:{port}/door") as (_, frames):
            await anext(frames)
        wrong = await trouble_of(f"rtsp://guard:other@127.0.0.1:{port}/door")
        without = await trouble_of(f"rtsp://127.0.0.1:{port}/door")
    assert "the name or password in it is wrong" in wrong
    assert "other" not in wrong
    assert "a login is needed" in without


@needs("ffmpeg")
@needs_rtsp_server
async def test_a_stream_that_the_camera_does_not_have_is_told_apart(film: Path) -> None:
    port = free_port()
    with serving(port, film):
        assert "no such stream" in await trouble_of(f"rtsp://127.0.0.1:{port}/garage")


async def test_a_refused_connection_is_told_in_words() -> None:
    assert "refuses connections on port" in await trouble_of(f"rtsp://127.0.0.1:{free_port()}/door")


async def test_a_host_that_does_not_exist_is_told_in_words() -> None:
    assert "no host is called camera.invalid" in await trouble_of("rtsp://camera.invalid/door")


async def test_a_server_that_never_answers_is_given_up() -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as silent:
        source = open_source(
            f"rtsp://127.0.0.1:{silent.getsockname()[1]}/door", plan=ReadingPlan(patience=0.2)
        )
        first = asyncio.ensure_future(anext(source.frames(), None))
        while source.state.trouble is None:
            await asyncio.sleep(0.01)
        await source.close()
        assert await first is None
        assert "does not answer within 0.2 s" in source.state.trouble


async def test_a_web_page_is_no_stream() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\nhello")
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        words = await trouble_of(f"http://127.0.0.1:{port}/video")
    assert "no picture that can be decoded" in words


async def test_a_stream_that_is_not_to_be_waited_for_fails_with_its_trouble() -> None:
    source = open_source(f"rtsp://127.0.0.1:{free_port()}/door", plan=ReadingPlan(reconnect=False))
    with pytest.raises(SourceUnavailable, match="refuses connections"):
        await anext(source.frames())
