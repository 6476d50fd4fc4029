"""Present something at a simulated door as if somebody stood there: for demonstrations and for training.

Only doors without a real barrier take it; nothing here can open a door in a wall.
"""

from __future__ import annotations

from collections.abc import Mapping

from postern.access.model import CredentialKind
from postern.errors import BadInput, Refused
from postern.ids import DoorId, ReaderId, SiteId
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.sites import commands
from postern.operations.sites.commands import CommandOutcome
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import AccessPoint, ControllerKind, Door, Reader


async def present(
    services: Services, actor: Actor, *, site: SiteId, reader: ReaderId, kind: CredentialKind, value: str
) -> CommandOutcome:
    """Present a card's number, a QR code's text, a plate or "keypad number-PIN" at the reader."""
    fields = {"reader": str(reader), "credential_kind": kind.value, "value": value}
    return await _send(services, actor, "present", fields, site=site, reader=reader)


async def play(
    services: Services, actor: Actor, *, site: SiteId, reader: ReaderId, source: str
) -> CommandOutcome:
    """Play a picture or video file of the agent's machine as if the reader's camera showed it."""
    return await _send(
        services, actor, "play", {"reader": str(reader), "source": source}, site=site, reader=reader
    )


ACTS = ("goes-through", "nobody", "holds-it-open", "forced", "shut")
"""What can happen at a simulated door: the first three from its next release on, the others at once."""


async def stage(services: Services, actor: Actor, *, site: SiteId, door: DoorId, act: str) -> CommandOutcome:
    """Play what happens at a simulated door. Raises NotFound, Refused for a real one, BadInput."""
    require(actor, Duty.TRY_PICTURE)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        _require_simulated(await sites.part(tx, services.keyring, actor.tenant, Door, site=site, id=door))
        if act not in ACTS:
            raise BadInput(f"choose what happens at the door: {', '.join(ACTS)}")
        fields = {"door": str(door), "act": act}
        id = await commands.send(services, tx, tenant=actor.tenant, site=site, command="stage", fields=fields)
        await trace(services, tx, actor, Act.CHANGED, purpose="simulated door", detail=f"door {door}: {act}")
    return await commands.outcome(services, actor.tenant, site, id)


async def _send(
    services: Services,
    actor: Actor,
    command: str,
    fields: Mapping[str, str],
    *,
    site: SiteId,
    reader: ReaderId,
) -> CommandOutcome:
    require(actor, Duty.TRY_PICTURE)
    async with services.database.transaction(actor.tenant) as tx:
        await _check_simulated(services, tx, actor, site, reader)
        id = await commands.send(services, tx, tenant=actor.tenant, site=site, command=command, fields=fields)
        await trace(services, tx, actor, Act.OPENED_DOOR, purpose="simulated door", detail=f"reader {reader}")
    return await commands.outcome(services, actor.tenant, site, id)


async def _check_simulated(
    services: Services, tx: Transaction, actor: Actor, site: SiteId, reader: ReaderId
) -> None:
    await sites.site(tx, services.keyring, actor.tenant, site)
    found = await sites.part(tx, services.keyring, actor.tenant, Reader, site=site, id=reader)
    point = await sites.part(
        tx, services.keyring, actor.tenant, AccessPoint, site=site, id=found.access_point
    )
    door = await sites.part(tx, services.keyring, actor.tenant, Door, site=site, id=point.door)
    _require_simulated(door)


def _require_simulated(door: Door) -> None:
    if door.controller.kind is not ControllerKind.SIMULATED:
        raise Refused("only a simulated door takes this; go to the reader and present it there")
