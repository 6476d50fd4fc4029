"""What every passkey's ceremony needs: a challenge that is asked once, and the name it is bound to."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

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
