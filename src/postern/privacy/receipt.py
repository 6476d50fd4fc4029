"""The receipt of an erasure or a withdrawal: what was destroyed, what was tried, what the law keeps.

It names nobody: the subject is its random id. Signed by the tenant's `receipts` key over the bytes that
`documents.to_bytes` gives; whoever has the public key checks it without the hub.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from postern import documents
from postern.errors import BadInput
from postern.ids import AgentId, SiteId, TenantId
from postern.sealing import signing

SIGNING_KEY = "receipts"
SIGNATURE_PURPOSE = "receipt"
_KEY_BYTES = 32


class Deed(StrEnum):
    """What was done."""

    ERASURE = "erasure"
    WITHDRAWAL = "withdrawal"


@dataclass(frozen=True, kw_only=True, slots=True)
class DestroyedKey:
    """A key that no longer exists: its purpose and its public id in hexadecimal digits."""

    purpose: str
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Count:
    """So many of something."""

    what: str
    count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Tried:
    """How many of something were tried afterwards with every key that is left, and how many opened."""

    what: str
    tried: int
    opened: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Kept:
    """What is kept, on what legal basis, and until which day (None: see `basis`)."""

    what: str
    basis: str
    until: date | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentProof:
    """An agent's own signed word that nothing is left with it; without a time it is still awaited."""

    site: SiteId
    agent: AgentId
    confirmed_at: datetime | None = None
    policy: str | None = None
    signature: bytes | None = None
    sign_public: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """Everything that is certified. `issued_at` and `agents` are of the moment it is handed out."""

    id: UUID
    tenant: TenantId
    deed: Deed
    subject: UUID
    subject_kind: str
    done_at: datetime
    issued_at: datetime
    destroyed: tuple[DestroyedKey, ...]
    removed: tuple[Count, ...]
    tried: tuple[Tried, ...]
    kept: tuple[Kept, ...]
    backups_turned_over: date
    agents: tuple[AgentProof, ...] = ()

    @property
    def tried_in_all(self) -> int:
        """How many things were tried."""
        return sum(one.tried for one in self.tried)

    @property
    def opened_in_all(self) -> int:
        """How many of them opened; a receipt is issued for 0 only."""
        return sum(one.opened for one in self.tried)


def signed(receipt: Receipt, private: bytes) -> bytes:
    """The receipt as a JSON document with its signature."""
    signature = signing.sign(private, documents.to_bytes(receipt), purpose=SIGNATURE_PURPOSE)
    document = {
        "receipt": json.loads(documents.to_bytes(receipt)),
        "signature": base64.b64encode(signature).decode(),
        "public_key": base64.b64encode(signing.public_of(private)).decode(),
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode()


def public_key_of(text: str) -> bytes:
    """The key as the privacy desk shows it, in hexadecimal digits. Raises BadInput."""
    try:
        key = bytes.fromhex(text.strip())
    except ValueError:
        key = b""
    if len(key) != _KEY_BYTES:
        raise BadInput(
            f"a receipts' key has {2 * _KEY_BYTES} hexadecimal digits; copy it from the privacy desk"
        )
    return key


def verified(document: bytes, public: bytes) -> Receipt:
    """The receipt, if it is signed by that key. Raises BadInput or CannotVerify."""
    try:
        fields = json.loads(document)
        plain = json.dumps(fields["receipt"], ensure_ascii=False, separators=(",", ":")).encode()
        signature = base64.b64decode(fields["signature"], validate=True)
    except (ValueError, KeyError, TypeError):
        raise BadInput("this is no receipt of an erasure or a withdrawal") from None
    signing.verify(public, plain, signature, purpose=SIGNATURE_PURPOSE)
    return documents.from_bytes(Receipt, plain)
