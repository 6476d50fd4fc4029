"""What every picture store must do, held against the local folder."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from postern.devices.picture_folder import PictureFolder
from postern.errors import BadInput, NotFound, StorageFull

NAME = "0123456789abcdef0123456789abcdef"


@pytest.fixture
def store(tmp_path: Path) -> PictureFolder:
    return PictureFolder(tmp_path)


async def test_what_was_put_is_got(store: PictureFolder) -> None:
    await store.put(NAME, b"sealed")
    assert await store.get(NAME) == b"sealed"


async def test_putting_a_name_again_replaces_nothing(store: PictureFolder) -> None:
    await store.put(NAME, b"sealed")
    await store.put(NAME, b"sealed otherwise")
    assert await store.get(NAME) == b"sealed"


async def test_a_deleted_picture_is_gone_and_deleting_again_is_no_fault(store: PictureFolder) -> None:
    await store.put(NAME, b"sealed")
    await store.delete(NAME)
    await store.delete(NAME)
    with pytest.raises(NotFound):
        await store.get(NAME)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME + "0", "a/b"])
async def test_a_name_that_is_no_random_name_reaches_no_file(store: PictureFolder, name: str) -> None:
    with pytest.raises(BadInput):
        await store.get(name)


async def test_a_file_tells_the_day_and_not_the_hour(store: PictureFolder, tmp_path: Path) -> None:
    await store.put(NAME, b"sealed")
    for path in tmp_path.rglob("*"):
        assert path.stat().st_mtime % 86_400 == 0
        assert path.stat().st_mode & 0o077 == 0


async def test_a_full_disk_is_told_and_leaves_no_half_picture(
    store: PictureFolder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageFull):
        await store.put(NAME, b"sealed")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
