"""Whom the demo site expects today, what they sign, and what their QR code opens."""

from __future__ import annotations

from datetime import timedelta

from postern.ids import PersonId, SiteId
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.visitors import visits
from postern.operations.visitors.rules import change_rules, rules_of_site
from postern.operators.model import Actor
from postern.sites import store as sites
from postern.sites.model import AccessPoint
from postern.spans import Span
from postern.visitors.model import VisitDetails, VisitRules

_WAY_IN = "Front door, in"
_VISITORS = (
    ("Ines Duarte (invented)", "Kontor Nord GmbH", 1, 2),
    ("何志强（虚构）", "Old Town cinema", 3, 1),
)
"""Name, company, in how many hours, for how many."""
_ENGLISH = """Please wear your badge where it can be seen, and stay with your host.
Take pictures only where your host agrees.
If the alarm sounds, leave by the nearest way out and go to the assembly point in the yard."""
_CHINESE = """请将访客牌佩戴在明显处，并由接待人陪同。
拍照须经接待人同意。
如警报响起，请从最近的出口离开，前往院内集合点。"""


async def expect_visitors(services: Services, actor: Actor, site: SiteId, *, host: PersonId | None) -> None:
    """Say how the site takes visitors, and invite two for the next hours."""
    async with services.database.transaction(actor.tenant) as tx:
        points = await sites.parts(tx, services.keyring, actor.tenant, site, AccessPoint)
    level = await access_levels.add_access_level(
        services,
        actor,
        name="Visitors",
        access_points=frozenset(one.id for one in points if one.name == _WAY_IN),
    )
    now = await rules_of_site(services, actor, site)
    rules = VisitRules(
        site=site,
        walk_ups=True,
        walk_up_level=level.id,
        directions_english="From the street through the front door; reception is on the left.",
        directions_chinese="从街边正门进入，接待处在左侧。",
        version=now.rules.version,
    )
    await change_rules(services, actor, rules, english=_ENGLISH, chinese=_CHINESE)
    for name, company, start, hours in _VISITORS:
        begins = services.clock.now() + timedelta(hours=start)
        details = VisitDetails(
            site=site,
            name=name,
            company=company,
            valid=Span(start=begins, end=begins + timedelta(hours=hours)),
            host=host,
            level=level.id,
        )
        await visits.invite(services, actor, details, mail=False)
