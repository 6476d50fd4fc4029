"""How a site takes visitors: whether without invitation, what they sign, for how long visits are kept."""

from __future__ import annotations

from dataclasses import dataclass

from postern.access import store as access
from postern.access.model import AccessLevel
from postern.errors import BadInput
from postern.ids import SiteId
from postern.journal.model import Act
from postern.operations.privacy.jurisdiction import profile_of
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.privacy.model import ConsentForm
from postern.sites import store as sites
from postern.visitors import store
from postern.visitors.model import LONGEST_TERMS, Terms, VisitRules


@dataclass(frozen=True, kw_only=True, slots=True)
class RulesOfSite:
    """What holds at a site now; `terms` are the newest, None where there never were any."""

    rules: VisitRules
    terms: Terms | None


async def rules_of_site(services: Services, actor: Actor, site: SiteId) -> RulesOfSite:
    """What holds at the site. Raises NotFound."""
    require(actor, Duty.SEE_VISITS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        every = await store.every_terms(tx, services.keyring, actor.tenant, site)
        rules = await store.visit_rules(tx, services.keyring, actor.tenant, site)
    return RulesOfSite(rules=rules, terms=every[0] if every else None)


async def change_rules(
    services: Services, actor: Actor, wanted: VisitRules, *, english: str, chinese: str
) -> RulesOfSite:
    """Change how the site takes visitors. A changed text of the terms gets the next number, and those who
    signed before have signed the one before.

    Raises NotFound, BadInput, Conflict when `wanted.version` is stale, and ForbiddenHere where visitors are
    offered to be known by their face and the law takes no consent that is given on a phone.
    """
    require(actor, Duty.CHANGE_VISIT_RULES)
    english, chinese = (text.replace("\r\n", "\n").strip() for text in (english, chinese))
    if max(len(english), len(chinese)) > LONGEST_TERMS:
        raise BadInput(f"the terms are too long; {LONGEST_TERMS} characters are the most")
    if wanted.walk_ups and wanted.walk_up_level is None:
        raise BadInput("choose what those who come without invitation may open once they are approved")
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, wanted.site)
        if wanted.walk_up_level is not None:
            await access.rule(tx, services.keyring, actor.tenant, wanted.walk_up_level, AccessLevel)
        if wanted.faces:
            here = await profile_of(services, tx, actor.tenant, wanted.site)
            here.refuse_form(ConsentForm.ONLINE)
        stored = await store.put_visit_rules(tx, services.keyring, actor.tenant, wanted)
        every = await store.every_terms(tx, services.keyring, actor.tenant, wanted.site)
        newest = every[0] if every else None
        before = (newest.english, newest.chinese) if newest is not None else ("", "")
        if (english, chinese) != before:
            newest = Terms(
                site=wanted.site,
                number=newest.number + 1 if newest is not None else 1,
                since=services.clock.now(),
                by=actor.name,
                english=english,
                chinese=chinese,
            )
            await store.add_terms(tx, services.keyring, actor.tenant, newest)
        detail = f"site {wanted.site}, terms {newest.number if newest is not None else 0}"
        await trace(services, tx, actor, Act.CHANGED, purpose="rules for visits", detail=detail)
    return RulesOfSite(rules=stored, terms=newest)
