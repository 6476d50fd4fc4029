"""What is locked down here: by the policy, or by what the hub said since. The later of the two holds."""

from __future__ import annotations

from pathlib import Path

from postern import documents
from postern.access.lockdown import OPEN, Lockdowns
from postern.access.policy import Policy
from postern.agent.files import write_private
from postern.agent.identity import Identity
from postern.errors import BadInput, CannotOpen
from postern.sealing.envelope import Context, Key, open_sealed, seal


class LockdownStore:
    """What the hub said last on the channel, in memory and sealed on disk under the site key."""

    def __init__(self, path: Path, key: Key, identity: Identity) -> None:
        self._path = path
        self._key = key
        self._place = Context(
            tenant=identity.tenant, table="agent", column="lockdown", row=identity.site.to_bytes(8)
        )
        self._told = self._kept()
        self._made: tuple[Policy, Lockdowns, Policy] | None = None

    def take(self, told: Lockdowns) -> bool:
        """What the hub says now; whether it is news. Durable on return: a power cut releases nothing."""
        if not told.is_newer_than(self._told):
            return False
        self._told = told
        write_private(self._path, seal(self._key, documents.to_bytes(told), self._place))
        return True

    def on(self, policy: Policy | None) -> Policy | None:
        """The policy with what is locked down now."""
        if policy is None or not self._told.is_newer_than(policy.lockdowns):
            return policy
        if self._made is None or self._made[0] is not policy or self._made[1] is not self._told:
            self._made = policy, self._told, policy.with_lockdowns(self._told)
        return self._made[2]

    def name(self, policy: Policy | None) -> str:
        """The "epoch.version" of what is in force, as the hub is told."""
        now = policy.lockdowns if policy is not None else OPEN
        latest = self._told if self._told.is_newer_than(now) else now
        return f"{latest.epoch}.{latest.version}"

    def _kept(self) -> Lockdowns:
        """What the disk holds. A damaged file counts for nothing: the policy and the hub say it again."""
        try:
            sealed = self._path.read_bytes()
            return documents.from_bytes(Lockdowns, open_sealed(self._key, sealed, self._place))
        except (FileNotFoundError, CannotOpen, BadInput):
            return OPEN
