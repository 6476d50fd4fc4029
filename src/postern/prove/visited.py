"""A visitor whom an organisation holds all that it can hold of: invited, signed, seen, a letter waiting."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import timedelta

from postern.ids import PersonId, SiteId
from postern.operations.ports import Letter
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.visitors import page as visit_page
from postern.operations.visitors import rules as visit_rules
from postern.operations.visitors import visits
from postern.operations.visitors.visits import Invited
from postern.operators.model import Actor
from postern.spans import Span
from postern.visitors.model import VisitDetails

MAIL, COMPANY, PURPOSE = (
    "quistina@quappenbruch.example",
    "Quappenbruch Xylothek KG",
    "sees the xylotheque 7731",
)
TERMS = "Whoever enters the xylotheque wears the felt slippers 7731."


@dataclass
class Nobody:
    """Takes every letter over, and delivers none."""

    sent: list[Letter] = field(default_factory=list)

    async def send(self, letter: Letter) -> None:
        self.sent.append(letter)


async def visited(
    hub: Services, actor: Actor, site: SiteId, *, name: str, host: PersonId | None = None
) -> Invited:
    """The visit, signed for; its invitation waits to be sent again."""
    hub = replace(hub, post=Nobody())
    levels = await access_levels.access_levels(hub, actor)
    found = await visit_rules.rules_of_site(hub, actor, site)
    directions = replace(found.rules, directions_english="Through the yard.", directions_chinese="穿过院子。")
    made = await visit_rules.change_rules(hub, actor, directions, english=TERMS, chinese="")
    assert made.terms is not None
    now = hub.clock.now()
    wanted = VisitDetails(
        site=site,
        name=name,
        company=COMPANY,
        mail=MAIL,
        purpose=PURPOSE,
        host=host,
        level=levels[0].id,
        valid=Span(start=now - timedelta(hours=1), end=now + timedelta(hours=4)),
    )
    done = await visits.invite(hub, actor, wanted)
    await visit_page.sign(hub, done.link, number=made.terms.number, language="en", name=name)
    return await visits.invite_again(hub, actor, done.visit.id)
