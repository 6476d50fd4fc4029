"""Sealing to a public key: HPKE (RFC 9180), base mode, X25519, HKDF-SHA256, AES-256-GCM.

A box at a site seals to the hub what it cannot read again itself. The result is
`enc(32) ‖ ciphertext ‖ tag(16)`. It does not authenticate its sender: what needs that is signed (`signing`).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from postern.errors import CannotOpen
from postern.sealing.framing import frame

SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def generate() -> bytes:
    """A fresh X25519 private key, 32 bytes."""
    return X25519PrivateKey.generate().private_bytes_raw()


def public_of(private: bytes) -> bytes:
    """The 32-byte public key that belongs to `private`."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_to(public: bytes, plaintext: bytes, *, info: bytes, aad: bytes) -> bytes:
    """Seal for the holder of the private key. It opens only with the same `info` (what) and `aad` (where)."""
    return SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), _bound(info, aad))


def open_from(private: bytes, sealed: bytes, *, info: bytes, aad: bytes) -> bytes:
    """The plaintext. CannotOpen for another key, `info` or `aad`, or any changed byte."""
    try:
        return SUITE.decrypt(sealed, X25519PrivateKey.from_private_bytes(private), _bound(info, aad))
    except (InvalidTag, ValueError):
        raise CannotOpen("It does not open: it was changed, moved, or sealed to another key.") from None


def _bound(info: bytes, aad: bytes) -> bytes:
    """One HPKE `info` that carries both.

    The library's interface has no argument for associated data. With one message per encapsulation,
    RFC 9180's key schedule binds `info` at least as tightly: another `info` is another key.
    """
    return frame(info, aad)
