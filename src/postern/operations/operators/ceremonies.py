"""What every passkey's ceremony needs: a challenge that is asked once, and the name it is bound to."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from urllib.parse import urlsplit

from webauthn import (
    generate_authentication_options,
    options_to_json,
    verify_authentication_response,
    verify_registration_response,
)
from webauthn.authentication.verify_authentication_response import VerifiedAuthentication
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import AuthenticationCredential, UserVerificationRequirement
from webauthn.registration.verify_registration_response import VerifiedRegistration

from postern.errors import BadInput
from postern.operations.services import Services
from postern.operators import store
from postern.postgres.pool import Transaction

CHALLENGE_GOOD_FOR = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ceremony:
    """Options for the browser (JSON), and the secret to send back with its answer."""

    options: str
    secret: str


async def remember(services: Services, tx: Transaction, challenge: bytes) -> str:
    """Keep what an authenticator is asked to sign; returns the secret by which its answer is matched."""
    secret = secrets.token_urlsafe(24)
    await store.put_challenge(tx, _digest(secret), challenge, services.clock.now() + CHALLENGE_GOOD_FOR)
    return secret


async def challenge_of(services: Services, tx: Transaction, secret: str) -> bytes:
    """What was asked, once. Raises BadInput when it took too long."""
    challenge = await store.take_challenge(tx, _digest(secret), services.clock.now())
    if challenge is None:
        raise BadInput("this took too long; start again")
    return challenge


async def ask_for_any(services: Services) -> Ceremony:
    """Ask the browser for any passkey that it has for this hub."""
    options = generate_authentication_options(
        rp_id=host_of(services), user_verification=UserVerificationRequirement.REQUIRED
    )
    async with services.database.transaction() as tx:
        secret = await remember(services, tx, options.challenge)
    return Ceremony(options=options_to_json(options), secret=secret)


class KnownPasskey(Protocol):
    """What a signature is verified against."""

    @property
    def public_key(self) -> bytes:
        """As the authenticator told it when it was made (COSE)."""
        ...

    @property
    def sign_count(self) -> int:
        """How often it had signed when it last did."""
        ...


def verify_made(services: Services, challenge: bytes, answer: str) -> VerifiedRegistration:
    """The passkey that the browser made for the challenge. Raises BadInput."""
    try:
        return verify_registration_response(
            credential=answer,
            expected_challenge=challenge,
            expected_rp_id=host_of(services),
            expected_origin=origin_of(services),
            require_user_verification=True,
        )
    except WebAuthnException as fault:
        raise BadInput("this passkey was not accepted; try again") from fault


def verify_used(
    services: Services, challenge: bytes, given: AuthenticationCredential, passkey: KnownPasskey
) -> VerifiedAuthentication:
    """That the passkey signed the challenge. Raises WebAuthnException when it did not."""
    return verify_authentication_response(
        credential=given,
        expected_challenge=challenge,
        expected_rp_id=host_of(services),
        expected_origin=origin_of(services),
        credential_public_key=passkey.public_key,
        credential_current_sign_count=passkey.sign_count,
        require_user_verification=True,
    )


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def host_of(services: Services) -> str:
    """The console's name, to which passkeys are bound. Raises BadInput where it has none."""
    host = urlsplit(services.public_url).hostname or ""
    if not host or host.replace(".", "").isdigit() or ":" in host:
        raise BadInput("passkeys need a console with a name, not a number; set POSTERN_PUBLIC_URL")
    return host


def origin_of(services: Services) -> str:
    """Where the browser must say that it was asked."""
    parts = urlsplit(services.public_url)
    return f"{parts.scheme}://{parts.netloc}"
