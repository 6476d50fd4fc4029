"""`postern keys`: on the hub's machine, with its own databases, whether Postern runs there or not."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from postern import wiring
from postern.errors import BadInput, Conflict, NotFound
from postern.ids import TenantId
from postern.keystore.ages import KeyAge, key_ages
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.providers import Provider, chosen
from postern.keystore.rootkey import InMemory
from postern.operations.keys.mark_rows import mark_rows
from postern.operations.keys.rotate_keys import rotate_index_key, rotate_root_key, rotate_tenant_key
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.settings import Settings
from postern.sites import store as sites
from postern.supervise import DataFolderLock, Handover, running_on

Say = Callable[[str], None]


@asynccontextmanager
async def _opened(
    settings: Settings, passphrase: str | None, say: Say
) -> AsyncIterator[tuple[Services, PostgresKeyring]]:
    """The hub's services: on the databases that run, else on those that are started for this."""
    async with contextlib.AsyncExitStack() as stack:
        running = running_on(settings.data)
        if running is not None and {"data", "keystore"} <= running.servers.keys():
            servers = running.servers
            handover = Handover(data=servers["data"], keystore=servers["keystore"], passphrase=passphrase)
        else:
            stack.enter_context(DataFolderLock(settings.data))
            handover = await stack.enter_async_context(wiring.databases(settings, say, passphrase=passphrase))
        services = await stack.enter_async_context(wiring.services(settings, handover))
        if not isinstance(services.keyring, PostgresKeyring):
            raise TypeError("wiring makes a PostgresKeyring")
        yield services, services.keyring


def as_running(settings: Settings) -> Settings:
    """The settings, in the mode of the Postern that runs on this data folder, if one does."""
    running = running_on(settings.data)
    return settings.model_copy(update={"mode": "demo"}) if running is not None and running.demo else settings


async def _tenant(services: Services, wanted: int | None) -> TenantId:
    async with services.database.transaction() as tx:
        known = await sites.tenant_ids(tx)
    if not known:
        raise NotFound("this hub holds no tenant yet; start it once with 'postern up'")
    found = [one for one in known if wanted in (None, one)]
    if len(found) != 1:
        raise BadInput(f"this hub has the tenants {', '.join(map(str, known))}; choose one with --tenant")
    return found[0]


async def show(settings: Settings, passphrase: str | None, tenant: int | None, say: Say) -> None:
    """Print what keys there are and how old."""
    async with _opened(settings, passphrase, say) as (services, keyring):
        for one in await key_ages(keyring.database, await _tenant(services, tenant)):
            say(_line(one))


def _line(age: KeyAge) -> str:
    parts = [f"{age.kind:<9}{age.count:>9}"]
    if age.version is not None:
        parts.append(f"version {age.version}")
    if age.holder is not None:
        parts.append(f"in {age.holder}")
    if age.oldest is not None:
        span = f"{age.oldest}" if age.oldest == age.newest else f"{age.oldest} to {age.newest}"
        parts.append(f"{'for' if age.kind == 'site-day' else 'made'} {span}")
    if age.rotated is not None:
        parts.append(f"rotated {age.rotated}")
    if age.under_way:
        parts.append("rotation unfinished: run it again")
    return "  ".join(parts)


async def rotate_tenant(settings: Settings, passphrase: str | None, tenant: int | None, say: Say) -> None:
    """Rotate a tenant's key."""
    async with _opened(settings, passphrase, say) as (services, keyring):
        whose = await _tenant(services, tenant)
        done = await rotate_tenant_key(services, keyring, whose, progress=say)
        say(f"Done: version {done.version}." if done.swept else _UNSWEPT)


async def rotate_index(settings: Settings, passphrase: str | None, tenant: int | None, say: Say) -> None:
    """Rotate a tenant's index keys."""
    async with _opened(settings, passphrase, say) as (services, keyring):
        whose = await _tenant(services, tenant)
        done = await rotate_index_key(services, keyring, whose, progress=say)
        say(f"Done: version {done.version}." if done.swept else _UNSWEPT)


async def rotate_root(settings: Settings, passphrase: str | None, to: str | None, say: Say) -> None:
    """Rotate the root key, into another holder if `to` names one. Conflict where the hub would not follow."""
    target = None if to is None else Provider.parse(to)
    if target is not None and target != chosen(settings) and running_on(settings.data) is not None:
        raise Conflict("Stop Postern first: a running hub cannot follow its root key to another holder.")
    async with _opened(settings, passphrase, say) as (services, keyring):
        done = await rotate_root_key(services, keyring, settings, passphrase, to=target, progress=say)
        if done.holder != chosen(settings):
            say(f"From now on start with POSTERN_ROOT_KEY={done.holder.text}")
        say("Done. Make a new safe copy of the keys folder." if done.swept else _UNSWEPT)


_UNSWEPT = (
    "The new key holds, but another session (a dump?) still sees the old rows: run this again to sweep."
)


async def copy(
    settings: Settings, passphrase: str | None, file: Path, copy_passphrase: str, say: Say
) -> None:
    """Write the root key to `file`, locked by a passphrase. BadInput where it never leaves its holder."""
    async with _opened(settings, passphrase, say) as (_, keyring):
        root = keyring.roots.newest
        if not isinstance(root, InMemory):
            raise BadInput(
                "This root key never leaves its device or Vault: copy it by their own means, and the folder "
                "'keys' beside it."
            )
        root.copy_to(file, copy_passphrase)
        say(f"{file}: to use it, put it into 'keys' as root.key and start with POSTERN_ROOT_KEY=file")


async def accept_rows(settings: Settings, passphrase: str | None, reason: str, say: Say) -> None:
    """Take the rows of the database as they stand. Conflict while a hub runs: it writes, too."""
    why = stated(reason)
    if running_on(settings.data) is not None:
        raise Conflict("Stop Postern first: a running hub writes rows while they are accepted.")
    async with _opened(settings, passphrase, say) as (services, _):
        say(f"Done: {await mark_rows(services, why=why)} rows are in force as they stand.")
