"""An agent and an auditor watch over a real hub's journal; what is put back under it is refused."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from postern import journal_files, witness_file
from postern.agent import witness as witness_module
from postern.agent.hub import Hub, connection, enrol
from postern.agent.identity import Identity
from postern.agent.witness import STALE, Witness, WitnessFiles
from postern.clock import SetClock, SystemClock
from postern.devices.picture_folder import PictureFolder
from postern.errors import BadInput, NotFound, StorageFull
from postern.journal import checkpoints as store
from postern.journal.checkpoint import trusted, witness_key
from postern.journal.findings import Finding, What
from postern.journal.model import Act
from postern.journal.notes import NoteKey
from postern.journal.store import read
from postern.journal.verify import Report, check
from postern.journal.witness import Seen
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations import look
from postern.operations.journal.checkpoints import CheckpointJob
from postern.operations.services import Services
from postern.operations.sites import agents, alarms
from postern.operations.sites import places as sites
from postern.operators.model import Actor, Role
from postern.postgres.pool import Database
from postern.records.alarms import AlarmKind
from postern.sealing import signing
from postern.settings import Settings
from postern.sites.model import Site
from postern.web.app import create_app
from tests.flows.agent_hub import served


@dataclass(kw_only=True)
class RealHub:
    services: Services
    url: str
    actor: Actor
    site: Site
    identity: Identity
    client: httpx.AsyncClient
    job: CheckpointJob
    clock: SetClock = field(default_factory=lambda: SetClock(datetime.now(UTC)))

    def witness(self, folder: Path) -> Witness:
        return Witness(
            WitnessFiles(folder=folder), Hub(self.client, self.identity, SystemClock()), self.clock
        )

    async def go_on(self, looks: int = 3) -> None:
        """Somebody looks at people, and the job signs."""
        for _ in range(looks):
            await look.find_people(self.services, self.actor)
        await self.job.look(now=True)

    async def key(self) -> NoteKey:
        async with self.services.database.transaction() as tx:
            return (await store.public_keys(tx))[self.actor.tenant]

    async def put_back(self, size: int) -> None:
        """An older copy of the database: the tables only grow, so it is what is left without newer rows."""
        async with self.services.database.transaction() as tx:
            for table in ("journal_entry", "journal_node", "journal_checkpoint", "journal_cosignature"):
                await tx.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER".encode())
            await tx.execute("DELETE FROM journal_cosignature WHERE size > %s", (size,))
            await tx.execute("DELETE FROM journal_checkpoint WHERE size > %s", (size,))
            await tx.execute("DELETE FROM journal_entry WHERE idx >= %s", (size,))
        self.job = CheckpointJob(self.services)  # and the hub starts anew on it, and remembers nothing

    async def size(self) -> int:
        async with self.services.database.transaction() as tx:
            note = await store.newest(tx, self.actor.tenant)
        return trusted(str(note), await self.key()).size


@pytest.fixture
async def hub(database: Database, keystore_database: Database, tmp_path: Path) -> AsyncIterator[RealHub]:
    (tmp_path / "pictures").mkdir(mode=0o700)
    services = Services(
        database=database,
        keyring=PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key")),
        pictures=PictureFolder(tmp_path / "pictures"),
        clock=SystemClock(),
    )
    tenant = await sites.create_tenant(services, "Witnessed")
    actor = Actor(tenant=tenant.id, name="lin", role=Role.ADMINISTRATOR)
    site = await sites.create_site(services, actor, name="Far", time_zone="Europe/Berlin")
    app = create_app(services, Settings(data=tmp_path, mode="demo"))
    async with served(app) as url, connection(url) as client:
        identity = await enrol(client, await agents.new_code(services, actor, site.id))
        job = CheckpointJob(services)
        yield RealHub(
            services=services, url=url, actor=actor, site=site, identity=identity, client=client, job=job
        )


async def test_an_agent_cosigns_every_checkpoint_that_continues_the_last(
    hub: RealHub, tmp_path: Path
) -> None:
    await hub.go_on()
    witness = hub.witness(tmp_path / "agent")
    await witness.once()
    await hub.go_on()
    await witness.once()

    async with hub.services.database.transaction() as tx:
        note = await store.newest(tx, hub.actor.tenant)
    assert note is not None
    own = witness_key(signing.public_of(hub.identity.sign_private))
    assert [one.name for one in note.signatures] == [(await hub.key()).name, own.name]
    assert witness.alarms == ()


async def test_before_the_first_checkpoint_there_is_nothing_to_see(hub: RealHub, tmp_path: Path) -> None:
    witness = hub.witness(tmp_path / "agent")

    await witness.once()

    assert not WitnessFiles(folder=tmp_path / "agent").seen.exists()


async def test_the_memory_is_on_disk_before_the_cosignature_leaves(
    hub: RealHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, data: bytes) -> None:
        raise StorageFull("no space")

    await hub.go_on()
    witness = hub.witness(tmp_path / "agent")
    monkeypatch.setattr(witness_module, "write_private", full)
    with pytest.raises(StorageFull):
        await witness.once()

    async with hub.services.database.transaction() as tx:
        note = await store.newest(tx, hub.actor.tenant)
    assert note is not None
    assert len(note.signatures) == 1


@pytest.mark.parametrize("goes_on", [False, True], ids=["put back", "put back and signed on"])
async def test_a_database_put_back_under_the_hub_is_refused_and_alarmed_about(
    hub: RealHub, tmp_path: Path, *, goes_on: bool
) -> None:
    folder = tmp_path / "agent"
    await hub.go_on()
    old = await hub.size()
    await hub.go_on(5)
    await hub.witness(folder).once()

    await hub.put_back(old)
    if goes_on:
        await hub.go_on(20)
    witness = hub.witness(folder)  # a restart in between changes nothing
    await witness.once()
    await witness.once()

    what = "not shown to be those that were signed" if goes_on else "an older copy was put back"
    assert what in witness.alarms[0]
    assert what in WitnessFiles(folder=folder).refused.read_text()
    assert hub.witness(folder).alarms == witness.alarms, "it is forgotten at the next start"
    raised = await alarms.alarms(hub.services, hub.actor, hub.site.id)
    assert [(one.kind, one.agent) for one in raised] == [(AlarmKind.JOURNAL_TAMPERED, hub.identity.agent)]
    assert "postern journal verify" in alarms.words(AlarmKind.JOURNAL_TAMPERED)
    async with hub.services.database.transaction() as tx:
        entries = await read(tx, hub.services.keyring, hub.actor.tenant, before=None, limit=3)
    (told,) = [one.entry for one in entries if one.entry.act is Act.ALARMED]
    assert told.actor == f"agent:{hub.identity.agent}"
    assert what in told.detail


async def test_the_attack_catches_a_witness_that_forgets(hub: RealHub, tmp_path: Path) -> None:
    """The mutant: its memory does not outlive a restart, so it believes the first thing that it is shown."""
    await hub.go_on()
    old = await hub.size()
    await hub.go_on(5)
    await hub.witness(tmp_path / "one").once()
    await hub.put_back(old)

    forgetful = hub.witness(tmp_path / "another")
    await forgetful.once()
    assert forgetful.alarms == ()


async def test_an_agent_does_not_take_its_first_key_on_the_word_of_somebody_in_between(
    hub: RealHub, tmp_path: Path
) -> None:
    await hub.go_on()
    stranger = signing.public_of(signing.generate())
    changed = Identity(
        **{name: getattr(hub.identity, name) for name in hub.identity.__slots__ if name != "policy_public"},
        policy_public=stranger,
    )
    witness = Witness(
        WitnessFiles(folder=tmp_path / "agent"), Hub(hub.client, changed, SystemClock()), hub.clock
    )
    with pytest.raises(Exception, match="journal-key"):
        await witness.once()
    assert not WitnessFiles(folder=tmp_path / "agent").seen.exists()


async def test_a_journal_that_no_longer_moves_is_told(hub: RealHub, tmp_path: Path) -> None:
    await hub.go_on()
    witness = hub.witness(tmp_path / "agent")
    await witness.once()
    hub.clock.advance(STALE + timedelta(minutes=1))

    assert "no new checkpoint" in witness.alarms[0]


@pytest.mark.parametrize("content", [b"", b"{}\n", b"\xff\xfe"])
async def test_a_memory_that_cannot_be_read_is_told_and_stops_no_agent(
    hub: RealHub, tmp_path: Path, content: bytes
) -> None:
    await hub.go_on()
    files = WitnessFiles(folder=tmp_path)
    files.seen.write_bytes(content)
    witness = hub.witness(tmp_path)

    await witness.once()

    assert "cannot be read" in witness.alarms[0]
    assert files.seen.read_bytes() == content


async def test_the_job_notices_by_itself_what_is_put_back_while_it_runs(hub: RealHub) -> None:
    await hub.go_on()
    old, running = await hub.size(), hub.job
    await hub.go_on(5)
    await hub.put_back(old)
    await look.find_people(hub.services, hub.actor)

    await running.look(now=True)
    await running.look(now=True)

    assert await hub.size() == old, "it signed on"
    raised = await alarms.alarms(hub.services, hub.actor, hub.site.id)
    assert [(one.kind, one.agent) for one in raised] == [(AlarmKind.JOURNAL_TAMPERED, None)]


async def test_checkpoints_wait_for_a_second_or_a_thousand_entries(
    hub: RealHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("postern.operations.journal.checkpoints.ENTRIES", 8)
    clock = SetClock(datetime.now(UTC))
    object.__setattr__(hub.services, "clock", clock)
    await hub.job.look()
    first = await hub.size()

    await look.find_people(hub.services, hub.actor)
    await hub.job.look()
    assert await hub.size() == first
    clock.advance(timedelta(seconds=1))
    await hub.job.look()
    assert await hub.size() == first + 1
    for _ in range(8):
        await look.find_people(hub.services, hub.actor)
    await hub.job.look()
    assert await hub.size() == first + 9


# The auditor, with nothing but the program, a file and the key.


async def test_an_auditor_fetches_verifies_and_keeps_checkpoints(hub: RealHub, tmp_path: Path) -> None:
    file, key = tmp_path / "auditor.witness", None
    for _ in range(3):
        await hub.go_on()
        key = await hub.key()
        seen = await asyncio.to_thread(witness_file.witness_hub, file, hub.url, key, SystemClock())
        assert isinstance(seen, Seen)
    assert key is not None
    exported = tmp_path / "journal.jsonl"
    settings = Settings(data=tmp_path, database_url=hub.services.database.conninfo)  # type: ignore[arg-type]
    await journal_files.export_to(settings, exported, None)
    assert exported.stat().st_mode & 0o777 == 0o600

    done = await asyncio.to_thread(verified, exported, "--key", key.text, "--witness", str(file))
    assert (done.returncode, done.stderr) == (0, "")
    assert "The journal is whole." in done.stdout
    assert isinstance(witness_file.witness_export(tmp_path / "second", exported, key, SystemClock()), Seen)


async def test_an_auditor_s_witness_refuses_and_keeps_the_evidence(hub: RealHub, tmp_path: Path) -> None:
    await hub.go_on()
    old, key, file = await hub.size(), await hub.key(), tmp_path / "auditor.witness"
    await hub.go_on(5)
    await asyncio.to_thread(witness_file.witness_hub, file, hub.url, key, SystemClock())
    before = file.read_bytes()
    await hub.put_back(old)

    found = await asyncio.to_thread(witness_file.witness_hub, file, hub.url, None, SystemClock())

    assert isinstance(found, Finding)
    assert found.what is What.ROLLED_BACK
    assert file.read_bytes() == before
    assert key.name in (tmp_path / "auditor.witness.refused").read_text("utf-8")

    exported = tmp_path / "journal.jsonl"
    settings = Settings(data=tmp_path, database_url=hub.services.database.conninfo)  # type: ignore[arg-type]
    await journal_files.export_to(settings, exported, None)
    assert isinstance(witness_file.witness_export(file, exported, None, SystemClock()), Report)
    plain = await asyncio.to_thread(verified, exported, "--key", key.text)
    assert plain.returncode == 0
    told = await asyncio.to_thread(verified, exported, "--key", key.text, "--witness", str(file))
    assert told.returncode == 1
    assert told.stdout.startswith("ROLLED BACK: On ")
    assert "The journal is NOT whole." in told.stdout


async def test_an_agent_s_cosignature_in_the_export_says_how_much_it_saw(
    hub: RealHub, tmp_path: Path
) -> None:
    await hub.go_on()
    await hub.witness(tmp_path).once()
    own, exported = witness_key(signing.public_of(hub.identity.sign_private)), tmp_path / "journal.jsonl"
    settings = Settings(data=tmp_path, database_url=hub.services.database.conninfo)  # type: ignore[arg-type]
    await journal_files.export_to(settings, exported, hub.actor.tenant)
    lines = exported.read_bytes().splitlines()

    assert check(lines, await hub.key(), cosigners=[own]).cosigned == {own.name: await hub.size()}
    other = witness_key(signing.public_of(signing.generate()))
    assert [one.what for one in check(lines, await hub.key(), cosigners=[other]).findings] == [
        What.NOT_SIGNED
    ]


async def test_what_is_no_export_or_no_journal_is_said_in_words(hub: RealHub, tmp_path: Path) -> None:
    await hub.go_on()
    key = await hub.key()
    settings = Settings(data=tmp_path, database_url=hub.services.database.conninfo)  # type: ignore[arg-type]
    with pytest.raises(NotFound):
        await journal_files.export_to(settings, tmp_path / "x", 99)
    with pytest.raises(NotFound, match="no checkpoint of"):
        await asyncio.to_thread(
            witness_file.witness_hub,
            tmp_path / "w",
            hub.url,
            NoteKey(name="postern-journal/other", signer=key.signer, public=key.public),
            SystemClock(),
        )
    with pytest.raises(BadInput, match="needs --key"):
        witness_file.witness_hub(tmp_path / "w", hub.url, None, SystemClock())
    empty = tmp_path / "empty"
    empty.write_bytes(b"")
    done = await asyncio.to_thread(verified, empty, "--key", key.text)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == (
        "postern: this is no journal export of this release; make one with `postern journal export`\n"
    )


def verified(exported: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`postern journal verify`, as an auditor runs it: a process that has no data folder and no hub."""
    program = [sys.executable, "-m", "postern", "journal", "verify", str(exported), *arguments]
    return subprocess.run(
        program, capture_output=True, text=True, check=False, env={"PATH": "/usr/bin", "HOME": "/nonexistent"}
    )
