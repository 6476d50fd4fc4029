"""API keys: made by an administrator for an operator, told once, good for the API alone."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from uuid import UUID

from postern.clock import utc_day
from postern.errors import BadInput, NotSignedIn
from postern.ids import OperatorId, new_id
from postern.journal.model import Act
from postern.nature import Nature
from postern.operations.attendance.scope import scope_of
from postern.operations.insiders.alarms import raise_alarm
from postern.operations.keys.mark_rows import put_back
from postern.operations.names import named
from postern.operations.operators.operators import actor_of
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators import api_keys as store
from postern.operators import store as operators
from postern.operators.api_keys import ApiKey, KeyDetails
from postern.operators.concerns import Concern
from postern.operators.model import Actor, Operator
from postern.operators.roles import DUTIES, Duty, require
from postern.postgres.pool import Transaction, confine

PREFIX = "postern_"
LONGEST = timedelta(days=366)
ONLY_IN_PERSON = frozenset(
    {
        Duty.APPROVE,
        Duty.CHANGE_API_KEYS,
        Duty.CHANGE_OPERATORS,
        Duty.PLANT_BAIT,
        Duty.SEE_INSIDER_ALARMS,
    }
)
"""Duties that no key covers: they are for somebody who signed in."""
OF_ONES_PEOPLE = frozenset({Duty.SEE_HOURS, Duty.KEEP_HOURS})
"""Duties that reach, without `see-all-hours`, no further than the people whom the operator manages."""
_WHY = "API keys"
_REFUSED = "this API key is not good (any more); ask an administrator for another"


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyLine:
    """A key as the page of keys shows it. `good`: today."""

    id: UUID
    name: str
    operator: str
    scopes: tuple[str, ...]
    last_day: date
    used_day: date | None
    good: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class NewKey:
    """A key that is to ask the API for `operator`, within `scopes`, until the end of `last_day` (UTC)."""

    operator: OperatorId
    name: str
    scopes: tuple[Duty, ...]
    last_day: date


@dataclass(frozen=True, kw_only=True, slots=True)
class MadeKey:
    """A new key; `secret` is told now and never again."""

    id: UUID
    secret: str


async def make_key(services: Services, actor: Actor, wanted: NewKey) -> MadeKey:
    """Make the key. BadInput for duties that need a person, that the operator lacks, that reach nobody,
    or without an end."""
    require(actor, Duty.CHANGE_API_KEYS)
    return await _make(services, actor, wanted, Nature.REAL)


async def plant_key(services: Services, actor: Actor, wanted: NewKey) -> MadeKey:
    """A key to be left where a thief would find it. It opens nothing, and whoever tries it is told on."""
    require(actor, Duty.PLANT_BAIT)
    return await _make(services, actor, wanted, Nature.BAIT)


async def _make(services: Services, actor: Actor, wanted: NewKey, nature: Nature) -> MadeKey:
    today = utc_day(services.clock.now())
    if not today <= wanted.last_day <= today + LONGEST:
        raise BadInput(f"a key is good for {LONGEST.days} days at most, beginning today")
    secret = PREFIX + secrets.token_urlsafe(32)
    async with services.database.transaction(actor.tenant) as tx:
        owner = await operators.get(tx, services.keyring, actor.tenant, wanted.operator)
        _check_scopes(owner, wanted.scopes)
        await _check_hours(services, tx, owner, wanted.scopes)
        details = KeyDetails(
            name=named(wanted.name),
            operator=wanted.operator,
            scopes=frozenset(duty.value for duty in wanted.scopes),
            nature=nature,
        )
        key = ApiKey(id=new_id(), tenant=actor.tenant, details=details, last_day=wanted.last_day)
        await store.add(tx, services.keyring, key, _digest(secret))
        kind = "bait: key" if nature is Nature.BAIT else "key"
        detail = f"{kind} {details.name} for {owner.login_name}: {', '.join(sorted(details.scopes))}"
        await trace(services, tx, actor, Act.ADDED, purpose=_WHY, detail=detail)
    return MadeKey(id=key.id, secret=secret)


def _check_scopes(owner: Operator, scopes: Iterable[Duty]) -> None:
    wanted = frozenset(scopes)
    if not wanted:
        raise BadInput("choose at least one duty that the key covers")
    if wanted & ONLY_IN_PERSON:
        names = ", ".join(sorted(duty.value for duty in wanted & ONLY_IN_PERSON))
        raise BadInput(f"no key covers {names}: that needs somebody who signs in")
    if not wanted <= DUTIES[owner.role]:
        raise BadInput(f"a key covers no more than its operator may do; {owner.login_name} may not do that")


async def _check_hours(services: Services, tx: Transaction, owner: Operator, scopes: Iterable[Duty]) -> None:
    """BadInput for a key to nobody's hours."""
    wanted = frozenset(scopes)
    if not wanted & OF_ONES_PEOPLE:
        return
    acting = replace(actor_of(owner), scopes=frozenset(duty.value for duty in wanted))
    scope = await scope_of(services, tx, acting)
    if not scope.everybody and scope.own is None:
        raise BadInput(
            f"this key would have the hours of nobody: without {Duty.SEE_ALL_HOURS.value} it has those of "
            f"the people whom {owner.login_name} manages; add that duty, or link the operator with the "
            "person first"
        )


async def end_key(services: Services, actor: Actor, id: UUID) -> None:
    """End a key at once. NotFound when there is none."""
    require(actor, Duty.CHANGE_API_KEYS)
    async with services.database.transaction(actor.tenant) as tx:
        key = await store.get(tx, services.keyring, actor.tenant, id)
        await store.end(tx, services.keyring, key)
        await trace(services, tx, actor, Act.REMOVED, purpose=_WHY, detail=f"key {key.details.name} ended")
    await put_back(services, actor.tenant)  # the row of before is good no more, from now on


async def keys(services: Services, actor: Actor) -> list[KeyLine]:
    """The organisation's keys, ended ones too. Bait stands among them and looks like any other."""
    require(actor, Duty.CHANGE_API_KEYS)
    today = utc_day(services.clock.now())
    async with services.database.transaction(actor.tenant) as tx:
        found = await store.every(tx, services.keyring, actor.tenant)
        names = {one.id: one.login_name for one in await operators.operators(tx, actor.tenant)}
    return [
        KeyLine(
            id=one.id,
            name=one.details.name,
            operator=names.get(one.details.operator, "–"),
            scopes=tuple(sorted(one.details.scopes)),
            last_day=one.last_day,
            used_day=one.used_day,
            good=one.is_good(today),
        )
        for one in found
    ]


async def who(services: Services, secret: str) -> Actor:
    """Whom the key asks for, within its scopes. Raises NotSignedIn, alike for every key that is not good."""
    today = utc_day(services.clock.now())
    async with services.database.transaction() as tx:
        key = await store.by_digest(tx, services.keyring, _digest(secret))
        if key is not None and key.details.nature is Nature.REAL:
            await confine(tx, key.tenant)
            owner = await operators.get(tx, services.keyring, key.tenant, key.details.operator)
            if key.is_good(today) and not owner.disabled:
                await store.note_use(tx, key, today)
                name = f"{owner.login_name}/{key.details.name}"
                return replace(actor_of(owner), name=name, scopes=key.details.scopes)
    if key is not None and key.details.nature is Nature.BAIT:
        await _tell_of_bait(services, key)
    raise NotSignedIn(_REFUSED)


async def _tell_of_bait(services: Services, key: ApiKey) -> None:
    async with services.database.transaction(key.tenant) as tx:
        await raise_alarm(
            services,
            tx,
            key.tenant,
            Concern.BAIT_KEY_USED,
            about=f"API key {key.details.name}",
            principal=str(key.id),
        )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
