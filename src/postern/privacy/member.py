"""Member: a registered person who has signed in for themself, at /me. Never an operator, whatever they do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern.ids import PersonId, TenantId

JOURNAL_NAME = "person:self"
"""Under whose name the journal has what a person did about themself; who that is, is sealed beside it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Member:
    """Who asks for an operation about themself, and about nobody else. `name`: what they sign in with."""

    tenant: TenantId
    person: PersonId
    name: str
    login: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPasskey:
    """A registered WebAuthn credential; `sign_count` detects a copied one."""

    credential_id: bytes
    public_key: bytes
    sign_count: int


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberSecrets:
    """How a person proves who they are: sealed under their own identity key."""

    passphrase_hash: str | None = None
    passkeys: tuple[OwnPasskey, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberLink:
    """A one-time link, as it is sealed."""

    good_until: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class MemberLogin:
    """A signed-in phone or browser, as it is sealed; its secret lives there, only its SHA-256 here."""

    started_at: datetime
    last_used_at: datetime
