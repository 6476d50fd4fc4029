"""What hub and agent sign and seal between them, byte for byte, so that both ends mean the same.

Purposes of signatures: "agent-request", "spool", "policy", "journal-key". HPKE infos: `SPOOL_INFO`,
`POLICY_INFO`.
"""

from __future__ import annotations

import hashlib
from datetime import date, timedelta
from uuid import UUID

from postern.ids import AgentId, SiteId
from postern.records.model import Kind

SPOOL_INFO = b"postern/v1/spool"
POLICY_INFO = b"postern/v1/policy"
REQUEST_PURPOSE = "agent-request"
SPOOL_PURPOSE = "spool"
POLICY_PURPOSE = "policy"
ERASURE_PURPOSE = "erasure"
JOURNAL_KEY_PURPOSE = "journal-key"
TIME_WINDOW = timedelta(minutes=5)
"""How far an agent's clock may be off for its requests to pass."""
MOST_ENTRIES = 500
"""Entries in one batch of records."""


def request_message(*, method: str, path: str, time: str, nonce: str, body: bytes) -> bytes:
    """What an agent signs of a request; `path` with its query, `time` as sent in `Postern-Time`."""
    return "\n".join((method.upper(), path, time, nonce, hashlib.sha256(body).hexdigest())).encode()


def spool_aad(*, site: SiteId, agent: AgentId, seq: int, day: date, kind: Kind) -> bytes:
    """Where a spool entry belongs."""
    return f"{site}|{agent}|{seq}|{day.isoformat()}|{int(kind)}".encode()


def spool_message(*, site: SiteId, agent: AgentId, seq: int, digest: bytes) -> bytes:
    """What an agent signs of a spool entry; `digest` is the SHA-256 of the sealed entry."""
    return f"{site}|{agent}|{seq}|{digest.hex()}".encode()


def policy_aad(*, site: SiteId, agent: AgentId, epoch: int, version: int) -> bytes:
    """Where a sealed policy bundle belongs."""
    return f"{site}|{agent}|{epoch}|{version}".encode()


def policy_message(*, site: SiteId, agent: AgentId, epoch: int, version: int, sealed: bytes) -> bytes:
    """What the tenant's policy key signs of a bundle."""
    return (
        policy_aad(site=site, agent=agent, epoch=epoch, version=version)
        + b"|"
        + hashlib.sha256(sealed).digest()
    )


def erasure_message(*, site: SiteId, agent: AgentId, erasure: UUID, subject: UUID, policy: str) -> bytes:
    """What an agent signs when nothing of an erased subject is left in its memory and on its disk."""
    return f"{site}|{agent}|{erasure}|{subject}|{policy}|nothing left".encode()
