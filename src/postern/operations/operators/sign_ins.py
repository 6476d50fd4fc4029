"""The history of signing in: one's own, and everybody's for those in charge; and ending somebody's logins."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from postern.clock import utc_day
from postern.errors import NotFound, NotSignedIn
from postern.ids import LoginId, OperatorId
from postern.journal.model import Act
from postern.operations.operators.sign_in import is_over
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators import sign_in_store as attempts
from postern.operators import store
from postern.operators.model import Actor, Login
from postern.operators.roles import Duty, require
from postern.operators.sign_in_store import Attempt

LOOKED_BACK = timedelta(days=90)
MOST_ROWS = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class History:
    """Attempts of the last 90 days, the latest first, and the logins that are open now.

    `names`: the login name of each operator in it.
    """

    attempts: Sequence[Attempt]
    logins: Sequence[Login]
    names: Mapping[OperatorId, str]


async def own_history(services: Services, actor: Actor) -> History:
    """The actor's own. Raises NotSignedIn for who is no operator."""
    if actor.operator is None:
        raise NotSignedIn("sign in first")
    return await _history(services, actor, actor.operator)


async def history(services: Services, actor: Actor) -> History:
    """Everybody's, attempts at names that nobody has too. Journalled."""
    require(actor, Duty.SEE_SIGN_INS)
    async with services.database.transaction(actor.tenant) as tx:
        await trace(services, tx, actor, Act.LOOKED, purpose="sign-ins")
    return await _history(services, actor, None)


async def _history(services: Services, actor: Actor, only: OperatorId | None) -> History:
    now = services.clock.now()
    async with services.database.transaction(actor.tenant) as tx:
        everyone = await store.operators(tx, actor.tenant)
        wanted = [one for one in everyone if only is None or one.id == only]
        first = utc_day(now - LOOKED_BACK)
        found = await attempts.since(tx, services.keyring, actor.tenant, first, operator=only)
        logins = [login for one in wanted for login in await store.logins(tx, one)]
    open_now = sorted(
        (one for one in logins if not is_over(one, now)), key=lambda one: one.last_used_at, reverse=True
    )
    return History(
        attempts=found[:MOST_ROWS],
        logins=open_now,
        names={one.id: one.login_name for one in wanted},
    )


async def end_own_login(services: Services, actor: Actor, id: LoginId) -> None:
    """End one of the actor's logins. Raises NotFound for one that is not theirs."""
    history = await own_history(services, actor)
    if id not in {one.id for one in history.logins}:
        raise NotFound("there is no such login; it may have ended meanwhile")
    async with services.database.transaction(actor.tenant) as tx:
        await store.end_login(tx, services.keyring, actor.tenant, id)
        await trace(services, tx, actor, Act.SIGNED_OUT, purpose="sign out elsewhere")


async def end_logins_of(services: Services, actor: Actor, id: OperatorId) -> int:
    """End every login of an operator at once; how many there were. They may sign in again."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with services.database.transaction(actor.tenant) as tx:
        operator = await store.get(tx, services.keyring, actor.tenant, id)
        ended = await store.end_logins(tx, services.keyring, actor.tenant, id)
        await trace(
            services,
            tx,
            actor,
            Act.CHANGED,
            purpose="operators",
            detail=f"logins of {operator.login_name} ended",
        )
    return ended
