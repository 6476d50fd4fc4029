"""Published test vectors from tests/vectors, and HPKE's receiving side written out from its RFC."""

from __future__ import annotations

import hmac
from pathlib import Path
from typing import Any

import yaml
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

VECTORS = Path(__file__).parents[2] / "vectors"


def vectors(name: str) -> Any:
    return yaml.safe_load((VECTORS / f"{name}.yaml").read_text())


def _extract(salt: bytes, suite: bytes, label: bytes, secret: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + secret, "sha256")


def _expand(prk: bytes, suite: bytes, label: bytes, info: bytes, length: int) -> bytes:
    assert length <= 32
    labelled = length.to_bytes(2) + b"HPKE-v1" + suite + label + info
    return hmac.digest(prk, labelled + b"\x01", "sha256")[:length]


def hpke_shared_secret(private: bytes, enc: bytes) -> bytes:
    """RFC 9180, 4.1: Decap of DHKEM(X25519, HKDF-SHA256)."""
    receiver = X25519PrivateKey.from_private_bytes(private)
    shared = receiver.exchange(X25519PublicKey.from_public_bytes(enc))
    suite = b"KEM" + (32).to_bytes(2)
    prk = _extract(b"", suite, b"eae_prk", shared)
    return _expand(prk, suite, b"shared_secret", enc + receiver.public_key().public_bytes_raw(), 32)


def hpke_key_and_nonce(shared: bytes, info: bytes) -> tuple[bytes, bytes]:
    """RFC 9180, 5.1: KeySchedule in base mode for HKDF-SHA256 and AES-256-GCM."""
    suite = b"HPKE" + (32).to_bytes(2) + (1).to_bytes(2) + (2).to_bytes(2)
    context = b"\0" + _extract(b"", suite, b"psk_id_hash", b"") + _extract(b"", suite, b"info_hash", info)
    secret = _extract(shared, suite, b"secret", b"")
    return _expand(secret, suite, b"key", context, 32), _expand(secret, suite, b"base_nonce", context, 12)


def hpke_open(private: bytes, sealed: bytes, *, info: bytes, aad: bytes) -> bytes:
    key, nonce = hpke_key_and_nonce(hpke_shared_secret(private, sealed[:32]), info)
    return AESGCM(key).decrypt(nonce, sealed[32:], aad)
