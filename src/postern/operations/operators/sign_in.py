"""Sign in and out. A login is an opaque secret in the browser, of which only the SHA-256 is kept here.

An attempt is answered alike whether the name exists or not: same words, same hashing, same back-off, same
reads and writes. About a name that nobody has, all of it is done with another operator's secrets, in vain.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from postern.errors import NotInForce, NotSignedIn, TooMany
from postern.ids import LoginId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.operators.operators import actor_of
from postern.operations.services import Services
from postern.operations.trace import trace, trace_as
from postern.operators import sign_in_store as attempts
from postern.operators import store
from postern.operators.model import Actor, Login, Operator, SignInSecrets
from postern.operators.passwords import password_matches, recovery_hash, totp_step
from postern.operators.sign_in_store import NOWHERE, Attempt, CameFrom
from postern.postgres.pool import Transaction, confine

IDLE = timedelta(hours=12)
ABSOLUTE = timedelta(days=7)
FREE_FAILURES = 4
LONGEST_WAIT = timedelta(minutes=15)
FORGOTTEN_AFTER = timedelta(days=1)
_TOUCH_EVERY = timedelta(minutes=1)

JOB = "job:sign-in"
"""Under whose name the journal has attempts at names that nobody has."""
HASHING = asyncio.Semaphore(2)
"""Each takes 64 MiB and most of a core: whoever floods the form waits for themselves."""

WRONG = "login name, password or code is wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedIn:
    """A fresh login. `secret` goes into the browser's cookie and is shown to nobody else."""

    actor: Actor
    secret: str
    language: str


async def sign_in(
    services: Services, *, login_name: str, password: str, code: str, came_from: CameFrom = NOWHERE
) -> SignedIn:
    """Sign in with a password and a one-time (or recovery) code.

    Raises NotSignedIn when anything is wrong, TooMany while too many attempts failed in a row.
    """
    name = login_name.strip().lower()
    async with services.database.transaction() as tx:
        await refuse_if_locked(services, tx, _tried(name))
        operator, other = await store.by_login_name(tx, name), await store.stand_in(tx)
        read = await _secrets(services, tx, operator or other)
    # Outside of any transaction: hashing takes long, and must not hold a connection or the event loop.
    async with HASHING:
        right = await asyncio.to_thread(
            password_matches, read.password_hash if operator is not None else None, password
        )
    async with services.database.transaction() as tx:
        kept = await _secrets(services, tx, operator or other)
        await refuse_if_locked(
            services, tx, _tried(name)
        )  # of many attempts at once, only the free ones count
        spent = _spend_code(kept, code, services.clock.now())
        proven = right and spent is not None and kept.password_hash == read.password_hash
        if operator is not None and not operator.disabled and proven and spent is not None:
            await store.put_secrets(tx, services.keyring, operator, spent)
            return await start_login(services, tx, operator, detail="password", came_from=came_from)
        await _count_failure(services, tx, name, operator, other, came_from=came_from)
    raise NotSignedIn(WRONG)


async def _secrets(services: Services, tx: Transaction, operator: Operator | None) -> SignInSecrets:
    if operator is None:
        return SignInSecrets()
    await store.require_in_force(services.keyring, operator)
    return await store.secrets(tx, services.keyring, operator)


def _spend_code(kept: SignInSecrets, code: str, at: datetime) -> SignInSecrets | None:
    """The secrets after a right one-time or recovery code was used up; None when it is wrong."""
    if kept.totp_secret is not None:
        step = totp_step(kept.totp_secret, code, at, after=kept.totp_last_step)
        if step is not None:
            return replace(kept, totp_last_step=step)
    hashed = recovery_hash(code)
    if hashed in kept.recovery_hashes:
        return replace(kept, recovery_hashes=tuple(one for one in kept.recovery_hashes if one != hashed))
    return None


async def start_login(
    services: Services, tx: Transaction, operator: Operator, *, detail: str, came_from: CameFrom = NOWHERE
) -> SignedIn:
    """A login for an operator who proved who they are, as part of `tx`."""
    await confine(tx, operator.tenant)
    secret, now = secrets.token_urlsafe(32), services.clock.now()
    login = Login(
        id=LoginId(new_id()), operator=operator.id, tenant=operator.tenant, started_at=now, last_used_at=now
    )
    await store.add_login(tx, services.keyring, login, _digest(secret))
    await attempts.add(
        tx,
        services.keyring,
        Attempt(
            id=login.id,
            tenant=operator.tenant,
            operator=operator.id,
            at=now,
            how=detail,
            came_from=came_from,
            succeeded=True,
        ),
    )
    await store.forget_failures(tx, _tried(operator.login_name), before=now - FORGOTTEN_AFTER)
    actor = replace(actor_of(operator), login=login.id)
    await trace(services, tx, actor, Act.SIGNED_IN, purpose="sign in", detail=detail)
    return SignedIn(actor=actor, secret=secret, language=operator.language)


async def who(services: Services, secret: str) -> Actor:
    """Whose login it is. Raises NotSignedIn after 12 idle hours, 7 days, or a sign-out."""
    now = services.clock.now()
    async with services.database.transaction() as tx:
        try:
            known = await store.login_of(tx, services.keyring, _digest(secret))
        except NotInForce:
            known = None
        if known is None or known.operator.disabled or is_over(known.login, now):
            raise NotSignedIn("sign in first; a login ends after 12 idle hours and after 7 days")
        if now - known.login.last_used_at >= _TOUCH_EVERY:
            await store.touch_login(tx, known.login, now)
    return replace(actor_of(known.operator), login=known.login.id)


def is_over(login: Login, now: datetime) -> bool:
    """Whether it ended by its age, or by lying idle."""
    return now - login.last_used_at >= IDLE or now - login.started_at >= ABSOLUTE


async def sign_out(services: Services, actor: Actor) -> None:
    """End this login."""
    async with services.database.transaction(actor.tenant) as tx:
        if actor.login is not None:
            await store.end_login(tx, services.keyring, actor.tenant, actor.login)
        await trace(services, tx, actor, Act.SIGNED_OUT, purpose="sign out")


async def sign_out_everywhere(services: Services, actor: Actor) -> int:
    """End all of this operator's logins; returns how many there were."""
    async with services.database.transaction(actor.tenant) as tx:
        ended = 0
        if actor.operator is not None:
            ended = await store.end_logins(tx, services.keyring, actor.tenant, actor.operator)
        await trace(services, tx, actor, Act.SIGNED_OUT, purpose="sign out everywhere")
    return ended


async def refuse_if_locked(services: Services, tx: Transaction, tried: bytes) -> None:
    """After some free failures of what was tried each doubles the wait, up to a quarter of an hour."""
    failed = await store.failures(tx, tried)
    if failed is None or failed.count <= FREE_FAILURES:
        return
    wait = min(LONGEST_WAIT, timedelta(seconds=2 ** min(failed.count - FREE_FAILURES, 10)))
    if services.clock.now() < failed.last_at + wait:
        raise TooMany("too many attempts; wait a quarter of an hour, or ask an administrator for a new link")


async def _count_failure(
    services: Services,
    tx: Transaction,
    name: str,
    operator: Operator | None,
    other: Operator | None,
    *,
    came_from: CameFrom,
) -> None:
    """Count it, and write it down: of a name that nobody has not even the name, which may be a password."""
    await store.count_failure(tx, _tried(name), services.clock.now())
    whose = operator or other
    if whose is None:
        return
    await confine(tx, whose.tenant)
    await note_failure(services, tx, whose.tenant, operator, how="password", came_from=came_from)
    who, detail = (operator.login_name, "wrong") if operator is not None else (JOB, "no such name")
    await trace_as(services, tx, whose.tenant, who, Act.REFUSED, purpose="sign in", detail=detail)


async def note_failure(
    services: Services,
    tx: Transaction,
    tenant: TenantId,
    operator: Operator | None,
    *,
    how: str,
    came_from: CameFrom,
) -> None:
    """Keep an attempt that failed, as part of `tx`: without an operator, one at a name that nobody has."""
    attempt = Attempt(
        id=new_id(),
        tenant=tenant,
        operator=operator.id if operator is not None else None,
        at=services.clock.now(),
        how=how,
        came_from=came_from,
        succeeded=False,
    )
    await attempts.add(tx, services.keyring, attempt)


def _tried(name: str) -> bytes:
    return hashlib.sha256(b"sign-in|" + name.encode()).digest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
