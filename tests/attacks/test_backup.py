"""A hub wiped by root comes back from its backups; an erased person does not, from any of them.

Real clusters in a data folder as `postern up` makes it; the hub itself is its operations. Wiped means that
the whole folder is removed: only the target and the root key's safe copy are left.
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from uuid import uuid4

import pytest

from postern.backup import drill, restoring
from postern.backup.catalogue import Catalogue
from postern.backup.keys import hub_keys, make_keys, restore_keys
from postern.backup.restoring import Wanted
from postern.backup.rounds import Backup, Hub
from postern.backup.targets import Folder
from postern.clock import SystemClock
from postern.errors import Conflict
from postern.hub import begin_after_restore
from postern.ids import DoorId
from postern.operations.archive.receive import receive
from postern.operations.demo import set_up_demo
from postern.operations.journal.checkpoints import CheckpointJob
from postern.operations.people import register
from postern.operations.privacy import erase, tombstones
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.postgres.pool import Database
from postern.prove.drawn import DrawnAgent
from postern.prove.old_backups import found, running
from postern.prove.scratch import enrolled
from postern.prove.sweep import encodings
from postern.records.encoding import encode
from postern.records.model import CommandRecord, Kind
from postern.restored import BEGUN, MARK
from postern.settings import Settings
from postern.sites import store as sites

NAME, PICTURE, LATE = "Philippa Quistgaard", "00" * 16, "Late Comer"


@dataclass(kw_only=True)
class Story:
    """What happened to a hub: two bases, a person erased between them, a wipe."""

    folder: Path
    restore_key: Path
    target: Folder
    wiped_at: datetime
    epoch: int = 0
    bases: list[str] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    agent: DrawnAgent | None = None

    def wanted(self, name: str, **given: object) -> Wanted:
        """A restore into a new folder."""
        keys = restore_keys(self.restore_key)
        made = Wanted(target=self.target, keys=keys, into=self.folder / name, clock=SystemClock())
        return replace(made, **given)  # type: ignore[arg-type]  # the tests' own shorthand


@pytest.fixture(scope="module")
async def story() -> AsyncIterator[Story]:
    with tempfile.TemporaryDirectory(prefix="postern-ransom-") as name:
        folder = Path(name)
        hub_key, restore_key = make_keys(folder / "keys")
        made = Story(
            folder=folder,
            restore_key=restore_key,
            target=Folder(folder / "target"),
            wiped_at=SystemClock().now(),
        )
        await _lived(made, folder / "hub", hub_key)
        shutil.copytree(folder / "hub" / "keys", folder / "safe")
        shutil.rmtree(folder / "hub")
        yield made


async def _lived(story: Story, data: Path, hub_key: Path) -> None:
    async with running(data) as (services, owners):
        hub = Hub(data=data, target=story.target, keys=hub_keys(hub_key), owners=owners, clock=SystemClock())
        demo = await set_up_demo(services)
        admin = Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)
        person = await register.add_person(services, admin, PersonDetails(name=NAME))
        await services.pictures.put(PICTURE, b"sealed picture")
        story.agent = await enrolled(services, admin, demo)
        await _sent(story.agent, 3)
        await CheckpointJob(services).look(now=True)
        backup = Backup(hub)
        await asyncio.to_thread(backup.round)
        await erase.erase_person(services, admin, person.id, reason="asked for it")
        await register.add_person(services, admin, PersonDetails(name=LATE))
        await CheckpointJob(services).look(now=True)
        await asyncio.to_thread(backup.round, base=True)
        await asyncio.to_thread(backup.round)
        async with services.database.transaction() as tx:
            story.epoch = await sites.epoch_of(tx, demo.tenant)
        async with Database.open(owners["data"], size=1) as owner:
            story.counts = await drill._counts(owner, drill.COUNTED)
        await _sent(story.agent, 2)  # acknowledged, and in no backup
        story.wiped_at = SystemClock().now()
        story.bases = Catalogue(story.target, restore_keys(story.restore_key)).bases("data")


async def _sent(agent: DrawnAgent, count: int) -> None:
    """That many more records, acknowledged by the hub."""
    at = SystemClock().now()
    for _ in range(count):
        done = CommandRecord(at=at, door=DoorId(uuid4()), operator="admin", reason="delivery", done=True)
        await agent.append(kind=Kind.COMMAND, day=at.date(), plaintext=encode(done))
    fresh = agent.entries[-count:]
    assert len((await receive(agent.hub, await agent.known(), fresh)).acknowledged) == count


async def _gives_back(agent: DrawnAgent, services: Services, epoch: int) -> None:
    """The agent, which has kept everything, greets the restored hub and is asked for what was lost."""
    back = replace(agent, hub=services)
    known = await back.known()
    welcome = await agents.hello(services, known, highest_seq=5)
    assert (welcome.known_seq, welcome.renew, welcome.ask_from) == (3, False, 4)
    for first in (4, 1):  # what was asked for, and then everything once more
        asked = [one for one in back.entries if one.seq >= first]
        assert len((await receive(services, known, asked)).acknowledged) == len(asked)
    async with services.database.transaction(known.tenant) as tx:
        found = await (await tx.execute("SELECT count(*), count(DISTINCT seq) FROM record")).fetchone()
    assert found == (5, 5)
    await publish_stale(services)
    assert (await back.policy()).epoch >= epoch


async def test_a_hub_wiped_by_root_is_put_back_on_a_clean_folder(
    story: Story, record_property: object
) -> None:
    done = await restoring.restore(story.wanted("wiped"))

    lost = story.wiped_at - done.point
    assert lost < timedelta(minutes=5)
    assert done.warnings == ()
    assert (story.folder / "wiped" / "pictures" / "00" / PICTURE).read_bytes() == b"sealed picture"
    async with running(story.folder / "wiped", story.folder / "safe") as (services, owners):
        async with Database.open(owners["data"], size=1) as owner:
            assert await drill._counts(owner, drill.COUNTED) == story.counts
        assert await tombstones.settle(services) == 0
        settings = Settings(data=story.folder / "wiped", mode="demo")
        await begin_after_restore(settings, services)
        await begin_after_restore(settings, services)  # once only
        async with services.database.transaction() as tx:
            (tenant,) = await sites.tenant_ids(tx)
            epoch = await sites.epoch_of(tx, tenant)
        assert epoch > story.epoch
        assert epoch >= int(time.time()) // 60 - 5
        assert story.agent is not None
        await _gives_back(story.agent, services, epoch)
        assert await opened(services, owners, LATE)
        assert not await opened(services, owners, NAME)
    assert (story.folder / "wiped" / BEGUN).exists()
    assert not (story.folder / "wiped" / MARK).exists()
    record_property(
        "measured", f"a wiped hub restored in {done.seconds:.1f} s, {lost.total_seconds():.1f} s lost"
    )  # type: ignore[operator]


async def opened(services: Services, owners: dict[str, str], value: str) -> bool:
    """Whether `value` is in anything that whoever has both databases and the root key can open."""
    return bool(await found(services, owners, frozenset({value})))


async def test_no_backup_from_before_an_erasure_opens_the_person_once_tombstones_are_applied(
    story: Story,
) -> None:
    """The mutant is a start that applies none: then she opens, and this test would see it."""
    assert len(story.bases) == 2
    before = Catalogue(story.target, restore_keys(story.restore_key)).opened(story.bases[-1]).head.at
    wanted = story.wanted("older", base=story.bases[-1], until=before)
    done = await restoring.restore(wanted)

    assert done.tombstones > 0
    async with running(story.folder / "older", story.folder / "safe") as (services, owners):
        assert await opened(services, owners, NAME)  # tombstones not applied: the mutant
        assert await tombstones.settle(services) > 0
        assert not await opened(services, owners, NAME)


async def test_a_drill_measures_and_checks_the_journal(story: Story) -> None:
    done = await drill.drill(story.wanted("drill"), [])

    assert done.went_well
    assert done.counts["person"] == story.counts["person"]
    assert done.entries == story.counts["journal_entry"]
    assert not (story.folder / "drill").exists()


async def test_nothing_planted_lies_readable_among_the_backups(story: Story) -> None:
    whole = b"".join(story.target.get(name) for name in story.target.names())
    names = "\n".join(story.target.names())
    for value in (NAME, LATE, "postern_app", "sealed picture"):
        for _, form in encodings(value):
            assert form not in whole
        assert value not in names


async def test_a_folder_in_use_and_a_half_done_restore_are_refused(story: Story, tmp_path: Path) -> None:
    (tmp_path / "something").touch()
    with pytest.raises(Conflict, match="not empty"):
        await restoring.restore(story.wanted("x", into=tmp_path))
