"""What a hub tells an agent for musters, as both sides read it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from postern import documents
from postern.access.presence import Call, Known
from postern.ids import AgentId, SiteId
from postern.sealing.envelope import Context, Key, open_sealed

INFO = b"postern/v1/muster"
SIGNED = "muster"
"""What the tenant's policy key signs it as."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Name:
    """A person's name, or a vehicle's plate."""

    subject: UUID
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Roll:
    """Everybody who may be at the site."""

    names: tuple[Name, ...] = ()


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """What a hub tells one agent. `salt` and `roll`: of the muster code, None while the site has none."""

    known: tuple[Known, ...] = ()
    calls: tuple[Call, ...] = ()
    salt: bytes | None = None
    roll: bytes | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedNews:
    """The same on its way. `digest` names the content; the agent says it when it asks again."""

    digest: str
    sealed: bytes
    signature: bytes


def news_aad(*, site: SiteId, agent: AgentId, digest: str) -> bytes:
    """What news to an agent are bound to."""
    return f"{site}|{agent}|{digest}".encode()


def roll_context(tenant: int, site: SiteId) -> Context:
    """Where a sealed roll of names belongs."""
    return Context(tenant=tenant, table="agent", column="muster-roll", row=site.to_bytes(8))


def open_roll(key: Key, sealed: bytes, tenant: int, site: SiteId) -> Roll:
    """The names. Raises CannotOpen with the key of another code."""
    return documents.from_bytes(Roll, open_sealed(key, sealed, roll_context(tenant, site)))
