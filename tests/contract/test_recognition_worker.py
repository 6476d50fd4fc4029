"""Workers: one that crashes or hangs fails its own call, and nobody else's."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import psutil
import pytest

from postern.devices.recognition.worker import RecognitionPool
from postern.devices.recognition.worker_process import WorkerKind
from postern.errors import BadInput, Unavailable

FRAME = np.full((120, 160, 3), 127, dtype=np.uint8)


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture
async def pool(models: Path) -> AsyncIterator[RecognitionPool]:
    async with RecognitionPool(models) as running:
        yield running


def the_worker(pool: RecognitionPool, kind: WorkerKind) -> psutil.Process:
    (pid,) = pool.processes()[kind]
    return psutil.Process(pid)


async def until_it_waits(call: asyncio.Task[object]) -> None:
    """Give the call the time to hand its picture over."""
    for _ in range(5):
        await asyncio.sleep(0.05)
    assert not call.done()


async def test_an_empty_frame_holds_neither_faces_nor_plates(pool: RecognitionPool) -> None:
    assert await pool.faces(FRAME) == []
    assert await pool.plates(FRAME) == []


async def test_a_worker_killed_in_mid_call_fails_that_call_and_is_replaced(pool: RecognitionPool) -> None:
    await pool.plates(FRAME)
    worker = the_worker(pool, WorkerKind.PLATES)
    worker.suspend()
    call = asyncio.create_task(pool.plates(FRAME))
    await until_it_waits(call)
    worker.kill()
    with pytest.raises(Unavailable, match="replaced"):
        await call
    assert await pool.plates(FRAME) == []
    assert the_worker(pool, WorkerKind.PLATES).pid != worker.pid


async def test_a_slow_plate_call_does_not_delay_a_face_call(pool: RecognitionPool) -> None:
    await pool.plates(FRAME)
    worker = the_worker(pool, WorkerKind.PLATES)
    worker.suspend()
    slow = asyncio.create_task(pool.plates(FRAME))
    await until_it_waits(slow)
    assert await pool.faces(FRAME) == []
    assert not slow.done()
    worker.resume()
    assert await slow == []


async def test_a_worker_that_hangs_is_ended_and_replaced(models: Path) -> None:
    async with RecognitionPool(models, call_seconds=1.0) as pool:
        await pool.faces(FRAME)
        worker = the_worker(pool, WorkerKind.FACES)
        worker.suspend()
        with pytest.raises(Unavailable, match="silent"):
            await pool.faces(FRAME)
        assert await pool.faces(FRAME) == []
        assert not worker.is_running() or worker.status() == psutil.STATUS_ZOMBIE


async def test_a_caller_that_gives_up_leaves_the_worker_usable(pool: RecognitionPool) -> None:
    await pool.faces(FRAME)
    worker = the_worker(pool, WorkerKind.FACES)
    worker.suspend()
    call = asyncio.create_task(pool.faces(FRAME))
    await until_it_waits(call)
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    worker.resume()
    assert await pool.faces(FRAME) == []
    assert the_worker(pool, WorkerKind.FACES).pid == worker.pid


async def test_an_interrupt_does_not_end_a_worker(pool: RecognitionPool) -> None:
    await pool.faces(FRAME)
    worker = the_worker(pool, WorkerKind.FACES)
    worker.send_signal(signal.SIGINT)
    assert await pool.faces(FRAME) == []
    assert the_worker(pool, WorkerKind.FACES).pid == worker.pid


async def test_workers_never_dump_core_and_see_no_secret_of_the_environment(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POSTERN_PASSPHRASE", "planted")
    async with RecognitionPool(models) as pool:
        await pool.faces(FRAME)
        worker = the_worker(pool, WorkerKind.FACES)
        assert worker.rlimit(psutil.RLIMIT_CORE) == (0, 0)
        assert "planted" not in worker.environ().values()


async def test_closing_ends_the_workers(models: Path) -> None:
    pool = RecognitionPool(models)
    await pool.faces(FRAME)
    pids = [pid for kind in pool.processes().values() for pid in kind]
    await pool.close()
    assert pids
    assert not any(psutil.pid_exists(pid) for pid in pids)
    with pytest.raises(Unavailable):
        await pool.faces(FRAME)


async def test_workers_die_with_their_parent(models: Path) -> None:
    code = (
        "import asyncio, sys, pathlib, numpy\n"
        "from postern.devices.recognition.worker import RecognitionPool\n"
        "async def main():\n"
        "    pool = RecognitionPool(pathlib.Path(sys.argv[1]))\n"
        "    await pool.faces(numpy.zeros((64, 64, 3), dtype=numpy.uint8))\n"
        "    print(*[pid for kind in pool.processes().values() for pid in kind], flush=True)\n"
        "    await asyncio.sleep(600)\n"
        "asyncio.run(main())\n"
    )
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, str(models), stdout=asyncio.subprocess.PIPE
    )
    assert parent.stdout is not None
    workers = [psutil.Process(int(pid)) for pid in (await parent.stdout.readline()).split()]
    assert workers
    parent.kill()
    await parent.wait()
    gone, alive = await asyncio.to_thread(psutil.wait_procs, workers, 10)
    assert len(gone) == len(workers)
    assert not alive


async def test_what_is_no_picture_is_refused_before_it_reaches_a_worker(pool: RecognitionPool) -> None:
    with pytest.raises(BadInput):
        await pool.faces(np.zeros((10, 10), dtype=np.uint8))
    with pytest.raises(BadInput):
        await pool.plates(np.zeros((10, 10, 3), dtype=np.float32))


async def test_a_models_folder_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    occupied = tmp_path / "file"
    occupied.touch()
    async with RecognitionPool(occupied / "models") as pool:
        with pytest.raises(Unavailable, match="cannot be kept"):
            await pool.faces(FRAME)
