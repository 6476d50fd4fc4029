"""A rotation that is killed (SIGKILL) at any step of it loses nothing, and is finished by the next run."""

from __future__ import annotations

import multiprocessing
import signal
from pathlib import Path
from uuid import UUID

import pytest

from postern.keystore import open_keystore
from postern.keystore.providers import Provider
from postern.keystore.roots import read_plan
from postern.keystore.rotate_root import rotate_root
from postern.keystore.rotate_tenant import rotate_tenant
from postern.postgres.pool import Database
from postern.settings import Settings
from tests.store import rotation_worker
from tests.store.test_keystore_rotation import PASSPHRASE, TENANT, filled, held, quietly

SUBJECTS = [UUID(int=n + 1) for n in range(3)]
MOST_STEPS = 200


def _killed(database: Database, settings: Settings, to: str | None, tenant: int | None, step: int) -> bool:
    """Rotate in a process that dies at that step. False when it was done before it came to it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["tests.store.rotation_worker"])
    given = (database.conninfo, str(settings.data), settings.root_key or "unattended", to, tenant, step)
    process = context.Process(target=rotation_worker.rotate, args=given)
    process.start()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


async def test_a_tenant_s_rotation_killed_at_every_step(keystore_database: Database, tmp_path: Path) -> None:
    settings = Settings(data=tmp_path / "data", mode="demo", root_key="unattended")
    await filled(await open_keystore(keystore_database, settings, None), SUBJECTS)
    before = await held(await open_keystore(keystore_database, settings, None), SUBJECTS)

    for step in range(1, MOST_STEPS):
        was_killed = _killed(keystore_database, settings, None, TENANT, step)
        keyring = await open_keystore(keystore_database, settings, None)
        assert await held(keyring, SUBJECTS) == before, f"killed at step {step}"
        done = await rotate_tenant(keyring, TENANT, batch=4, progress=quietly)
        assert done.swept
        assert await held(await open_keystore(keystore_database, settings, None), SUBJECTS) == before, step
        if not was_killed:
            break
    assert 20 < step < MOST_STEPS - 1


@pytest.mark.parametrize("there_and_back", [("unattended", "unattended"), ("unattended", "file")])
async def test_a_root_key_s_rotation_killed_at_every_step(
    keystore_database: Database, tmp_path: Path, there_and_back: tuple[str, str]
) -> None:
    settings = Settings(data=tmp_path / "data", mode="demo", root_key=there_and_back[0])
    await filled(await open_keystore(keystore_database, settings, PASSPHRASE), SUBJECTS)
    before = await held(await open_keystore(keystore_database, settings, PASSPHRASE), SUBJECTS)

    for step in range(1, MOST_STEPS):
        source, target = there_and_back if settings.root_key == there_and_back[0] else there_and_back[::-1]
        was_killed = _killed(keystore_database, settings, target, None, step)
        settings = await _found(settings, source, target)
        keyring = await open_keystore(keystore_database, settings, PASSPHRASE)
        assert await held(keyring, SUBJECTS) == before, f"killed at step {step}"
        to = Provider.parse(target)
        done = await rotate_root(keystore_database, settings, PASSPHRASE, to=to, progress=quietly)
        assert done.swept
        settings = settings.model_copy(update={"root_key": target})
        after = await open_keystore(keystore_database, settings, PASSPHRASE)
        assert await held(after, SUBJECTS) == before, step
        assert [one.name for one in (settings.data / "keys").iterdir()] == [to.file]
        if not was_killed:
            break
    assert 20 < step < MOST_STEPS - 1


async def _found(settings: Settings, source: str, target: str) -> Settings:
    """The settings that fit what the killed process left: an installer would be told which."""
    keys = settings.data / "keys"
    moved = read_plan(keys) is None and not (keys / Provider.parse(source).file).exists()
    return settings.model_copy(update={"root_key": target if moved else source})
