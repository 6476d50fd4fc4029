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


class Xaes:
    """One key, ready for many messages: the bare block cipher, and the subkey K1 of steps 1 and 2.

    ECB here is AES on two distinct blocks, as the specification defines it, and no message passes through it.
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"XAES-256-GCM takes a key of {KEY_BYTES} bytes")
        self._blocks = Cipher(algorithms.AES(key), modes.ECB()).encryptor()  # noqa: S305
        l_block = int.from_bytes(self._blocks.update(bytes(16)))  # 1.
        self._k1 = (l_block << 1) % (1 << 128) ^ (0x87 if l_block >> 127 else 0)  # 2.

    def encrypt(self, nonce: bytes, plaintext: bytes, associated: bytes) -> bytes:
        """Ciphertext, then the 16-byte tag. A nonce must never serve twice with one key: draw it."""
        return self._derive(nonce).encrypt(nonce[12:], plaintext, associated)

    def decrypt(self, nonce: bytes, ciphertext: bytes, associated: bytes) -> bytes:
        """The plaintext, or CannotOpen when one bit of key, nonce, ciphertext or `associated` differs."""
        try:
            return self._derive(nonce).decrypt(nonce[12:], ciphertext, associated)
        except InvalidTag:
            raise CannotOpen("It does not open: it was changed, moved, or sealed by another key.") from None

    def _derive(self, nonce: bytes) -> AESGCM:
        """AES-256-GCM under the derived key Kₓ, never kept; its own nonce Nₓ is `nonce[12:]`."""
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"XAES-256-GCM takes a nonce of {NONCE_BYTES} bytes")
        m1 = int.from_bytes(b"\x00\x01X\x00" + nonce[:12]) ^ self._k1  # 3.
        m2 = m1 ^ (3 << 112)  # 4. counter 2 instead of 1
        return AESGCM(self._blocks.update(m1.to_bytes(16) + m2.to_bytes(16)))  # 5.
