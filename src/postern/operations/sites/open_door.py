"""Open a door from afar, with a reason on file before it moves."""

from __future__ import annotations

from postern.ids import DoorId, SiteId
from postern.journal.model import Act
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.sites import commands
from postern.operations.sites.commands import CommandOutcome
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.sites import store as sites
from postern.sites.model import Door


async def open_door(
    services: Services, actor: Actor, *, site: SiteId, door: DoorId, reason: str
) -> CommandOutcome:
    """Have the site's agent release the door, and wait for its answer (15 seconds at most).

    Raises BadInput without a reason, NotFound for a door that the site has not. The journal has it first.
    """
    require(actor, Duty.OPEN_DOOR)
    reason = stated(reason)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        found = await sites.part(tx, services.keyring, actor.tenant, Door, site=site, id=door)
        fields = {"door": str(door), "operator": actor.name, "reason": reason}
        id = await commands.send(
            services, tx, tenant=actor.tenant, site=site, command="open-door", fields=fields
        )
        await trace(
            services, tx, actor, Act.OPENED_DOOR, purpose=reason, detail=f"site {site}, door {found.id}"
        )
    return await commands.outcome(services, actor.tenant, site, id)
