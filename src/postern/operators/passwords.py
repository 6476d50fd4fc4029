"""What operators prove themselves with: passwords (argon2id), one-time codes (RFC 6238), recovery codes."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime

import pyotp
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from postern.errors import BadInput

SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 256
RECOVERY_CODES = 10
_STEP_SECONDS = 30
_HASHER = PasswordHasher()  # argon2-cffi's default is RFC 9106's low-memory setting: 64 MiB, 3 passes
_NOBODYS = _HASHER.hash(secrets.token_urlsafe(32))


def hash_password(password: str, login_name: str) -> str:
    """The argon2id hash. Raises BadInput for a password that is short, very long, or the login name."""
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise BadInput(f"choose a password of {SHORTEST_PASSWORD} to {LONGEST_PASSWORD} characters")
    if password.casefold() == login_name.casefold() or len(set(password)) < 5:
        raise BadInput("this password is too easy to guess; choose a longer sentence of your own")
    return _HASHER.hash(password)


def password_matches(password_hash: str | None, password: str) -> bool:
    """Whether it is the one. Takes as long for somebody who has none, or does not exist, as for anybody."""
    try:
        right = _HASHER.verify(password_hash or _NOBODYS, password[: LONGEST_PASSWORD + 1])
    except (VerificationError, InvalidHashError):
        return False
    return right and password_hash is not None


def new_totp_secret() -> str:
    """A fresh secret for an authenticator app, 160 bits in base32."""
    return pyotp.random_base32()


def totp_uri(secret: str, login_name: str) -> str:
    """The `otpauth://` address to show as a QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=login_name, issuer_name="Postern")


def totp_step(secret: str, code: str, at: datetime, *, after: int) -> int | None:
    """The time step of a right code (one step of tolerance either way), later than `after`; else None.

    Keep the step and give it as `after` next time: a code is good once.
    """
    digits = "".join(code.split())
    now = int(at.timestamp()) // _STEP_SECONDS
    for step in (now - 1, now, now + 1):
        if step > after and secrets.compare_digest(pyotp.TOTP(secret).generate_otp(step), digits or "-"):
            return step
    return None


def new_recovery_codes() -> tuple[str, ...]:
    """Codes of 80 bits to keep on paper; each is good once."""
    return tuple(f"{secrets.token_hex(5)}-{secrets.token_hex(5)}" for _ in range(RECOVERY_CODES))


def recovery_hash(code: str) -> bytes:
    """As a recovery code is stored: it is random, so a plain SHA-256 does."""
    return hashlib.sha256("".join(code.lower().split()).encode()).digest()
