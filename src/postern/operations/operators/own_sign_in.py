"""An operator's own ways to sign in: a new password, a new authenticator."""

from __future__ import annotations

from dataclasses import replace

from postern.errors import BadInput, NotSignedIn
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators import store
from postern.operators.model import Actor, Operator
from postern.operators.passwords import hash_password, password_matches, totp_step
from postern.postgres.pool import Transaction

_WHY = "set how to sign in"


async def change_password(services: Services, actor: Actor, *, present: str, password: str) -> None:
    """Set a new password and end every other login. BadInput for a wrong present or a weak new one."""
    async with services.database.transaction(actor.tenant) as tx:
        operator = await _own(services, tx, actor)
        kept = await store.secrets(tx, services.keyring, operator)
        if not password_matches(kept.password_hash, present):
            raise BadInput("the present password is wrong")
        changed = replace(kept, password_hash=hash_password(password, operator.login_name))
        await store.put_secrets(tx, services.keyring, operator, changed)
        await store.end_logins(tx, services.keyring, operator.tenant, operator.id, but=actor.login)
        await trace(services, tx, actor, Act.CHANGED, purpose=_WHY, detail="password")


async def change_totp(services: Services, actor: Actor, *, totp_secret: str, totp_code: str) -> None:
    """Take another authenticator; the old one stops working. BadInput when its code is wrong."""
    async with services.database.transaction(actor.tenant) as tx:
        operator = await _own(services, tx, actor)
        kept = await store.secrets(tx, services.keyring, operator)
        try:
            step = totp_step(totp_secret, totp_code, services.clock.now(), after=0)
        except ValueError as fault:
            raise BadInput("scan the QR code again; its secret was changed on the way") from fault
        if step is None:
            raise BadInput("the code from the authenticator is wrong; type the one that it shows now")
        changed = replace(kept, totp_secret=totp_secret, totp_last_step=step)
        await store.put_secrets(tx, services.keyring, operator, changed)
        await trace(services, tx, actor, Act.CHANGED, purpose=_WHY, detail="authenticator")


async def _own(services: Services, tx: Transaction, actor: Actor) -> Operator:
    if actor.operator is None:
        raise NotSignedIn("sign in first")
    return await store.get(tx, services.keyring, actor.tenant, actor.operator)
