"""Operator and Login: who works in the console, and the proof that they signed in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from postern.ids import LoginId, OperatorId, TenantId


class Role(StrEnum):
    """What an operator does in the organisation; `roles.py` says what each may do here."""

    ADMINISTRATOR = "administrator"
    SECURITY = "security"
    ATTENDANT = "attendant"
    HR = "hr"
    MANAGER = "manager"
    GARAGE = "garage"
    PRIVACY_OFFICER = "privacy-officer"
    AUDITOR = "auditor"
    INSTALLER = "installer"


@dataclass(frozen=True, kw_only=True, slots=True)
class Operator:
    """One operator. `login_name` is in clear in the journal; the rest of an operator's row is sealed."""

    id: OperatorId
    tenant: TenantId
    login_name: str
    role: Role
    language: str = "en"
    disabled: bool = False
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class Passkey:
    """A registered WebAuthn credential; `sign_count` detects a copied one."""

    credential_id: bytes
    public_key: bytes
    sign_count: int
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SignInSecrets:
    """How an operator proves who they are. Sealed. Recovery codes are kept as SHA-256 and spent once."""

    password_hash: str | None = None
    totp_secret: str | None = None
    totp_last_step: int = 0
    recovery_hashes: tuple[bytes, ...] = ()
    passkeys: tuple[Passkey, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class Actor:
    """Who asks for an operation: a signed-in operator, or a job of our own (`login` None).

    `scopes`: an API key asks for its operator, and may do no more than these duties; None: no key.
    """

    tenant: TenantId
    name: str
    role: Role
    operator: OperatorId | None = None
    login: LoginId | None = None
    scopes: frozenset[str] | None = None

    @property
    def principal(self) -> str:
        """Who it is for good, whatever key or login they use: for budgets and second persons."""
        return str(self.operator) if self.operator is not None else self.name


@dataclass(frozen=True, kw_only=True, slots=True)
class Login:
    """A signed-in console; its opaque secret lives in the browser, only its SHA-256 here."""

    id: LoginId
    operator: OperatorId
    tenant: TenantId
    started_at: datetime
    last_used_at: datetime
