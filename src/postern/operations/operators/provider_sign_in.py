"""Sign in with the organisation's own provider of identities, and say which subject there an operator is.

1. `begin` remembers what for, by the SHA-256 of a secret that goes into the browser's cookie, and gives the
   provider's address. State, nonce and PKCE verifier are derived from that secret: none of them is stored.
2. The browser comes back with the cookie, the state and a code. `finish` takes the way up, once.
3. The subject that the provider then names must be linked with an operator. Nobody is added, nobody's role
   changes, and whatever is wrong is answered alike.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from datetime import timedelta

from postern.errors import BadInput, NotFound, NotSignedIn
from postern.ids import TenantId
from postern.journal.model import Act
from postern.operations.operators.operators import actor_of
from postern.operations.operators.sign_in import JOB, SignedIn, is_over, note_failure, start_login
from postern.operations.operators.sign_in_port import Answer, SignInProvider, WayThere
from postern.operations.services import Services
from postern.operations.trace import trace, trace_as
from postern.operators import provider_store as providers
from postern.operators import store
from postern.operators.model import Actor, Operator, SignInSecrets
from postern.operators.provider_store import Ceremony, ProviderLink, ProviderSubject, Wanted
from postern.operators.sign_in_store import NOWHERE, CameFrom
from postern.postgres.pool import Transaction, confine

GOOD_FOR = timedelta(minutes=10)
BACK = "/sign-in/provider/return"
HOW = "provider"
_WHY = "set how to sign in"
_AGAIN = "this sign-in was begun elsewhere, took too long or was used already; start again"
_REFUSED = "the sign-in provider's answer was not accepted here; ask an administrator if it goes on"


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """Where the browser goes, and the secret that it keeps in a cookie meanwhile."""

    url: str
    secret: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """What came of it: a login, or (None) a link with whoever is signed in."""

    wanted: Wanted
    signed: SignedIn | None


async def begin(services: Services, wanted: Wanted, *, bound: str | None = None) -> Begun:
    """Set out for the provider. `bound`: the secret of the login or of the one-time link that is linked.

    Raises NotFound where no provider is set, and Unavailable when it does not answer.
    """
    provider = _provider(services)
    secret, now = secrets.token_urlsafe(32), services.clock.now()
    url = await provider.address(_way(services, secret), now)
    ceremony = Ceremony(wanted=wanted, bound=None if bound is None else _digest(bound))
    async with services.database.transaction() as tx:
        await providers.put_ceremony(tx, _digest(secret), ceremony, now + GOOD_FOR)
    return Begun(url=url, secret=secret)


async def finish(
    services: Services,
    *,
    secret: str,
    state: str,
    answer: Answer,
    login: str | None = None,
    came_from: CameFrom = NOWHERE,
) -> Finished:
    """Come back from the provider. `login`: the secret of the login that the browser has, if any.

    Raises BadInput when the way is not (any more) this browser's, NotSignedIn when the answer is not good or
    names nobody here, Unavailable when the provider is away.
    """
    provider, now = _provider(services), services.clock.now()
    way = _way(services, secret)
    async with services.database.transaction() as tx:
        ceremony = await providers.take_ceremony(tx, _digest(secret), now)
    if ceremony is None or not hmac.compare_digest(state.encode(), way.state.encode()):
        raise BadInput(_AGAIN)
    whose = await provider.subject(way, answer, now)
    if ceremony.wanted is Wanted.SIGN_IN:
        return Finished(wanted=ceremony.wanted, signed=await _sign_in(services, whose, came_from))
    if ceremony.wanted is Wanted.PROFILE:
        if login is None or ceremony.bound != _digest(login):
            raise BadInput(_AGAIN)
        await _link_own(services, provider, whose, _digest(login))
        return Finished(wanted=ceremony.wanted, signed=None)
    signed = await _spend_link(services, provider, whose, ceremony.bound or b"", came_from)
    return Finished(wanted=ceremony.wanted, signed=signed)


async def own_link(services: Services, actor: Actor) -> ProviderLink | None:
    """Who the operator is at the provider."""
    async with services.database.transaction(actor.tenant) as tx:
        return await providers.link_of(tx, services.keyring, await _own(services, tx, actor))


async def unlink(services: Services, actor: Actor) -> None:
    """End the operator's link. Raises BadInput when it is their only way to sign in, NotFound without one."""
    async with services.database.transaction(actor.tenant) as tx:
        operator = await _own(services, tx, actor)
        kept = await store.secrets(tx, services.keyring, operator)
        if kept.password_hash is None and not kept.passkeys:
            raise BadInput("this is your only way to sign in; add a passkey first")
        if not await providers.remove_link(tx, services.keyring, operator.tenant, operator.id):
            raise NotFound("you are not linked with the sign-in provider")
        await trace(services, tx, actor, Act.REMOVED, purpose=_WHY, detail=HOW)


async def _sign_in(services: Services, whose: ProviderSubject, came_from: CameFrom) -> SignedIn:
    async with services.database.transaction() as tx:
        operator = await providers.operator_of(tx, services.keyring, whose)
        if operator is not None and not operator.disabled:
            return await start_login(services, tx, operator, detail=HOW, came_from=came_from)
        near = operator or await store.stand_in(tx)
        if near is not None:
            await _note_refusal(services, tx, near.tenant, operator, came_from)
    raise NotSignedIn(_REFUSED)


async def _note_refusal(
    services: Services, tx: Transaction, tenant: TenantId, operator: Operator | None, came_from: CameFrom
) -> None:
    """Written down like a wrong password; of a subject that is nobody here, not even what it is called."""
    await confine(tx, tenant)
    await note_failure(services, tx, tenant, operator, how=HOW, came_from=came_from)
    who = operator.login_name if operator is not None else JOB
    detail = "provider: disabled" if operator is not None else "provider: nobody here"
    await trace_as(services, tx, tenant, who, Act.REFUSED, purpose="sign in", detail=detail)


async def _link_own(
    services: Services, provider: SignInProvider, whose: ProviderSubject, login: bytes
) -> None:
    now = services.clock.now()
    async with services.database.transaction() as tx:
        known = await store.login_of(tx, services.keyring, login)
        if known is None or known.operator.disabled or is_over(known.login, now):
            raise NotSignedIn("sign in first")
        await confine(tx, known.operator.tenant)
        await _put_link(services, tx, provider, known.operator, whose)


async def _spend_link(
    services: Services, provider: SignInProvider, whose: ProviderSubject, bound: bytes, came_from: CameFrom
) -> SignedIn:
    """The provider becomes the link's owner's one way to sign in."""
    async with services.database.transaction() as tx:
        owner = await store.link_owner(tx, services.keyring, bound, services.clock.now())
        if owner is None or owner.disabled:
            raise NotFound("this link is not good (any more); ask for a new one")
        await confine(tx, owner.tenant)
        await _put_link(services, tx, provider, owner, whose)
        await store.put_secrets(tx, services.keyring, owner, SignInSecrets())
        await store.end_logins(tx, services.keyring, owner.tenant, owner.id)
        await store.spend_link(tx, services.keyring, owner, bound)
        return await start_login(services, tx, owner, detail="one-time link", came_from=came_from)


async def _put_link(
    services: Services, tx: Transaction, provider: SignInProvider, operator: Operator, whose: ProviderSubject
) -> None:
    if provider.names_operators and whose.name.strip().lower() != operator.login_name:
        raise NotSignedIn(_REFUSED)
    link = ProviderLink(operator=operator.id, whose=whose, linked_at=services.clock.now())
    await providers.put_link(tx, services.keyring, operator.tenant, link)
    await trace(services, tx, actor_of(operator), Act.CHANGED, purpose=_WHY, detail=HOW)


async def _own(services: Services, tx: Transaction, actor: Actor) -> Operator:
    if actor.operator is None:
        raise NotSignedIn("sign in first")
    return await store.get(tx, services.keyring, actor.tenant, actor.operator)


def _provider(services: Services) -> SignInProvider:
    if services.provider is None:
        raise NotFound("this console has no sign-in provider; see POSTERN_OIDC_ISSUER")
    return services.provider


def _way(services: Services, secret: str) -> WayThere:
    def derived(what: str) -> str:
        return hmac.new(secret.encode(), f"postern/v1/provider/{what}".encode(), hashlib.sha256).hexdigest()

    return WayThere(
        state=derived("state"),
        nonce=derived("nonce"),
        verifier=derived("verifier"),
        back=services.public_url + BACK,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
