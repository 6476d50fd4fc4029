"""Erasures as an agent carries them out: tombstones kept, the bundle key changed, its word given and signed.

Its word is given only after looking: at the policy that it matches and decides by, in memory, and at what the
file on its disk holds, read anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

import structlog

from postern.access.policy import Policy
from postern.agent.bundle import BundleStore
from postern.agent.hub import Hub
from postern.agent.identity import Identity, Keep, save_identity
from postern.agent.muster import MusterDesk
from postern.errors import HubUnavailable, Refused
from postern.keystore.tombstones import TombstoneFile
from postern.operations.archive.wire import ERASURE_PURPOSE, erasure_message
from postern.operations.privacy.erasure_proofs import Order, Proof
from postern.sealing import hybrid
from postern.sealing.signing import sign

log = structlog.get_logger(__name__)

_FILE = "tombstones"


class Erasures:
    """One agent's part in every erasure of its tenant. `in_memory`: the policy that it matches by."""

    def __init__(
        self,
        *,
        hub: Hub,
        bundles: BundleStore,
        keep: Keep,
        in_memory: Callable[[], Policy | None],
        musters: MusterDesk | None = None,
    ) -> None:
        self._hub = hub
        self._bundles = bundles
        self._keep = keep
        self._in_memory = in_memory
        self._musters = musters
        self._tombstones = TombstoneFile(keep.identity.with_name(_FILE))

    async def round(self, fetch_policy: Callable[[], Awaitable[None]]) -> None:
        """Fetch what is newer, and prove what the hub awaits. A hub of before knows nothing of it."""
        try:
            orders = await self._settle()
        except (Refused, HubUnavailable):  # a hub that is away is told by what comes next
            await fetch_policy()
            return
        await fetch_policy()
        if not orders:
            return
        if any(one.bundle_key == self._public for one in orders):
            await self._change_key()
            await self._settle()  # the hub seals its newest policy to the new key
            await fetch_policy()
        for one in orders:
            if self._musters is not None and not one.face_only:
                await self._musters.forget(one.subject)
        await self._prove(orders)

    @property
    def _public(self) -> bytes:
        return hybrid.public_of(self._hub.identity.hpke_private)

    async def _settle(self) -> tuple[Order, ...]:
        answer = await self._hub.settle(bundle_key=self._public)
        if answer.bundle_key == self._public and self._hub.identity.former_hpke_private is not None:
            await self._save(replace(self._hub.identity, former_hpke_private=None))
        if answer.wants_tombstones:
            await self._hub.tell_tombstones(await asyncio.to_thread(self._tombstones.read))
        await asyncio.to_thread(self._keep_tombstones, answer.orders)
        return answer.orders

    def _keep_tombstones(self, orders: Sequence[Order]) -> None:
        known = {one.key for one in self._tombstones.read()}
        fresh = {one.key: one for order in orders for one in order.tombstones if one.key not in known}
        self._tombstones.append(fresh.values())

    async def _change_key(self) -> None:
        """A new key for policies; the former one is kept only until the hub has taken the new one."""
        now = self._hub.identity
        fresh = replace(now, hpke_private=hybrid.generate(), former_hpke_private=now.hpke_private)
        await self._save(fresh)

    async def _save(self, identity: Identity) -> None:
        await asyncio.to_thread(save_identity, self._keep.identity, self._keep.key, identity)
        self._hub.identity = identity

    async def _prove(self, orders: Sequence[Order]) -> None:
        """Give this agent's word for each erasure of which nothing is left here."""
        memory = self._in_memory()
        disk = await asyncio.to_thread(self._bundles.kept, self._hub.identity)
        proofs = [
            self._proof(one, memory)
            for one in orders
            if memory is not None
            and disk is not None
            and not _holds(memory, one)
            and not _holds(disk, one)
            and one.bundle_key != self._public
            and not self._is_on_a_roll(one)
        ]
        if len(proofs) < len(orders):
            log.warning("erasures not proved yet", count=len(orders) - len(proofs))
        if proofs:
            await self._hub.settle(bundle_key=self._public, proofs=proofs)

    def _is_on_a_roll(self, order: Order) -> bool:
        return self._musters is not None and not order.face_only and self._musters.holds(order.subject)

    def _proof(self, order: Order, policy: Policy) -> Proof:
        identity = self._hub.identity
        message = erasure_message(
            site=identity.site,
            agent=identity.agent,
            erasure=order.id,
            subject=order.subject,
            policy=policy.name,
        )
        signature = sign(identity.sign_private, message, purpose=ERASURE_PURPOSE)
        return Proof(erasure=order.id, policy=policy.name, signature=signature)


def _holds(policy: Policy, order: Order) -> bool:
    """Whether the policy still has the subject's face or, unless only that was withdrawn, the subject."""
    if any(order.subject in part.people for part in policy.gallery):
        return True
    return not order.face_only and any(one.subject == order.subject for one in policy.holders)
