"""Spend a one-time link with a passkey instead of a password and a code."""

from __future__ import annotations

import hashlib

from postern.errors import NotFound
from postern.journal.model import Act
from postern.operations.operators.ceremonies import Ceremony
from postern.operations.operators.operators import actor_of, look_at_link
from postern.operations.operators.passkeys import begin_registration, finish_registration
from postern.operations.operators.sign_in import SignedIn, start_login
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators import provider_store as providers
from postern.operators import store
from postern.operators.model import SignInSecrets
from postern.operators.sign_in_store import NOWHERE, CameFrom


async def begin_link_passkey(services: Services, link_secret: str) -> Ceremony:
    """Ask the browser for a passkey of the link's owner. The link stays good. Raises NotFound."""
    link = await look_at_link(services, link_secret)
    return await begin_registration(services, actor_of(link.operator))


async def spend_link_with_passkey(
    services: Services,
    link_secret: str,
    *,
    secret: str,
    answer: str,
    name: str,
    came_from: CameFrom = NOWHERE,
) -> SignedIn:
    """Make the passkey the owner's one way to sign in, spend the link, and sign in.

    Raises BadInput when the passkey does not verify, and NotFound when the link is not good (any more).
    """
    link = await look_at_link(services, link_secret)
    actor = actor_of(link.operator)
    passkey = await finish_registration(services, actor, secret=secret, answer=answer, name=name)
    digest = hashlib.sha256(link_secret.encode()).digest()
    async with services.database.transaction(link.operator.tenant) as tx:
        owner = await store.link_owner(tx, services.keyring, digest, services.clock.now())
        if owner is None or owner.disabled:
            raise NotFound("this link was used meanwhile; ask for a new one")
        await store.put_secrets(tx, services.keyring, owner, SignInSecrets(passkeys=(passkey,)))
        await providers.remove_link(tx, services.keyring, owner.tenant, owner.id)
        await store.end_logins(tx, services.keyring, owner.tenant, owner.id)
        await store.spend_link(tx, services.keyring, owner, digest)
        await trace(services, tx, actor, Act.CHANGED, purpose="set how to sign in", detail="passkey")
        return await start_login(services, tx, owner, detail="one-time link", came_from=came_from)
