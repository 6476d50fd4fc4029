"""The desk for keys: what it tells, who may have them rotated, and rotations that go on after a restart."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import replace
from datetime import date, timedelta

import pytest

from postern import hub as hub_process
from postern.errors import BadInput, Conflict, Refused, RootKeyUnavailable
from postern.journal import store as journal
from postern.keystore import open_keystore, rotate_root, rotation_store
from postern.keystore import rotate_tenant as rotate_tenant_module
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.providers import Provider
from postern.keystore.roots import read_plan
from postern.keystore.rotation_store import NO_TENANT, Kind
from postern.operations.demo import Demo
from postern.operations.keys import key_desk, rotate_index
from postern.operations.keys.rotate_keys import resume, rotate_root_key, rotate_tenant_key
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.postgres.pool import Database
from postern.settings import Settings
from postern.supervise import Handover
from tests.flows.operations.test_operations_rotate_index import problems
from tests.flows.operations.test_operations_rotate_keys import quietly, settings

__all__ = ["settings"]

PASSPHRASE = "correct horse battery staple"
WHY = "an administrator left"


@pytest.fixture
async def whole(hub: Services, demo: Demo, keystore_database: Database, settings: Settings) -> Services:
    """The hub with its keystore opened as at a start."""
    return replace(hub, keyring=await open_keystore(keystore_database, settings, PASSPHRASE))


def keyring_of(services: Services) -> PostgresKeyring:
    assert isinstance(services.keyring, PostgresKeyring)
    return services.keyring


async def state_of(services: Services, actor: Actor, kind: str) -> key_desk.KeyState:
    return next(one for one in (await key_desk.keys(services, actor)).states if one.age.kind == kind)


async def test_the_desk_tells_ages_and_when_a_rotation_is_due(whole: Services, admin: Actor) -> None:
    today = date.today()  # noqa: DTZ011 - the keystore's days are its server's
    root, tenant = await state_of(whole, admin, "root"), await state_of(whole, admin, "tenant")
    assert (root.age.holder, root.age.due) == ("unattended", today + timedelta(days=730))
    assert (tenant.age.version, tenant.age.due) == (1, today + timedelta(days=365))
    for kind in ("signing", "site-day", "subject"):
        assert (await state_of(whole, admin, kind)).age.due is None


@pytest.mark.parametrize("kind", [Kind.TENANT, Kind.INDEX])
async def test_a_rotation_started_here_goes_on_by_itself_and_is_journalled_with_its_reason(
    whole: Services, admin: Actor, kind: Kind
) -> None:
    await key_desk.start_rotation(whole, admin, kind, reason=WHY)
    with pytest.raises(Conflict, match="running already"):
        await key_desk.start_rotation(whole, admin, kind, reason=WHY)
    assert (await key_desk.keys(whole, admin)).running
    await whole.rotation.finished()

    state = await state_of(whole, admin, kind.value)
    assert (state.age.version, state.age.under_way, state.progress) == (2, False, None)
    now = await key_desk.keys(whole, admin)
    assert (now.running, now.fault) == (False, "")
    async with whole.database.transaction(admin.tenant) as tx:
        told = await journal.read(tx, whole.keyring, admin.tenant, before=None, limit=3)
    assert [one.entry.actor for one in told] == ["job:keys", "job:keys", "admin"]
    assert (told[2].entry.purpose, told[2].entry.detail) == (WHY, f"rotation: {kind.value} key")


async def test_without_a_reason_nothing_is_started(whole: Services, admin: Actor) -> None:
    with pytest.raises(BadInput, match="say why"):
        await key_desk.start_rotation(whole, admin, Kind.TENANT, reason=" ")
    assert not whole.rotation.busy


async def test_the_root_key_is_not_rotated_from_here(whole: Services, admin: Actor) -> None:
    with pytest.raises(BadInput, match="postern keys rotate root"):
        await key_desk.start_rotation(whole, admin, Kind.ROOT, reason=WHY)


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.ADMINISTRATOR])
async def test_only_administrators_start_one(whole: Services, admin: Actor, role: Role) -> None:
    with pytest.raises(Refused):
        await key_desk.start_rotation(whole, replace(admin, role=role), Kind.INDEX, reason=WHY)


async def test_while_another_process_rotates_none_is_started(whole: Services, admin: Actor) -> None:
    async with rotation_store.one_at_a_time(keyring_of(whole).database):
        assert (await key_desk.keys(whole, admin)).running
        with pytest.raises(Conflict, match="running already"):
            await key_desk.start_rotation(whole, admin, Kind.INDEX, reason=WHY)


async def test_why_one_stopped_is_told_to_its_own_tenant_only(
    whole: Services, admin: Actor, stranger: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    _cut_off(monkeypatch, rotate_index, "_move_all")
    await key_desk.start_rotation(whole, admin, Kind.INDEX, reason=WHY)
    await whole.rotation.finished()
    now = await key_desk.keys(whole, admin)
    assert (now.running, now.fault) == (False, "cut off here")
    assert whole.rotation.fault(stranger.tenant) == ""
    state = await state_of(whole, admin, "index")
    assert state.age.under_way
    assert state.progress is not None
    assert (state.progress.done, state.progress.sweeping) == (0, False)
    assert state.progress.total > 10


def _cut_off(monkeypatch: pytest.MonkeyPatch, module: object, name: str) -> None:
    """Have the job end there, as if it were killed."""

    def fail(*_: object, **__: object) -> None:
        raise RootKeyUnavailable("cut off here")

    monkeypatch.setattr(module, name, fail)


async def _unfinished(services: Services) -> set[tuple[Kind, int]]:
    async with keyring_of(services).database.transaction() as tx:
        return {(one.kind, one.tenant) for one in await rotation_store.rotations(tx) if one.ended is None}


async def test_what_was_cut_off_is_finished_when_the_hub_starts(
    whole: Services, admin: Actor, settings: Settings, keystore_database: Database
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _cut_off(patch, rotate_index, "_move_all")
        with pytest.raises(RootKeyUnavailable):
            await rotate_index.rotate_index_keys(whole, keyring_of(whole), admin.tenant, progress=quietly)
    with pytest.MonkeyPatch.context() as patch:
        _cut_off(patch, rotate_tenant_module, "_rewrap_all")
        with pytest.raises(RootKeyUnavailable):
            await rotate_tenant_key(whole, keyring_of(whole), admin.tenant, progress=quietly)
    with pytest.MonkeyPatch.context() as patch:
        _cut_off(patch, rotate_root, "_put_in_force")
        with pytest.raises(RootKeyUnavailable):
            await rotate_root_key(whole, keyring_of(whole), settings, PASSPHRASE, progress=quietly)
    assert await _unfinished(whole) == {
        (Kind.ROOT, NO_TENANT),
        (Kind.TENANT, admin.tenant),
        (Kind.INDEX, admin.tenant),
    }
    started = replace(whole, keyring=await open_keystore(keystore_database, settings, PASSPHRASE))
    assert await problems(started, admin.tenant) == []

    assert await resume(started, settings, PASSPHRASE) == 3

    assert await _unfinished(started) == set()
    assert read_plan(settings.data / "keys") is None
    again = replace(whole, keyring=await open_keystore(keystore_database, settings, PASSPHRASE))
    assert await problems(again, admin.tenant) == []
    assert await resume(again, settings, PASSPHRASE) == 0


async def test_a_root_key_on_its_way_to_another_holder_waits_for_the_command(
    whole: Services, settings: Settings
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _cut_off(patch, rotate_root, "_put_in_force")
        with pytest.raises(RootKeyUnavailable):
            await rotate_root_key(
                whole, keyring_of(whole), settings, PASSPHRASE, to=Provider.parse("file"), progress=quietly
            )
    assert await resume(whole, settings, PASSPHRASE) == 0
    assert read_plan(settings.data / "keys") is not None
    await rotate_root_key(whole, keyring_of(whole), settings, PASSPHRASE, progress=quietly)
    assert read_plan(settings.data / "keys") is None


async def test_the_hub_s_process_goes_on_with_a_rotation(
    whole: Services, admin: Actor, settings: Settings
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        _cut_off(patch, rotate_index, "_move_all")
        with pytest.raises(RootKeyUnavailable):
            await rotate_index.rotate_index_keys(whole, keyring_of(whole), admin.tenant, progress=quietly)
    handover = Handover(data="", keystore="", passphrase=PASSPHRASE)
    job = asyncio.create_task(hub_process._rotations(whole, settings, handover))
    for _ in range(200):
        if not await _unfinished(whole):
            break
        await asyncio.sleep(0.05)
    job.cancel()
    with suppress(asyncio.CancelledError):
        await job
    assert await _unfinished(whole) == set()
