"""The policy bundle: taken only when signed and newer, kept sealed, decided on until the next one."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from postern.access.policy import Policy
from postern.agent.files import write_private
from postern.agent.identity import Identity
from postern.errors import BadInput, CannotOpen, CannotVerify, Conflict
from postern.operations.archive.wire import POLICY_INFO, POLICY_PURPOSE, policy_aad, policy_message
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.hybrid import open_from
from postern.sealing.signing import verify


@dataclass(frozen=True, kw_only=True, slots=True)
class SealedBundle:
    """A policy as the hub sends it: sealed to this agent, signed by the tenant's policy key."""

    epoch: int
    version: int
    sealed: bytes
    signature: bytes


class BundleStore:
    """The one policy in force, in memory and sealed on disk under the site key."""

    def __init__(self, path: Path, key: Key) -> None:
        self._path = path
        self._key = key
        self._policy: Policy | None = None

    @property
    def policy(self) -> Policy | None:
        """What to decide on; None until the first bundle."""
        return self._policy

    def load(self, identity: Identity) -> Policy | None:
        """The policy kept on disk, if there is one. Raises CannotOpen when it was changed or moved here."""
        policy = self.kept(identity)
        if policy is not None:
            self._policy = policy
        return policy

    def kept(self, identity: Identity) -> Policy | None:
        """What the disk holds at this moment, read anew. Raises as `load`."""
        try:
            sealed = self._path.read_bytes()
        except FileNotFoundError:
            return None
        policy = Policy.from_bytes(open_sealed(self._key, sealed, _place(identity)))
        _require_own_site(identity, policy)
        return policy

    def accept(self, identity: Identity, bundle: SealedBundle) -> Policy:
        """Take a newer bundle and keep it; durable on return.

        Raises CannotVerify for a wrong signature, CannotOpen for one sealed to another agent, and Conflict
        for one that is not newer than the policy in force.
        """
        # 1. It is by the tenant's policy key, and for this agent.
        message = policy_message(
            site=identity.site,
            agent=identity.agent,
            epoch=bundle.epoch,
            version=bundle.version,
            sealed=bundle.sealed,
        )
        verify(identity.policy_public, message, bundle.signature, purpose=POLICY_PURPOSE)
        # 2. It is newer than what is in force.
        now = self._policy
        if now is not None and (bundle.epoch, bundle.version) <= (now.epoch, now.version):
            raise Conflict(
                f"policy {bundle.epoch}.{bundle.version} is not newer than {now.name} in force here"
            )
        # 3. It opens, and says of itself what the bundle said of it.
        aad = policy_aad(site=identity.site, agent=identity.agent, epoch=bundle.epoch, version=bundle.version)
        policy = Policy.from_bytes(_opened(identity, bundle.sealed, aad))
        _require_own_site(identity, policy)
        if (policy.epoch, policy.version) != (bundle.epoch, bundle.version):
            raise BadInput("the policy in the bundle has another version than the bundle; publish it again")
        # 4. It is on disk before it is in force: after a power cut nothing older comes back.
        write_private(self._path, seal(self._key, policy.to_bytes(), _place(identity)))
        self._policy = policy
        return policy


def _opened(identity: Identity, sealed: bytes, aad: bytes) -> bytes:
    """By the present key, or by the former one while the hub may not know of the change."""
    try:
        return open_from(identity.hpke_private, sealed, info=POLICY_INFO, aad=aad)
    except CannotOpen:
        if identity.former_hpke_private is None:
            raise
        return open_from(identity.former_hpke_private, sealed, info=POLICY_INFO, aad=aad)


def _require_own_site(identity: Identity, policy: Policy) -> None:
    if policy.site_id != identity.site or policy.tenant != identity.tenant:
        raise CannotVerify("the policy is another site's; enrol this agent at the right site")


def _place(identity: Identity) -> Context:
    return Context(tenant=identity.tenant, table="agent", column="policy", row=identity.site.to_bytes(8))
