"""What operators see of keys, and how they have them rotated. A key itself is shown to nobody."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import dataclass

from postern import blind_indexes
from postern.errors import BadInput, Conflict
from postern.ids import TenantId
from postern.journal.model import Act
from postern.keystore import progress
from postern.keystore.ages import KeyAge, key_ages
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.progress import Progress
from postern.keystore.rotation_store import Kind
from postern.operations.keys.rotate_index import INDEXES
from postern.operations.keys.rotate_keys import keyring_of, rotate_index_key, rotate_tenant_key
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require

STARTED_HERE = (Kind.TENANT, Kind.INDEX)
"""What is rotated from the console. The root key needs its holders' own settings, so a command does that."""


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyState:
    """One kind of key; `progress` of the rotation that has begun and not ended."""

    age: KeyAge
    progress: Progress | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Keys:
    """The tenant's keys by kind. `running`: a process works on a rotation now; a rotation in progress without
    that was cut off. `fault`: why the last one that was started here stopped."""

    states: tuple[KeyState, ...]
    running: bool
    fault: str


async def keys(services: Services, actor: Actor) -> Keys:
    """Every kind of key: how many, how old, when rotated and when due, and how far a rotation is."""
    require(actor, Duty.SEE_KEYS)
    keyring = keyring_of(services)
    states = [
        KeyState(
            age=age, progress=await _progress(services, keyring, actor.tenant, age) if age.under_way else None
        )
        for age in await key_ages(keyring.database, actor.tenant)
    ]
    running = services.rotation.busy or await progress.is_running(keyring.database)
    return Keys(states=tuple(states), running=running, fault=services.rotation.fault(actor.tenant))


async def start_rotation(services: Services, actor: Actor, kind: Kind, *, reason: str) -> None:
    """Have the tenant's key or its index keys rotated, or go on with a rotation that was cut off.

    It goes on after this returns, and after a restart of the hub. Conflict while one runs.
    """
    require(actor, Duty.ROTATE_KEYS)
    if kind not in STARTED_HERE:
        raise BadInput("the root key is rotated by command, on the hub's machine: postern keys rotate root")
    why, keyring = stated(reason), keyring_of(services)
    if services.rotation.busy or await progress.is_running(keyring.database):
        raise Conflict("A rotation is running already; wait until it is done.")
    async with services.database.transaction(actor.tenant) as tx:
        await trace(services, tx, actor, Act.STARTED, purpose=why, detail=f"rotation: {kind.value} key")
    services.rotation.start(
        actor.tenant, f"rotate {kind.value} key", _work(services, keyring, actor.tenant, kind)
    )


def _work(
    services: Services, keyring: PostgresKeyring, tenant: TenantId, kind: Kind
) -> Coroutine[object, object, object]:
    if kind is Kind.TENANT:
        return rotate_tenant_key(services, keyring, tenant, progress=_silently)
    return rotate_index_key(services, keyring, tenant, progress=_silently)


def _silently(_: str) -> None:
    """The page reads from the databases how far it is."""


async def _progress(services: Services, keyring: PostgresKeyring, tenant: TenantId, age: KeyAge) -> Progress:
    if age.kind == Kind.INDEX:
        async with services.database.transaction(tenant) as tx:
            done, total = await blind_indexes.moved(tx, [table for table, _ in INDEXES], tenant)
        return Progress(done=done, total=total)
    async with keyring.database.transaction() as tx:
        if age.kind == Kind.TENANT:
            return await progress.of_tenant_key(tx, tenant)
        return await progress.of_root_key(tx)
