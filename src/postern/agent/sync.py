"""Keeping hub and agent in step: records up, policy down. It survives a hub that is away for weeks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import structlog

from postern.access.policy import Policy
from postern.agent.bundle import BundleStore
from postern.agent.erasures import Erasures
from postern.agent.health import Health
from postern.agent.hub import Hub, Welcome
from postern.agent.identity import Keep, save_identity
from postern.agent.muster import MusterDesk
from postern.agent.spool import Spool, SpoolEntry
from postern.backoff import delays
from postern.clock import Clock
from postern.errors import BadInput, CannotOpen, CannotVerify, Conflict, HubUnavailable, PosternError
from postern.ids import AgentId

log = structlog.get_logger(__name__)

HEARTBEAT = timedelta(seconds=10)
"""Between two hellos."""
BATCH = 50
_PRUNE_EVERY = timedelta(minutes=10)


class Sync:
    """One agent's side of the wire."""

    def __init__(
        self,
        *,
        hub: Hub,
        spool: Spool,
        bundles: BundleStore,
        keep: Keep,
        clock: Clock,
        health: Callable[[], Health],
        apply: Callable[[Policy], Awaitable[None]],
        erasures: Erasures,
        musters: MusterDesk | None = None,
        heartbeat: timedelta = HEARTBEAT,
    ) -> None:
        self._hub = hub
        self._spool = spool
        self._bundles = bundles
        self._keep = keep
        self._clock = clock
        self._health = health
        self._apply = apply
        self._heartbeat = heartbeat
        self._erasures = erasures
        self._musters = musters
        self._set_aside = 0
        self._woken = spool.appended
        self._greet_at = self._pruned_at = datetime.min.replace(tzinfo=UTC)
        self.online = False

    @property
    def alarms(self) -> tuple[str, ...]:
        """What an operator must know of the way to the hub."""
        if not self._set_aside:
            return ()
        return (
            f"the hub cannot read {self._set_aside} records of this agent; they are kept here, "
            "and offered again when the agent is restarted",
        )

    def wake(self) -> None:
        """Say hello and look for a newer policy now."""
        self._greet_at = self._clock.now()
        self._woken.set()

    async def run(self) -> None:
        """For ever: send what waits as soon as it is there, and greet the hub at every heartbeat."""
        waits = delays(longest=30.0)
        while True:
            self._woken.clear()
            try:
                await self._round()
            except PosternError as fault:
                self._tell_offline(fault)
                await asyncio.sleep(next(waits))
            else:
                self.online, waits = True, delays(longest=30.0)
                await self._rest()

    async def once(self) -> None:
        """One whole round. Raises HubUnavailable while the hub is away, another PosternError on refusal."""
        welcome = await self._hello()
        if welcome.renew:
            await self._renew()
        elif welcome.ask_from is not None:
            await self._spool.resend(self._hub.identity.agent, welcome.ask_from)
        if welcome.covered is not None:
            await self._spool.covered(self._hub.identity.agent, welcome.covered)
        await self._erasures.round(self.fetch_policy)
        await self.push()
        if self._musters is not None:
            await self._musters.fetch()

    async def _round(self) -> None:
        now = self._clock.now()
        if now < self._greet_at <= now + self._heartbeat:
            await self.push()
            return
        await self.once()
        self._greet_at = self._clock.now() + self._heartbeat
        if not self._pruned_at <= now < self._pruned_at + _PRUNE_EVERY:
            await self._spool.prune(now)
            self._pruned_at = now

    async def _rest(self) -> None:
        left = (self._greet_at - self._clock.now()).total_seconds()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(max(left, 0.0), self._heartbeat.total_seconds())):
                await self._woken.wait()

    def _tell_offline(self, fault: PosternError) -> None:
        if self.online or not isinstance(fault, HubUnavailable):
            log.warning("hub away", detail=str(fault))
        self.online = False
        self._greet_at = self._clock.now()

    async def fetch_policy(self) -> None:
        """Take the newest policy, if it is newer than ours. One that cannot be trusted is logged and left."""
        policy = self._bundles.policy
        bundle = await self._hub.bundle(policy.name if policy is not None else None)
        if bundle is None:
            return
        try:
            newer = await asyncio.to_thread(self._bundles.accept, self._hub.identity, bundle)
        except (Conflict, CannotVerify, CannotOpen) as fault:
            log.warning("policy refused", detail=str(fault))
            return
        await self._apply(newer)

    async def push(self) -> None:
        """Send everything that waits, batch by batch."""
        while entries := await self._spool.pending(BATCH):
            try:
                await self._send(entries)
            except BadInput:
                # An older hub than this agent may not even take the batch apart.
                for entry in entries:
                    await self._send_alone(entry)

    async def _send_alone(self, entry: SpoolEntry) -> None:
        try:
            await self._send([entry])
        except BadInput as fault:
            log.error("record refused", seq=entry.seq, detail=str(fault))
            await self._keep_aside(entry.agent, {entry.seq})

    async def _send(self, entries: list[SpoolEntry]) -> None:
        receipt = await self._hub.send(entries)
        sent = {entry.seq for entry in entries}
        settled = sent & {*receipt.acknowledged, *receipt.quarantined}
        unread = (sent & {*receipt.refused}) - settled
        if receipt.quarantined:
            log.error("records quarantined at the hub", count=len(receipt.quarantined))
        if not settled and not unread:
            raise HubUnavailable("the hub answered without acknowledging anything; trying again")
        if unread:
            log.error("records that the hub cannot read", count=len(unread))
            await self._keep_aside(entries[0].agent, unread)
        await self._spool.acknowledge(entries[0].agent, settled, self._clock.now())

    async def _keep_aside(self, agent: AgentId, seqs: set[int]) -> None:
        await self._spool.set_aside(agent, seqs)
        self._set_aside = (await self._spool.state()).set_aside

    async def _hello(self) -> Welcome:
        state = await self._spool.state()
        self._set_aside = state.set_aside
        policy = self._bundles.policy
        health = self._health()
        return await self._hub.hello(
            highest_seq=state.highest_seq,
            bundle=policy.name if policy is not None else None,
            health=replace(health, waiting=state.waiting, alarms=(*health.alarms, *self.alarms)),
        )

    async def _renew(self) -> None:
        """The hub knows later entries than we have: this is an old copy, and must not reuse their numbers.

        What waits is still sent under the number that it was sealed for; what contradicts the hub's archive
        is quarantined there, and nothing is lost.
        """
        log.error("this agent was rolled back; it takes a new number")
        await self._spool.renew(self._take_new_number)

    async def _take_new_number(self) -> AgentId:
        agent = await self._hub.renew()
        identity = replace(self._hub.identity, agent=agent)
        await asyncio.to_thread(save_identity, self._keep.identity, self._keep.key, identity)
        self._hub.identity = identity
        return agent
