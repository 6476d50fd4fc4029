"""Ed25519 signatures (RFC 8032). Each has a stated purpose and never passes for one of another purpose."""

from __future__ import annotations

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from postern.errors import CannotVerify
from postern.sealing.framing import frame

NOTE = "note"
"""The purpose of a C2SP signed note, which is signed bare, as its format wants it. No other message can be
taken for a note, nor a note for one: a framed message begins with a zero byte, and a note's text has none."""


def generate() -> bytes:
    """A fresh private key, 32 bytes."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_of(private: bytes) -> bytes:
    """The 32-byte public key that belongs to `private`."""
    return Ed25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def sign(private: bytes, message: bytes, *, purpose: str) -> bytes:
    """The 64-byte signature of `message` for `purpose` ("policy", "spool", …)."""
    return Ed25519PrivateKey.from_private_bytes(private).sign(_framed(message, purpose))


def verify(public: bytes, message: bytes, signature: bytes, *, purpose: str) -> None:
    """Return when the signature is good; raise CannotVerify otherwise, also for a malformed public key."""
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, _framed(message, purpose))
    except (InvalidSignature, ValueError):
        raise CannotVerify(
            f"The {purpose} signature is not by this signer over these bytes; do not act on them."
        ) from None


def _framed(message: bytes, purpose: str) -> bytes:
    return message if purpose == NOTE else frame(b"postern/v1|signature", purpose.encode(), message)
