"""An erasure reaches every agent: it forgets, changes its key, keeps tombstones, and signs that it did."""

from __future__ import annotations

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest

from postern.access.policy import Policy
from postern.agent.bundle import SealedBundle
from postern.agent.main import Agent, AgentSettings, opened
from postern.biometrics.model import Template
from postern.clock import SystemClock
from postern.devices.picture_folder import PictureFolder
from postern.errors import CannotOpen, KeyDestroyed
from postern.ids import PersonId, ReferenceId, new_id
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.keystore.tombstones import TombstoneFile
from postern.operations import look
from postern.operations.archive.wire import ERASURE_PURPOSE, POLICY_INFO, erasure_message, policy_aad
from postern.operations.demo import Demo, set_up_demo
from postern.operations.privacy import consent, erase, tombstones
from postern.operations.services import Services
from postern.operations.sites import agents
from postern.operations.sites.publish_policy import mark_stale, publish_stale
from postern.operators.model import Actor, Role
from postern.people import store as people
from postern.people.store import StoredReference
from postern.postgres.pool import Database
from postern.privacy.receipt import Receipt, verified
from postern.sealing import signing
from postern.sealing.hybrid import open_from
from postern.sealing.keyring import Purpose
from postern.settings import Settings
from postern.sites import agents as agents_store
from postern.web.app import create_app
from tests.flows.agent_hub import served
from tests.flows.agent_site import TestDoor, ports


class Place:
    """A hub that is served, and somebody enrolled there."""

    def __init__(self, services: Services, url: str, demo: Demo, admin: Actor, person: PersonId) -> None:
        self.services = services
        self.url = url
        self.demo = demo
        self.admin = admin
        self.person = person

    @asynccontextmanager
    async def agent(self, folder: Path) -> AsyncIterator[Agent]:
        """An agent in that folder, with its policy in memory as if it ran."""
        code = await agents.new_code(self.services, self.admin, self.demo.site)
        settings = AgentSettings(folder=folder, hub_url=self.url, code=code)
        async with opened(settings, ports(TestDoor())) as agent:
            try:
                await agent.sync.once()
                yield agent
            finally:
                await agent.readers.close()
                await agent.doors.close()

    async def receipt(self, id: object) -> Receipt:
        document = await erase.receipt(self.services, self.admin, id)  # type: ignore[arg-type]
        return verified(document, await erase.receipts_public_key(self.services, self.admin))

    async def bundle(self, agent: Agent) -> SealedBundle:
        """The bundle that lies in the database for it at this moment, as a backup would keep it."""
        async with self.services.database.transaction(self.demo.tenant) as tx:
            known = await agents_store.get(tx, agent.sync._hub.identity.agent)
            found = await agents_store.bundle(tx, known)
        assert found is not None
        return SealedBundle(
            epoch=found.epoch, version=found.version, sealed=found.sealed, signature=found.signature
        )


@pytest.fixture
async def place(database: Database, keystore_database: Database, tmp_path: Path) -> AsyncIterator[Place]:
    (tmp_path / "pictures").mkdir(mode=0o700)
    services = Services(
        database=database,
        keyring=PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key")),
        pictures=PictureFolder(tmp_path / "pictures"),
        clock=SystemClock(),
        tombstones=TombstoneFile(tmp_path / "tombstones"),
    )
    demo = await set_up_demo(services)
    admin = Actor(tenant=demo.tenant, name="admin", role=Role.ADMINISTRATOR)
    person = (await look.find_people(services, admin, text="ada")).rows[0].person.id
    await consent.give_consent(services, admin, person=person)
    async with database.transaction(demo.tenant) as tx:
        template = Template(model="test", vector=np.array((1.0, 0, 0, 0), dtype=np.float32))
        reference = StoredReference(
            id=ReferenceId(new_id()),
            person=person,
            model="test",
            template=template.to_bytes(),
            quality=1.0,
        )
        await people.add_reference(tx, services.keyring, demo.tenant, reference)
        await mark_stale(services, tx, demo.tenant)
    await publish_stale(services)
    async with served(create_app(services, Settings(data=tmp_path, mode="demo"))) as url:
        yield Place(services, url, demo, admin, person)


def knows(policy: Policy | None, person: PersonId) -> bool:
    assert policy is not None
    return any(person in part.people for part in policy.gallery) or any(
        one.subject == person for one in policy.holders
    )


def opens(agent: Agent, bundle: SealedBundle) -> bool:
    """Whether a bundle of a backup opens with any key that the agent still has."""
    identity = agent.sync._hub.identity
    aad = policy_aad(site=identity.site, agent=identity.agent, epoch=bundle.epoch, version=bundle.version)
    for private in (identity.hpke_private, identity.former_hpke_private):
        if private is None:
            continue
        try:
            open_from(private, bundle.sealed, info=POLICY_INFO, aad=aad)
        except CannotOpen:
            continue
        return True
    return False


async def test_the_receipt_lists_an_agent_as_pending_until_it_has_proved_the_erasure(
    place: Place, tmp_path: Path
) -> None:
    folder = tmp_path / "agent"
    async with place.agent(folder) as agent:
        before = agent._bundles.policy
        assert knows(before, place.person)
        old = await place.bundle(agent)
        assert opens(agent, old)
        former_file = (folder / "policy.sealed").read_bytes()

        receipt = await erase.erase_person(place.services, place.admin, place.person, reason="left")
        (pending,) = (await place.receipt(receipt.id)).agents
        assert pending.confirmed_at is None

        await agent.sync.once()

        (proof,) = (await place.receipt(receipt.id)).agents
        assert proof.confirmed_at is not None
        assert proof.policy is not None
        assert proof.signature is not None
        identity = agent.sync._hub.identity
        message = erasure_message(
            site=identity.site,
            agent=identity.agent,
            erasure=receipt.id,
            subject=place.person,
            policy=proof.policy,
        )
        public = signing.public_of(identity.sign_private)
        signing.verify(public, message, proof.signature, purpose=ERASURE_PURPOSE)

        assert not knows(agent._bundles.policy, place.person)
        assert not knows(agent._bundles.kept(identity), place.person)
        assert agent._matching is not None
        assert not knows(agent._matching.policy, place.person)
        assert not opens(agent, old)
        assert (folder / "policy.sealed").read_bytes() != former_file
        kept = {one.key.hex() for one in TombstoneFile(folder / "tombstones").read()}
        assert kept == {one.key for one in receipt.destroyed}

        await agent.sync.once()
        assert identity.former_hpke_private is None or not opens(agent, old)
    async with place.agent(folder) as again:  # the new key survives a restart, the former one does not
        assert again.sync._hub.identity.former_hpke_private is None
        assert not knows(again._bundles.policy, place.person)


async def test_an_agent_that_still_holds_the_subject_does_not_prove_it(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant takes no new policy, and yet says that nothing is left: its hub does not believe it."""
    async with place.agent(tmp_path / "agent") as agent:
        receipt = await erase.erase_person(place.services, place.admin, place.person)
        stale = agent._bundles.policy

        async def no_policy() -> None:
            return None

        await agent.sync._erasures.round(no_policy)
        (proof,) = (await place.receipt(receipt.id)).agents
        assert proof.confirmed_at is None

        monkeypatch.setattr("postern.agent.erasures._holds", lambda _policy, _order: False)
        assert knows(stale, place.person)
        with pytest.raises(Exception, match="older than the erasure"):
            await agent.sync._erasures.round(no_policy)
        (proof,) = (await place.receipt(receipt.id)).agents
        assert proof.confirmed_at is None


async def test_an_older_copy_of_an_agent_must_prove_it_again(place: Place, tmp_path: Path) -> None:
    now, old = tmp_path / "now", tmp_path / "old"
    async with place.agent(now) as agent:
        await agent.sync.once()
    shutil.copytree(now, old)
    async with place.agent(now) as agent:
        receipt = await erase.erase_person(place.services, place.admin, place.person)
        await agent.sync.once()
        (proof,) = (await place.receipt(receipt.id)).agents
        first = proof.confirmed_at
        assert first is not None
    async with place.agent(old) as copy:
        assert not knows(copy._bundles.policy, place.person)
        (proof,) = (await place.receipt(receipt.id)).agents
        assert proof.confirmed_at is not None
        assert proof.confirmed_at > first


async def test_an_agent_s_tombstones_destroy_again_what_an_older_keystore_brings_back(
    place: Place, tmp_path: Path, keystore_database: Database
) -> None:
    keyring = place.services.keyring
    async with keystore_database.transaction() as tx:
        cursor = await tx.execute("SELECT * FROM subject_key WHERE subject = %s", (place.person,))
        backup = await cursor.fetchall()
    async with place.agent(tmp_path / "agent") as agent:
        receipt = await erase.erase_person(place.services, place.admin, place.person)
        await agent.sync.once()

        async with keystore_database.transaction() as tx:  # the backup is put back, the file is lost with it
            await tx.execute("DELETE FROM subject_key WHERE subject = %s", (place.person,))
            for row in backup:
                await tx.execute("INSERT INTO subject_key VALUES (%s, %s, %s, %s, %s)", row)
            await tx.execute("DELETE FROM tombstone")
        (tmp_path / "tombstones").unlink()
        restored = PostgresKeyring(keystore_database, keyring.roots)  # type: ignore[attr-defined]
        await restored.subject_key(place.demo.tenant, place.person, Purpose.IDENTITY)
        place.services.registry.tombstones_of.clear()

        await agent.sync.once()

        assert await keyring.destroyed_keys(place.demo.tenant) >= {
            bytes.fromhex(one.key) for one in receipt.destroyed
        }
    after = PostgresKeyring(keystore_database, keyring.roots)  # type: ignore[attr-defined]
    for purpose in (Purpose.IDENTITY, Purpose.FACE, Purpose.MOVEMENT):
        with pytest.raises(KeyDestroyed):
            await after.subject_key(place.demo.tenant, place.person, purpose)


async def test_tombstones_that_the_hub_did_not_make_destroy_nothing(place: Place) -> None:
    key = await place.services.keyring.subject_key(place.demo.tenant, place.person, Purpose.FACE)
    (forged,) = await tombstones.made(place.services.keyring, place.demo.tenant, [bytes(8)])
    wrong = type(forged)(tenant=forged.tenant, key=key.id, proof=forged.proof)
    with pytest.raises(Exception, match="not one that this hub made"):
        await tombstones.take(place.services, place.demo.tenant, [wrong], by="agent:1")
    await place.services.keyring.subject_key(place.demo.tenant, place.person, Purpose.FACE)


async def test_a_changed_receipt_is_not_believed(place: Place) -> None:
    receipt = await erase.erase_person(place.services, place.admin, place.person)
    document = json.loads(await erase.receipt(place.services, place.admin, receipt.id))
    public = await erase.receipts_public_key(place.services, place.admin)
    document["receipt"]["tried"] = []
    with pytest.raises(Exception, match="receipt signature"):
        verified(json.dumps(document).encode(), public)
