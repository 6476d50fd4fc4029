"""XAES-256-GCM: AES-256-GCM with a 24-byte nonce, so that random nonces never collide (2^80 messages a key).

Source: https://c2sp.org/XAES-256-GCM, whose step numbers and symbols are used here. It is NIST SP 800-108r1
in counter mode with CMAC-AES256, then plain AES-256-GCM; both come from `cryptography` (OpenSSL).
"""

from __future__ import annotations

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from postern.errors import CannotOpen

KEY_BYTES = 32
NONCE_BYTES = 24
TAG_BYTES = 16

_MASK = (1 << 128) - 1
_ZERO_BLOCK = bytes(16)


def _derive(key: bytes, nonce: bytes) -> AESGCM:
    """AES-256-GCM under the derived key Kₓ; its own nonce Nₓ is `nonce[12:]`.

    ECB here is the bare block cipher on two distinct blocks, as the specification defines it, and no
    message ever passes through it. Nothing derived is kept: a destroyed key leaves no copy in a cache.
    """
    block_cipher = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
    l_block = int.from_bytes(block_cipher.update(_ZERO_BLOCK))  # 1.
    k1 = (l_block << 1) & _MASK  # 2.
    if l_block >> 127:
        k1 ^= 0x87
    m1 = int.from_bytes(b"\x00\x01X\x00" + nonce[:12])  # 3.
    m2 = m1 ^ (3 << 112)  # 4. counter 2 instead of 1
    return AESGCM(block_cipher.update((m1 ^ k1).to_bytes(16) + (m2 ^ k1).to_bytes(16)))  # 5.


def encrypt(key: bytes, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
    """Ciphertext, then the 16-byte tag. A nonce must never serve twice with one key: draw it at random."""
    _check(key, nonce)
    return _derive(key, nonce).encrypt(nonce[12:], plaintext, associated)


def decrypt(key: bytes, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
    """The plaintext, or CannotOpen when one bit of key, nonce, ciphertext or `associated` differs."""
    _check(key, nonce)
    try:
        return _derive(key, nonce).decrypt(nonce[12:], ciphertext, associated)
    except InvalidTag:
        raise CannotOpen(
            "It does not open: it was changed, moved from its place, or sealed under another key."
        ) from None


def _check(key: bytes, nonce: bytes) -> None:
    if len(key) != KEY_BYTES or len(nonce) != NONCE_BYTES:
        raise ValueError(f"XAES-256-GCM takes a key of {KEY_BYTES} bytes and a nonce of {NONCE_BYTES}")
