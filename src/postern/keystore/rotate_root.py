"""A new root key, in the same holder or in another: tenant keys and the hub's key are rewrapped under it.

1. make the coming root key in keys/next        5. check that it alone unwraps everything
2. write the plan, keys/next/rotation.json       6. move its file into force, remove the old one
3. name it in the keystore: it wraps from now    7. remove the plan
4. rewrap in batches                             8. sweep the old rows, note the end

Until 6 both root keys are there and opened at a start, so the job may be killed anywhere and is begun again.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from postern.errors import CannotOpen, Conflict
from postern.keystore import providers, rotation_store, store, tenant_keys
from postern.keystore.providers import Provider
from postern.keystore.rootfiles import sync_folder
from postern.keystore.rootkey import RootKey
from postern.keystore.roots import NEXT, PLAN, Plan, Roots, open_roots, read_plan, write_plan
from postern.keystore.rotation_store import NO_TENANT, Kind
from postern.keystore.vault import VaultKey
from postern.postgres.pool import Database
from postern.settings import Settings

BATCH = 100
_SWEPT = ("tenant_key", "hub_key")


@dataclass(frozen=True, kw_only=True, slots=True)
class RootRotated:
    """What a run of the job did. `swept` as of a tenant's rotation; `holder`: what holds the root key now."""

    holder: Provider
    rewrapped: int
    swept: bool


async def rotate_root(
    database: Database,
    settings: Settings,
    passphrase: str | None,
    *,
    to: Provider | None = None,
    progress: Callable[[str], None],
) -> RootRotated:
    """Rotate the root key, into `to` if given, or go on with a rotation that was cut off.

    Raises Conflict while another rotation runs or one to another holder is unfinished; SettingsInvalid,
    CannotOpen or RootKeyUnavailable when one of the two holders is not at hand. Nothing is lost by that.
    """
    folder = settings.folder("keys")
    async with rotation_store.one_at_a_time(database):
        plan = read_plan(folder)
        async with database.transaction() as tx:
            under_way = await rotation_store.is_under_way(tx, Kind.ROOT, NO_TENANT)
        if plan is None and under_way:
            holder, rewrapped = providers.chosen(settings), 0
        else:
            plan = await _planned(settings, passphrase, plan, to)
            roots = await open_roots(settings, passphrase, fresh=False)
            progress(f"The root key moves from {plan.old.kind} to {plan.new.kind}")
            holder, rewrapped = plan.new, await _move(database, roots, plan)
            _put_in_force(folder, plan)
        shutil.rmtree(folder / NEXT, ignore_errors=True)  # with drafts of one who was killed
        progress(f"{rewrapped} keys rewrapped; sweeping the old ones")
        swept = await rotation_store.sweep(database, Kind.ROOT, NO_TENANT, _SWEPT)
        return RootRotated(holder=holder, rewrapped=rewrapped, swept=swept)


async def _planned(
    settings: Settings, passphrase: str | None, plan: Plan | None, to: Provider | None
) -> Plan:
    """The rotation under way, or a new one whose coming root key is made."""
    if plan is not None:
        if to is not None and to.text != plan.new.text:
            raise Conflict(
                f"A rotation of the root key to {plan.new.kind} is unfinished: run 'postern keys rotate "
                "root' without --to until it is done."
            )
        return plan
    folder, old = settings.folder("keys"), providers.chosen(settings)
    new = to or old
    providers.refuse_unguarded(settings, new)
    current = (await open_roots(settings, passphrase, fresh=False)).newest
    shutil.rmtree(folder / NEXT, ignore_errors=True)  # made by one that was cut off before it had a plan
    coming = settings.folder(f"keys/{NEXT}") / new.file
    if isinstance(current, VaultKey) and new == old:
        await current.rotate()
    await providers.create(new, coming, settings, passphrase)
    sync_folder(folder)
    made = Plan(old=old, new=new)
    write_plan(folder, made)
    return made


async def _move(database: Database, roots: Roots, plan: Plan) -> int:
    """Wrap everything under the newest root key; returns how many keys were rewrapped."""
    async with database.transaction() as tx:
        if not await rotation_store.is_under_way(tx, Kind.ROOT, NO_TENANT):
            await rotation_store.begin(tx, Kind.ROOT, NO_TENANT)
        await rotation_store.put_root(tx, roots.newest.id, plan.new.kind)
    done = await _rewrap_hub(database, roots)
    while (moved := await _rewrap_tenants(database, roots)) > 0:
        done += moved
    await _check(database, roots.newest)
    return done


async def _rewrap_hub(database: Database, roots: Roots) -> int:
    async with database.transaction() as tx:
        wrapped = await store.hub_key(tx)
        if wrapped is None or wrapped[1:9] == roots.newest.id:
            return 0
        secret = await roots.unwrap(wrapped, label="hub")
        await rotation_store.put_hub_rewrapped(tx, await roots.newest.wrap(secret, label="hub"))
    return 1


async def _rewrap_tenants(database: Database, roots: Roots) -> int:
    async with database.transaction() as tx:
        rows = await rotation_store.tenant_keys_under_others(tx, roots.newest.id, BATCH)
        for tenant, version, wrapped in rows:
            label = tenant_keys.label(tenant, version)
            moved = await roots.newest.wrap(await roots.unwrap(wrapped, label=label), label=label)
            await rotation_store.put_tenant_rewrapped(tx, tenant, version, moved)
    return len(rows)


async def _check(database: Database, newest: RootKey) -> None:
    """Have the new root key unwrap all of it, before the old one goes."""
    async with database.transaction() as tx:
        hub, tenants = await store.hub_key(tx), await rotation_store.all_tenant_keys(tx)
        await rotation_store.note_last_change(tx, Kind.ROOT, NO_TENANT)
    try:
        if hub is not None:
            await newest.unwrap(hub, label="hub")
        for tenant, version, wrapped in tenants:
            await newest.unwrap(wrapped, label=tenant_keys.label(tenant, version))
    except CannotOpen as fault:
        raise CannotOpen(
            "The new root key does not unwrap all that it wrapped, so the old one was kept; run "
            "'postern doctor', and the rotation again."
        ) from fault


def _put_in_force(folder: Path, plan: Plan) -> None:
    coming = folder / NEXT / plan.new.file
    if coming.exists():
        coming.replace(folder / plan.new.file)
        sync_folder(folder)
    if plan.old.file != plan.new.file:
        (folder / plan.old.file).unlink(missing_ok=True)
        sync_folder(folder)
    (folder / NEXT / PLAN).unlink()
    sync_folder(folder / NEXT)
