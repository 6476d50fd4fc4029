"""What a source of files gives, and how it says that it cannot."""

from __future__ import annotations

import asyncio
import itertools
from datetime import UTC, datetime, timedelta
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from postern.clock import SetClock
from postern.devices.cameras.model import Connection, Frame, ReadingPlan
from postern.devices.cameras.source import Source, open_source
from postern.errors import SourceUnavailable

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
RATE, SECONDS = 20, 3


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds, each picture as bright as its number."""
    path = tmp_path_factory.mktemp("video") / "door.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*"mp4v"), RATE, (160, 120))
    for number in range(RATE * SECONDS):
        writer.write(np.full((120, 160, 3), 4 * number, dtype=np.uint8))
    writer.release()
    return path


async def all_of(source: Source) -> list[Frame]:
    try:
        return [frame async for frame in source.frames()]
    finally:
        await source.close()


async def test_a_picture_file_is_one_frame(tmp_path: Path) -> None:
    Image.new("RGB", (40, 30), (200, 10, 20)).save(tmp_path / "one.png")
    source = open_source(str(tmp_path / "one.png"), clock=SetClock(NOON))
    (frame,) = await all_of(source)
    assert source.still
    assert frame.at == NOON
    assert frame.rgb.shape == (30, 40, 3)
    assert tuple(frame.rgb[0, 0]) == (200, 10, 20)


async def test_a_folder_gives_its_pictures_by_name_and_tells_of_the_bad_one(tmp_path: Path) -> None:
    for name, shade in (("b.png", 2), ("a.png", 1), ("d.png", 4)):
        Image.new("RGB", (40, 30), (shade, 0, 0)).save(tmp_path / name)
    (tmp_path / "c.jpg").write_text("no picture")
    (tmp_path / "notes.txt").write_text("not meant")
    source = open_source(str(tmp_path))
    assert [int(frame.rgb[0, 0, 0]) for frame in await all_of(source)] == [1, 2, 4]
    assert "c.jpg" in (source.state.trouble or "")


async def test_a_video_is_sampled_at_the_rate_by_its_own_time(video: Path) -> None:
    source = open_source(str(video), plan=ReadingPlan(rate=5), clock=SetClock(NOON))
    frames = await all_of(source)
    assert len(frames) == 5 * SECONDS
    assert [round((b.at - a.at).total_seconds(), 2) for a, b in itertools.pairwise(frames)] == [0.2] * 14
    assert frames[0].at == NOON
    assert [round(float(frame.rgb.mean()) / 4) for frame in frames] == pytest.approx(
        [4 * i for i in range(15)], abs=1
    )
    assert source.state.connection is Connection.ENDED


async def test_a_slow_reader_of_a_file_loses_no_frame(video: Path) -> None:
    source = open_source(str(video), plan=ReadingPlan(rate=RATE, space=1))
    indexes = []
    async for frame in source.frames():
        indexes.append(frame.index)
        await asyncio.sleep(0.005)
    assert indexes == list(range(RATE * SECONDS))
    assert source.state.dropped == 0


async def test_a_file_shown_as_live_never_runs_ahead_of_the_clock(video: Path) -> None:
    clock = SetClock(NOON)
    source = open_source(str(video), plan=ReadingPlan(rate=5, as_live=True), clock=clock)
    reading = source.frames()
    assert (await anext(reading)).at == NOON
    waiting = asyncio.ensure_future(anext(reading))
    clock.advance(timedelta(seconds=10))
    assert (await waiting).at <= clock.now()
    await source.close()


async def test_closing_ends_a_reading_in_the_middle(video: Path) -> None:
    source = open_source(str(video), plan=ReadingPlan(rate=RATE))
    seen = 0
    async for _ in source.frames():
        seen += 1
        await source.close()
    assert seen <= 4


async def trouble_of(text: str, plan: ReadingPlan | None = None) -> str:
    with pytest.raises(SourceUnavailable) as caught:
        await all_of(open_source(text, plan=plan))
    return str(caught.value)


async def test_an_unknown_file_is_named(tmp_path: Path) -> None:
    words = await trouble_of(str(tmp_path / "missing.mp4"))
    assert "missing.mp4" in words
    assert "no such file" in words


async def test_a_file_that_is_no_video_says_so(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("hello\n" * 1000)
    assert "no video that can be read" in await trouble_of(str(tmp_path / "text.mp4"))


async def test_an_empty_file_is_no_video(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    assert "no video that can be read" in await trouble_of(str(tmp_path / "empty.mp4"))


async def test_a_video_cut_in_the_middle_says_that_it_is_damaged(tmp_path: Path) -> None:
    whole = tmp_path / "whole.avi"
    writer = cv2.VideoWriter(str(whole), cv2.VideoWriter_fourcc(*"MJPG"), 10, (320, 240))
    noise = np.random.default_rng(1)
    for _ in range(60):
        writer.write(noise.integers(0, 255, (240, 320, 3), dtype=np.uint8))
    writer.release()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 3])
    assert "damaged" in await trouble_of(str(cut))


async def test_a_broken_picture_says_what_to_give(tmp_path: Path) -> None:
    (tmp_path / "bad.jpg").write_bytes(b"\xff\xd8\xff\xe0 cut off")
    assert "bad.jpg" in await trouble_of(str(tmp_path / "bad.jpg"))


async def test_a_folder_without_pictures_says_so(tmp_path: Path) -> None:
    assert "no usable picture" in await trouble_of(str(tmp_path))


async def test_a_playlist_cannot_make_the_reader_open_other_files(tmp_path: Path, video: Path) -> None:
    (tmp_path / "list.m3u8").write_text(
        f"#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\n{video}\n#EXT-X-ENDLIST\n"
    )
    (tmp_path / "list.mp4").write_text(f"ffconcat version 1.0\nfile {video}\n")
    assert "no video that can be read" in await trouble_of(str(tmp_path / "list.m3u8"))
    assert "no video that can be read" in await trouble_of(str(tmp_path / "list.mp4"))


async def test_a_webcam_that_is_not_there_says_what_to_check() -> None:
    source = open_source("webcam:63", plan=ReadingPlan(first_wait=0.01, longest_wait=0.01))
    assert source.live
    reading = asyncio.ensure_future(anext(source.frames(), None))
    while source.state.connection is not Connection.RECONNECTING:
        await asyncio.sleep(0.01)
    await source.close()
    assert await reading is None
    assert "plugged in" in (source.state.trouble or "")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "No source was named"),
        ("ftp://camera/door", "a stream starts with rtsp://"),
        ("rtsp://", "no valid host"),
        ("rtsp://camera:port/door", "no valid host or port"),
        ("webcam:front", "by its number"),
    ],
)
async def test_an_address_that_cannot_be_is_refused_at_once(text: str, words: str) -> None:
    with pytest.raises(SourceUnavailable, match=words):
        open_source(text)


async def test_no_login_is_shown_of_an_address() -> None:
    source = open_source("rtsp://guard:pa55word@camera.example/door")
    assert source.name == "rtsp://camera.example/door"
