"""First steps: what a new installation still lacks. Gone once all is there. It counts and opens nothing."""

from __future__ import annotations

from dataclasses import dataclass

from postern.operations.sites import access_levels, agents
from postern.operations.sites import places as site_operations
from postern.people import store as people
from postern.people.store import PERSON
from postern.sealed_rows import versions
from postern.web.login import Hub
from postern.web.pages import Caller


@dataclass(frozen=True, kw_only=True, slots=True)
class Step:
    """One step, and where it is done."""

    key: str
    href: str
    done: bool


async def checklist(hub: Hub, caller: Caller) -> tuple[Step, ...]:
    """The steps, or nothing once all are done or for a role that does none of them."""
    if not (caller.may("change-sites") and caller.may("change-people")):
        return ()
    actor = caller.actor
    sites = await site_operations.sites(hub, actor)
    plans = [await site_operations.plan(hub, actor, one.id) for one in sites]
    known = [one for site in sites for one in await agents.agents(hub, actor, site.id)]
    levels = await access_levels.access_levels(hub, actor)
    async with hub.database.transaction(caller.actor.tenant) as tx:
        everyone = await versions(tx, PERSON, actor.tenant)
        enrolled = await people.reference_counts(tx, actor.tenant)
    here = f"/sites/{sites[0].id}" if sites else "/sites"
    steps = (
        Step(key="site", href=here, done=any(plan.access_points for plan in plans)),
        Step(key="agent", href="/agents", done=any(one.active for one in known)),
        Step(key="reader", href=here, done=any(plan.readers for plan in plans)),
        Step(key="level", href="/access-levels", done=bool(levels)),
        Step(key="person", href="/people/new", done=bool(everyone)),
        Step(key="enrolled", href="/people", done=bool(enrolled)),
    )
    return () if all(step.done for step in steps) else steps
