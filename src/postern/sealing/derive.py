"""Keys from keys: HKDF-SHA256 (RFC 5869), one output per purpose, tenant and version."""

from __future__ import annotations

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from postern.sealing.envelope import KEY_ID_BYTES, Key
from postern.sealing.xaes import KEY_BYTES


def hkdf(secret: bytes, *, salt: bytes | None, info: bytes, length: int) -> bytes:
    """HKDF-SHA256, extract then expand."""
    return HKDF(algorithm=SHA256(), length=length, salt=salt, info=info).derive(secret)


def purpose_key(tenant_key: Key, *, purpose: str, tenant: int, version: int = 1) -> Key:
    """The tenant's key for `purpose` ("index/vehicle.plate", "journal", …)."""
    if not purpose or "|" in purpose:
        raise ValueError(f"a purpose is a name without '|', not {purpose!r}")
    info = f"postern/v1|{purpose}|{tenant}|{version}".encode()
    made = hkdf(tenant_key.secret, salt=None, info=info, length=KEY_BYTES + KEY_ID_BYTES)
    return Key(id=made[KEY_BYTES:], secret=made[:KEY_BYTES])
