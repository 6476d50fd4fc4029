"""Agent and hub in step: what is recorded arrives exactly once, whatever fails on the way."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postern.access.model import CredentialKind
from postern.agent.bundle import BundleStore, SealedBundle
from postern.agent.channel import Present
from postern.agent.files import site_key
from postern.agent.main import Agent, AgentSettings, opened
from postern.agent.spool import Spool, SpoolEntry
from postern.agent.sync import Sync
from postern.errors import CannotOpen, CannotVerify, Conflict, HubUnavailable, Refused, SettingsInvalid
from postern.ids import AgentId, SiteId
from postern.operations.archive.wire import POLICY_INFO, POLICY_PURPOSE, policy_aad, policy_message
from postern.records.model import DecisionRecord
from postern.sealing import hybrid, signing
from tests.flows.agent_hub import CODE, TestHub, running_hub
from tests.flows.agent_site import (
    CARD_IN,
    CARD_NUMBER,
    POLICY_PRIVATE,
    SITE,
    TestDoor,
    identity,
    policy,
    ports,
)


@pytest.fixture
async def hub() -> AsyncIterator[TestHub]:
    async with running_hub() as running:
        running.policy = policy()
        yield running


@asynccontextmanager
async def agent_of(hub: TestHub, folder: Path, code: str | None = CODE) -> AsyncIterator[Agent]:
    settings = AgentSettings(folder=folder, hub_url=hub.url, code=code)
    async with opened(settings, ports(TestDoor())) as agent:
        try:
            yield agent
        finally:
            await agent.doors.close()


async def present(agent: Agent, number: str = CARD_NUMBER) -> None:
    await agent.admissions.present(Present(reader=CARD_IN, kind=CredentialKind.CARD, value=number))


def decisions(hub: TestHub) -> list[tuple[int, int]]:
    return [key for key, happening in hub.opened.items() if isinstance(happening, DecisionRecord)]


async def test_an_agent_enrols_takes_the_policy_and_sends_what_it_decided(
    hub: TestHub, tmp_path: Path
) -> None:
    async with agent_of(hub, tmp_path) as agent:
        await agent.sync.once()
        await present(agent)
        await agent.sync.push()
        assert (await agent.spool.state()).waiting == 0
    assert (3, 1) in decisions(hub)


async def test_an_agent_without_identity_or_code_says_what_to_do(hub: TestHub, tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="make an enrolment code"):
        async with agent_of(hub, tmp_path, code=None):
            pass


async def test_a_wrong_code_is_refused(hub: TestHub, tmp_path: Path) -> None:
    with pytest.raises(Refused, match="not good"):
        async with agent_of(hub, tmp_path, code="7-bad"):
            pass


async def test_after_a_restart_without_the_hub_the_agent_decides_alone(hub: TestHub, tmp_path: Path) -> None:
    async with agent_of(hub, tmp_path) as agent:
        await agent.sync.once()
    hub.away = 503
    async with agent_of(hub, tmp_path, code=None) as agent:
        await present(agent)
        with pytest.raises(HubUnavailable):
            await agent.sync.once()
        assert (await agent.spool.state()).waiting >= 1
        hub.away = 0
        await agent.sync.once()
        assert (await agent.spool.state()).waiting == 0
    assert len(decisions(hub)) == 1


async def test_an_answer_that_is_lost_doubles_nothing(hub: TestHub, tmp_path: Path) -> None:
    async with agent_of(hub, tmp_path) as agent:
        await agent.sync.once()
        for _ in range(3):
            await present(agent)
        hub.lose_answers = 2
        for _ in range(2):
            with pytest.raises(HubUnavailable):
                await agent.sync.push()
        await agent.sync.push()
        assert (await agent.spool.state()).waiting == 0
    assert len(decisions(hub)) == 3
    assert hub.quarantined == []


async def test_the_running_agent_sends_by_itself_and_greets_with_its_health(
    hub: TestHub, tmp_path: Path
) -> None:
    async with agent_of(hub, tmp_path) as agent:
        running = asyncio.create_task(agent.run())
        while not await has_policy(agent):
            await asyncio.sleep(0.01)
        await present(agent)
        while not decisions(hub):
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait([running])
    assert {"highest_seq", "bundle", "software", "readers", "alarms", "waiting"} <= set(hub.hellos[0])


async def has_policy(agent: Agent) -> bool:
    try:
        agent.admissions.policy  # noqa: B018 - raises until there is one
    except Refused:
        return False
    return bool(agent.doors.controllers)


async def test_an_agent_rolled_back_takes_a_new_number_and_nothing_is_replaced(
    hub: TestHub, tmp_path: Path
) -> None:
    now, old = tmp_path / "now", tmp_path / "old"
    async with agent_of(hub, now) as agent:
        await agent.sync.once()
        await present(agent)
        await agent.sync.push()
    shutil.copytree(now, old)
    async with agent_of(hub, now) as agent:
        for _ in range(3):
            await present(agent)
        await agent.sync.push()
    before = dict(hub.stored)
    async with agent_of(hub, old, code=None) as agent:
        await present(agent, "unknown card")
        await agent.sync.once()
        await present(agent)
        await agent.sync.push()
        assert (await agent.spool.state()).agent == 103
        assert (await agent.spool.state()).waiting == 0
    assert before.items() <= hub.stored.items()
    assert (103, 1) in decisions(hub)
    assert hub.quarantined
    async with agent_of(hub, old, code=None) as agent:
        await agent.sync.once()
        assert (await agent.spool.state()).agent == 103


async def test_a_hub_that_lost_records_gets_them_again(hub: TestHub, tmp_path: Path) -> None:
    async with agent_of(hub, tmp_path) as agent:
        await agent.sync.once()
        for _ in range(4):
            await present(agent)
        await agent.sync.push()
        had = dict(hub.stored)
        for seq in list(had):
            if seq[1] > 2:
                del hub.stored[seq]
        await agent.sync.once()
    assert hub.stored == had


async def refused_one_of_three(hub: TestHub, folder: Path) -> None:
    """The hub cannot read the second of three records: the others arrive, it is kept, and sent no more."""
    async with agent_of(hub, folder) as agent:
        await agent.sync.once()
        for _ in range(3):
            await present(agent)
        await agent.sync.push()
        for _ in range(3):
            await agent.sync.once()
        state = await agent.spool.state()
        assert (state.waiting, state.set_aside) == (0, 1)
        assert "cannot read 1 record" in agent.sync.alarms[0]
        assert hub.hellos[-1]["alarms"] == list(agent.sync.alarms)
    assert {(3, 1), (3, 3)} <= set(hub.stored)
    assert (3, 2) not in hub.stored
    assert sum(2 in batch for batch in hub.sent) <= 2


async def test_a_record_that_the_hub_cannot_read_is_set_aside_and_the_others_arrive(
    hub: TestHub, tmp_path: Path
) -> None:
    hub.unreadable = {2}
    await refused_one_of_three(hub, tmp_path)


async def test_a_record_whose_batch_a_hub_refuses_is_set_aside_and_the_others_arrive(
    hub: TestHub, tmp_path: Path
) -> None:
    hub.refuse = {2}
    await refused_one_of_three(hub, tmp_path)


async def test_what_was_set_aside_is_offered_again_after_a_restart(hub: TestHub, tmp_path: Path) -> None:
    hub.unreadable = {2}
    await refused_one_of_three(hub, tmp_path)
    hub.unreadable = set()
    async with agent_of(hub, tmp_path, code=None) as agent:
        await agent.sync.once()
        assert (await agent.spool.state()).set_aside == 0
        assert agent.sync.alarms == ()
    assert (3, 2) in hub.stored


async def _forget(self: Spool, agent: AgentId, seqs: Iterable[int]) -> None:
    """The mutant that does not remember what the hub could not read, and sends it again and again."""


async def _acknowledge(self: Spool, agent: AgentId, seqs: Iterable[int]) -> None:
    """The mutant that takes a refusal for a receipt, and so lets the record go."""
    await self.acknowledge(agent, seqs, datetime.now(UTC))


async def _all_or_nothing(self: Sync, entries: list[SpoolEntry]) -> None:
    """The mutant for which one refused record is a fault of the whole batch."""
    receipt = await self._hub.send(entries)
    if receipt.refused:
        raise HubUnavailable("not all of them")


MUTANTS = [
    (Spool, "set_aside", _forget),
    (Spool, "set_aside", _acknowledge),
    (Sync, "_send", _all_or_nothing),
]


@pytest.mark.parametrize(("owner", "name", "mutant"), MUTANTS)
async def test_an_agent_that_handles_refusals_wrongly_is_caught(
    hub: TestHub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    owner: type,
    name: str,
    mutant: Callable[..., Awaitable[None]],
) -> None:
    monkeypatch.setattr(owner, name, mutant)
    hub.unreadable = {2}
    with pytest.raises((AssertionError, HubUnavailable, TimeoutError)):
        async with asyncio.timeout(2):
            await refused_one_of_three(hub, tmp_path)


@pytest.mark.parametrize("status", [403, 404, 503])
async def test_whatever_else_answers_in_the_hubs_place_sets_nothing_aside(
    hub: TestHub, tmp_path: Path, status: int
) -> None:
    async with agent_of(hub, tmp_path) as agent:
        await agent.sync.once()
        await present(agent)
        hub.away = status
        with pytest.raises((HubUnavailable, Refused)):
            await agent.sync.push()
        state = await agent.spool.state()
        assert (state.waiting > 0, state.set_aside) == (True, 0)


def bundle(version: int = 2, *, epoch: int = 1, agent: int = 3, key: bytes = POLICY_PRIVATE) -> SealedBundle:
    made, who = policy(version, epoch=epoch), identity(agent)
    aad = policy_aad(site=SITE, agent=who.agent, epoch=epoch, version=version)
    sealed = hybrid.seal_to(hybrid.public_of(who.hpke_private), made.to_bytes(), info=POLICY_INFO, aad=aad)
    message = policy_message(site=SITE, agent=who.agent, epoch=epoch, version=version, sealed=sealed)
    signature = signing.sign(key, message, purpose=POLICY_PURPOSE)
    return SealedBundle(epoch=epoch, version=version, sealed=sealed, signature=signature)


@pytest.fixture
def bundles(tmp_path: Path) -> BundleStore:
    return BundleStore(tmp_path / "policy.sealed", site_key(tmp_path / "site.key"))


def test_no_bundle_is_no_policy(bundles: BundleStore) -> None:
    assert bundles.load(identity()) is None
    assert bundles.policy is None


def test_a_bundle_is_in_force_and_comes_back_after_a_restart(bundles: BundleStore, tmp_path: Path) -> None:
    assert bundles.accept(identity(), bundle()).name == "1.2"
    again = BundleStore(tmp_path / "policy.sealed", site_key(tmp_path / "site.key"))
    assert again.load(identity()) == policy(2) or again.policy is not None
    assert again.policy is not None
    assert again.policy.name == "1.2"


def test_nothing_readable_of_the_policy_lies_on_the_disk(bundles: BundleStore, tmp_path: Path) -> None:
    bundles.accept(identity(), bundle())
    assert not any(CARD_NUMBER.encode() in path.read_bytes() for path in tmp_path.iterdir())
    assert {path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {0}


@pytest.mark.parametrize("older", [bundle(2), bundle(1), bundle(9, epoch=0)])
def test_a_bundle_that_is_not_newer_is_refused(bundles: BundleStore, older: SealedBundle) -> None:
    bundles.accept(identity(), bundle(2))
    with pytest.raises(Conflict, match="not newer"):
        bundles.accept(identity(), older)


def test_a_new_epoch_is_newer_whatever_its_version(bundles: BundleStore) -> None:
    bundles.accept(identity(), bundle(9))
    assert bundles.accept(identity(), bundle(1, epoch=2)).name == "2.1"


def test_a_bundle_signed_by_another_key_is_refused(bundles: BundleStore) -> None:
    with pytest.raises(CannotVerify):
        bundles.accept(identity(), bundle(key=bytes(32)))


def test_a_bundle_whose_version_was_changed_is_refused(bundles: BundleStore) -> None:
    with pytest.raises(CannotVerify):
        bundles.accept(identity(), replace(bundle(2), version=3))


def test_a_bundle_for_another_agent_is_refused(bundles: BundleStore) -> None:
    with pytest.raises(CannotVerify):
        bundles.accept(identity(), bundle(agent=4))


def test_a_policy_file_of_another_site_does_not_open(bundles: BundleStore) -> None:
    bundles.accept(identity(), bundle())
    with pytest.raises(CannotOpen):
        bundles.load(replace(identity(), site=SiteId(8)))
