"""After the erasure of a visit nothing tells of the visitor; a mutant that keeps a key is caught."""

from __future__ import annotations

from dataclasses import replace

import pytest

from postern.access.decision import CodePresented, Request
from postern.access.model import CredentialKind
from postern.errors import NotFound
from postern.ids import TenantId
from postern.keystore.keyring import PostgresKeyring
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.privacy import erase
from postern.operations.privacy.erase import ErasureIncomplete
from postern.operations.services import Services
from postern.operations.sites.publish_policy import publish_stale
from postern.operations.visitors import page as visit_page
from postern.operations.visitors.visits import Invited
from postern.operators.model import Actor
from postern.postgres.pool import Database
from postern.prove.stored import every_plaintext
from postern.prove.visited import COMPANY, MAIL, PURPOSE, visited
from postern.sealing.keyring import Purpose
from postern.sites.store import SitePlan
from tests.flows.operations.conftest import admin, agent, clock, controller, demo, entrance, hub, places
from tests.flows.operations.drawn import DrawnAgent
from tests.flows.operations.test_operations_main_path import way

__all__ = ["admin", "agent", "clock", "controller", "demo", "entrance", "hub", "places"]

NAME = "Quistina Umlauf-Xylander"


@pytest.fixture
async def visit(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent, entrance: Entrance, places: SitePlan
) -> Invited:
    """She came in; the hub has heard of it."""
    made = await visited(hub, admin, demo.site, name=NAME)
    await publish_stale(hub)
    shown = CodePresented(kind=CredentialKind.QR, value=made.visit.code)
    request = Request(access_point=way(places, "Front door, in"), presented=shown)
    assert (await admit(entrance, await agent.policy(), request)).decision.holder is not None
    await receive(hub, await agent.known(), agent.entries, agent.pictures)
    return made


async def told(hub: Services, owner: Database, keystore: Database, tenant: TenantId, made: Invited) -> int:
    """How many things tell of her, whoever has the database and every key that is left."""
    assert isinstance(hub.keyring, PostgresKeyring)
    fresh = PostgresKeyring(keystore, hub.keyring.roots)
    known = [NAME, MAIL, COMPANY, PURPOSE, made.visit.code, made.link.partition("-")[2], str(made.visit.id)]
    found = 0
    async for place, plaintext in every_plaintext(owner, fresh, tenant):
        values = known[:-1] if place.table in ("journal_entry", "erasure") else known
        found += any(value.encode() in plaintext for value in values)
    return found


async def test_nothing_tells_of_an_erased_visitor(
    hub: Services, admin: Actor, demo: Demo, visit: Invited, database: Database, keystore_database: Database
) -> None:
    before = await told(hub, database, keystore_database, demo.tenant, visit)
    receipt = await erase.erase_visit(hub, admin, visit.visit.id, reason="asked for")
    after = await told(hub, database, keystore_database, demo.tenant, visit)

    assert (before, after) == (4, 0)  # the visit, her letter, what she holds, her passage
    assert receipt.opened_in_all == 0
    tried = {one.what: one.tried for one in receipt.tried}
    assert {"visit", "visit_letter", "holding", "record"} <= tried.keys()
    with pytest.raises(NotFound):
        await visit_page.invitation(hub, visit.link)


async def test_the_mutant_that_leaves_the_identity_key_gets_no_receipt(
    hub: Services, admin: Actor, visit: Invited, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = replace(visit.visit)
    assert isinstance(hub.keyring, PostgresKeyring)
    destroy = hub.keyring.destroy_subject_keys

    async def all_but_identity(tenant: TenantId, subject: object, purposes: list[Purpose]) -> object:
        return await destroy(tenant, kept.id, [one for one in purposes if one is not Purpose.IDENTITY])

    monkeypatch.setattr(hub.keyring, "destroy_subject_keys", all_but_identity)
    with pytest.raises(ErasureIncomplete, match="visit"):
        await erase.erase_visit(hub, admin, kept.id)
