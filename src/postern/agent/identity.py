"""Who this agent is: its number, its keys, and the keys it trusts. Kept sealed under the site key."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from postern import documents
from postern.agent.files import write_private
from postern.agent.spool import SpoolOwner
from postern.ids import AgentId, SiteId, TenantId
from postern.sealing.envelope import Context, Key, open_sealed, seal

_PLACE = Context(tenant=0, table="agent", column="identity", row=b"")


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Given at enrolment; the private keys never leave this machine."""

    agent: AgentId
    site: SiteId
    tenant: TenantId
    hub_public: bytes
    policy_public: bytes
    sign_private: bytes = field(repr=False)
    hpke_private: bytes = field(repr=False)
    former_hpke_private: bytes | None = field(default=None, repr=False)
    """The one before, until the hub has said that it seals to the new one."""

    @property
    def owner(self) -> SpoolOwner:
        """As the spool needs it."""
        return SpoolOwner(
            site=self.site, agent=self.agent, hub_public=self.hub_public, sign_private=self.sign_private
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Keep:
    """Where a changed identity is written, and under which key."""

    identity: Path
    key: Key


def save_identity(path: Path, key: Key, identity: Identity) -> None:
    """Durable on return."""
    write_private(path, seal(key, documents.to_bytes(identity), _PLACE))


def load_identity(path: Path, key: Key) -> Identity | None:
    """None before the first enrolment. Raises CannotOpen when the site key is another one."""
    try:
        sealed = path.read_bytes()
    except FileNotFoundError:
        return None
    return documents.from_bytes(Identity, open_sealed(key, sealed, _PLACE))
