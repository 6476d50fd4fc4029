"""Passkeys (WebAuthn), where the console has a name: register one, and sign in with one."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from webauthn import (
    generate_registration_options,
    options_to_json,
)
from webauthn.helpers import parse_authentication_credential_json
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from postern.errors import BadInput, NotFound, NotSignedIn
from postern.ids import OperatorId, TenantId
from postern.journal.model import Act
from postern.operations.operators.ceremonies import (
    Ceremony,
    ask_for_any,
    challenge_of,
    host_of,
    remember,
    verify_made,
    verify_used,
)
from postern.operations.operators.sign_in import SignedIn, start_login
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators import provider_store as providers
from postern.operators import store
from postern.operators.model import Actor, Operator, Passkey
from postern.operators.sign_in_store import NOWHERE, CameFrom
from postern.postgres.pool import Transaction

MOST_PASSKEYS = 10
_REFUSED = "this passkey was not accepted; try again, or sign in with your password"


async def begin_registration(services: Services, actor: Actor) -> Ceremony:
    """Ask the browser for a new passkey of the signed-in operator."""
    async with services.database.transaction(actor.tenant) as tx:
        operator = await _own(services, tx, actor)
        kept = await store.secrets(tx, services.keyring, operator)
        options = generate_registration_options(
            rp_id=host_of(services),
            rp_name="Postern",
            user_id=_handle(operator),
            user_name=operator.login_name,
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
            exclude_credentials=[
                PublicKeyCredentialDescriptor(id=one.credential_id) for one in kept.passkeys
            ],
        )
        secret = await remember(services, tx, options.challenge)
    return Ceremony(options=options_to_json(options), secret=secret)


async def finish_registration(
    services: Services, actor: Actor, *, secret: str, answer: str, name: str
) -> Passkey:
    """Keep the passkey that the browser made. Raises BadInput when it does not verify."""
    async with services.database.transaction(actor.tenant) as tx:
        operator = await _own(services, tx, actor)
        challenge = await challenge_of(services, tx, secret)
        verified = verify_made(services, challenge, answer)
        passkey = Passkey(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
            name=" ".join(name.split())[:60] or "passkey",
        )
        kept = await store.secrets(tx, services.keyring, operator)
        if len(kept.passkeys) >= MOST_PASSKEYS:
            raise BadInput(f"{MOST_PASSKEYS} passkeys are the most; remove one first")
        changed = replace(kept, passkeys=(*kept.passkeys, passkey))
        await store.put_secrets(tx, services.keyring, operator, changed)
        await trace(services, tx, actor, Act.ADDED, purpose="set how to sign in", detail="passkey")
    return passkey


async def passkeys(services: Services, actor: Actor) -> tuple[Passkey, ...]:
    """The operator's own passkeys."""
    async with services.database.transaction(actor.tenant) as tx:
        return (await store.secrets(tx, services.keyring, await _own(services, tx, actor))).passkeys


async def remove_passkey(services: Services, actor: Actor, credential_id: bytes) -> None:
    """Forget one. Raises BadInput when it is the only way to sign in."""
    async with services.database.transaction(actor.tenant) as tx:
        operator = await _own(services, tx, actor)
        kept = await store.secrets(tx, services.keyring, operator)
        rest = tuple(one for one in kept.passkeys if one.credential_id != credential_id)
        linked = await providers.link_of(tx, services.keyring, operator)
        if kept.password_hash is None and not rest and linked is None:
            raise BadInput("this is your only way to sign in; set a password first")
        await store.put_secrets(tx, services.keyring, operator, replace(kept, passkeys=rest))
        await trace(services, tx, actor, Act.REMOVED, purpose="set how to sign in", detail="passkey")


async def begin_sign_in(services: Services) -> Ceremony:
    """Ask the browser for any passkey of this console."""
    return await ask_for_any(services)


async def finish_sign_in(
    services: Services, *, secret: str, answer: str, came_from: CameFrom = NOWHERE
) -> SignedIn:
    """Sign in with the passkey that the browser used. Raises NotSignedIn when it does not verify."""
    async with services.database.transaction() as tx:
        challenge = await challenge_of(services, tx, secret)
        try:
            given = parse_authentication_credential_json(answer)
            operator = await _by_handle(services, tx, given.response.user_handle)
            kept = await store.secrets(tx, services.keyring, operator)
            passkey = next(one for one in kept.passkeys if one.credential_id == given.raw_id)
            verified = verify_used(services, challenge, given, passkey)
        except (WebAuthnException, StopIteration, ValueError) as fault:
            raise NotSignedIn(_REFUSED) from fault
        used = replace(passkey, sign_count=verified.new_sign_count)
        changed = tuple(used if one is passkey else one for one in kept.passkeys)
        await store.put_secrets(tx, services.keyring, operator, replace(kept, passkeys=changed))
        return await start_login(services, tx, operator, detail="passkey", came_from=came_from)


async def _by_handle(services: Services, tx: Transaction, handle: bytes | None) -> Operator:
    if handle is None or len(handle) != 20:
        raise ValueError("no handle of ours")
    tenant, id = TenantId(int.from_bytes(handle[:4])), OperatorId(UUID(bytes=handle[4:]))
    try:
        operator = await store.get(tx, services.keyring, tenant, id)
    except NotFound as fault:
        raise ValueError("no such operator") from fault
    if operator.disabled:
        raise ValueError("no such operator")
    return operator


def _handle(operator: Operator) -> bytes:
    return operator.tenant.to_bytes(4) + operator.id.bytes


async def _own(services: Services, tx: Transaction, actor: Actor) -> Operator:
    if actor.operator is None:
        raise NotSignedIn("sign in first")
    return await store.get(tx, services.keyring, actor.tenant, actor.operator)
