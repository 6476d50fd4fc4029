"""Passkeys of people on their own pages: choose one by the one-time link, and sign in with it."""

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
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from postern.errors import KeyDestroyed, NotSignedIn
from postern.ids import PersonId, TenantId
from postern.operations.operators.ceremonies import (
    Ceremony,
    ask_for_any,
    challenge_of,
    host_of,
    remember,
    verify_made,
    verify_used,
)
from postern.operations.operators.members import SignedInMember, link_owner, set_up, shown_name, start_login
from postern.operations.services import Services
from postern.postgres.pool import Transaction, confine
from postern.privacy import member_store as store
from postern.privacy.member import Member, MemberSecrets, OwnPasskey
from postern.privacy.member_store import KnownMember

_REFUSED = "this passkey was not accepted; try again, or ask for a new link"
_MARK = b"m"
"""Begins the handles of members, so that none is taken for an operator's."""
_HANDLE_BYTES = len(_MARK) + 4 + 16


async def begin_link_passkey(services: Services, link: str) -> Ceremony:
    """Ask the browser for a passkey of the link's owner. The link stays good. Raises NotFound."""
    async with services.database.transaction() as tx:
        known = await link_owner(services, tx, link)
        options = generate_registration_options(
            rp_id=host_of(services),
            rp_name="Postern",
            user_id=_handle(known.member),
            user_name=shown_name(known.member.name),
            authenticator_selection=AuthenticatorSelectionCriteria(
                resident_key=ResidentKeyRequirement.REQUIRED,
                user_verification=UserVerificationRequirement.REQUIRED,
            ),
        )
        secret = await remember(services, tx, options.challenge)
    return Ceremony(options=options_to_json(options), secret=secret)


async def spend_link_with_passkey(
    services: Services, link: str, *, secret: str, answer: str
) -> SignedInMember:
    """Make the passkey the person's one way to sign in, spend the link, sign in.

    Raises BadInput when the passkey does not verify, and NotFound when the link is not good (any more).
    """
    async with services.database.transaction() as tx:
        known = await link_owner(services, tx, link)
        challenge = await challenge_of(services, tx, secret)
        verified = verify_made(services, challenge, answer)
        passkey = OwnPasskey(
            credential_id=verified.credential_id,
            public_key=verified.credential_public_key,
            sign_count=verified.sign_count,
        )
        return await set_up(services, tx, known, link, MemberSecrets(passkeys=(passkey,)))


async def begin_sign_in(services: Services) -> Ceremony:
    """Ask the browser for any passkey of this hub."""
    return await ask_for_any(services)


async def finish_sign_in(services: Services, *, secret: str, answer: str) -> SignedInMember:
    """Sign in with the passkey that the browser used. Raises NotSignedIn when it does not verify."""
    async with services.database.transaction() as tx:
        challenge = await challenge_of(services, tx, secret)
        try:
            given = parse_authentication_credential_json(answer)
            known = await _by_handle(services, tx, given.response.user_handle)
            kept = known.secrets
            passkey = next(one for one in kept.passkeys if one.credential_id == given.raw_id)
            verified = verify_used(services, challenge, given, passkey)
        except (WebAuthnException, StopIteration, ValueError, KeyDestroyed) as fault:
            raise NotSignedIn(_REFUSED) from fault
        used = replace(passkey, sign_count=verified.new_sign_count)
        changed = tuple(used if one is passkey else one for one in kept.passkeys)
        await store.put(tx, services.keyring, known, replace(kept, passkeys=changed))
        return await start_login(services, tx, known.member, detail="passkey")


async def _by_handle(services: Services, tx: Transaction, handle: bytes | None) -> KnownMember:
    if handle is None or len(handle) != _HANDLE_BYTES or not handle.startswith(_MARK):
        raise ValueError("no handle of ours")
    tenant, person = TenantId(int.from_bytes(handle[1:5])), PersonId(UUID(bytes=handle[5:]))
    await confine(tx, tenant)
    known = await store.get(tx, services.keyring, tenant, person)
    if known is None:
        raise ValueError("no such member")
    return known


def _handle(member: Member) -> bytes:
    return _MARK + member.tenant.to_bytes(4) + member.person.bytes
