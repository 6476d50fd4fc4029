"""Rows that say who may go where, put back or taken away by a writer in the hub's database.

Each is tried on somebody with a card of their own, and returns whether the next policy opens the door to it.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import time, timedelta

from postern.access.decision import CodePresented, Granted, Request, decide
from postern.access.lockdown import Lockdown
from postern.access.model import AccessLevel, CredentialKind, DaySpan, Grant, SubjectKind, WeeklySpan
from postern.errors import PosternError
from postern.ids import ScheduleId
from postern.operations.people import credentials, employments, register, revoke
from postern.operations.presence import lockdown
from postern.operations.sites import access_levels, places, schedules
from postern.operations.sites.publish_policy import build, publish_stale
from postern.people.employment import Terms
from postern.people.model import Person, PersonDetails
from postern.prove.copied_rows import Copy, copied, write
from postern.prove.scratch import DrawnSite
from postern.sites.model import AccessPoint


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """A person whose card opens one door by an access level of their own."""

    person: Person
    card: str
    level: AccessLevel
    access_point: AccessPoint


async def _front_door(site: DrawnSite) -> AccessPoint:
    plan = await places.plan(site.hub, site.admin, site.demo.site)
    return next(one for one in plan.access_points if one.name == "Front door, in")


async def _somebody(site: DrawnSite, *, schedule: ScheduleId | None = None) -> Somebody:
    door = await _front_door(site)
    name, card = secrets.token_hex(6), secrets.token_hex(8).upper()
    level = await access_levels.add_access_level(
        site.hub,
        site.admin,
        name=name,
        access_points=frozenset({door.id}),
        schedule=schedule,
    )
    person = await register.add_person(site.hub, site.admin, PersonDetails(name=name))
    issued = await credentials.issue_card(site.hub, site.admin, person=person.id, number=card)
    await access_levels.set_grants(
        site.hub, site.admin, holding=issued.holding, grants=[Grant(level=level.id)]
    )
    return Somebody(person=person, card=card, level=level, access_point=door)


async def _is_let_in(site: DrawnSite, somebody: Somebody) -> bool:
    """By the policy that the hub would publish now; by none when it refuses to make one."""
    async with site.hub.database.transaction(site.demo.tenant) as tx:
        try:
            policy = await build(site.hub, tx, site.demo.tenant, site.demo.site, version=1)
        except PosternError:
            return False
    presented = CodePresented(kind=CredentialKind.CARD, value=somebody.card)
    request = Request(access_point=somebody.access_point.id, presented=presented)
    return isinstance(decide(request, policy, site.clock.now()), Granted)


async def _published(site: DrawnSite) -> None:
    await publish_stale(site.hub)


async def a_holder_who_was_revoked(site: DrawnSite) -> bool:
    """As they were before."""
    ada = await _somebody(site)
    kept = await copied(site, "holding", tenant_id=site.demo.tenant, subject_id=ada.person.id)
    await revoke.revoke_holder(
        site.hub, site.admin, subject=ada.person.id, kind=SubjectKind.PERSON, reason="an attack"
    )
    await kept.put_back(site)
    return await _is_let_in(site, ada)


async def a_card_that_was_revoked(site: DrawnSite) -> bool:
    """The same for one card."""
    ada = await _somebody(site)
    kept = await copied(site, "holding", tenant_id=site.demo.tenant, subject_id=ada.person.id)
    held = await access_levels.holding(site.hub, site.admin, subject=ada.person.id, kind=SubjectKind.PERSON)
    await revoke.revoke_credential(
        site.hub,
        site.admin,
        subject=ada.person.id,
        kind=SubjectKind.PERSON,
        credential=held.credentials[0].id,
        reason="an attack",
    )
    await kept.put_back(site)
    return await _is_let_in(site, ada)


async def an_access_level_that_was_narrowed(site: DrawnSite) -> bool:
    """As when it still opened the door."""
    ada = await _somebody(site)
    kept = await copied(site, "access_level", tenant_id=site.demo.tenant, id=ada.level.id)
    await access_levels.change_access_level(
        site.hub, site.admin, replace(ada.level, access_points=frozenset())
    )
    await _published(site)
    await kept.put_back(site)
    return await _is_let_in(site, ada)


async def a_schedule_that_was_narrowed(site: DrawnSite) -> bool:
    """As when it was open at any time."""
    always = (WeeklySpan(weekdays=frozenset(range(7)), span=DaySpan(start=time(0), end=time(0))),)
    open_always = await schedules.add_schedule(site.hub, site.admin, name=secrets.token_hex(6), weekly=always)
    ada = await _somebody(site, schedule=open_always.id)
    kept = await copied(site, "schedule", tenant_id=site.demo.tenant, id=open_always.id)
    await schedules.change_schedule(site.hub, site.admin, replace(open_always, weekly=()))
    await _published(site)
    await kept.put_back(site)
    return await _is_let_in(site, ada)


async def somebody_who_left(site: DrawnSite) -> bool:
    """Their employment as it was before it ended."""
    ada, today = await _somebody(site), site.clock.now().date()
    terms = Terms(first=today - timedelta(days=100), site=site.demo.site)
    await employments.add_employment(site.hub, site.admin, person=ada.person.id, version=0, terms=terms)
    kept = await copied(site, "employment", tenant_id=site.demo.tenant, person_id=ada.person.id)
    await _left(site, ada)
    await kept.put_back(site)
    return await _is_let_in(site, ada)


async def somebody_whose_leaving_is_gone(site: DrawnSite) -> bool:
    """Without a row nobody's access ends."""
    ada, today = await _somebody(site), site.clock.now().date()
    terms = Terms(first=today - timedelta(days=100), site=site.demo.site)
    await employments.add_employment(site.hub, site.admin, person=ada.person.id, version=0, terms=terms)
    await _left(site, ada)
    await write(site, "DELETE FROM employment WHERE person_id = %s", ada.person.id)
    return await _is_let_in(site, ada)


async def _left(site: DrawnSite, somebody: Somebody) -> None:
    yesterday = site.clock.now().date() - timedelta(days=1)
    await employments.end_employment(site.hub, site.admin, person=somebody.person.id, last=yesterday)
    await _published(site)


async def a_lockdown_that_is_gone(site: DrawnSite) -> bool:
    """Its row removed."""
    ada = await _somebody(site)
    made = await _locked_down(site)
    locked = await copied(site, "lockdown", site_id=site.demo.site)
    await write(site, "DELETE FROM lockdown WHERE site_id = %s", site.demo.site)
    let_in = await _is_let_in(site, ada)
    await _released(site, locked, made)
    return let_in


async def a_lockdown_as_it_was_before(site: DrawnSite) -> bool:
    """The row from when nothing was locked down."""
    ada = await _somebody(site)
    await lockdown.release(site.hub, site.admin, site.demo.site, (await _locked_down(site)).id)
    await _published(site)
    kept = await copied(site, "lockdown", site_id=site.demo.site)
    made = await _locked_down(site)
    locked = await copied(site, "lockdown", site_id=site.demo.site)
    await kept.put_back(site)
    let_in = await _is_let_in(site, ada)
    await _released(site, locked, made)
    return let_in


async def _locked_down(site: DrawnSite) -> Lockdown:
    made = await lockdown.lock_down(site.hub, site.admin, site.demo.site, area=None, drill=False)
    await _published(site)
    return made


async def _released(site: DrawnSite, locked: Copy, made: Lockdown) -> None:
    """For the next forgery."""
    await locked.put_back(site)
    await lockdown.release(site.hub, site.admin, site.demo.site, made.id)
    await _published(site)


async def a_way_in_as_when_it_led_out(site: DrawnSite) -> bool:
    """An access point that was a way out, which opens to everybody, by mistake."""
    stranger = replace(await _somebody(site), card=secrets.token_hex(8).upper())
    here = stranger.access_point
    wrong = await places.change(site.hub, site.admin, replace(here, way_out=True))
    kept = await copied(site, "access_point", site_id=site.demo.site, id=here.id)
    await places.change(site.hub, site.admin, replace(wrong, way_out=False))
    await _published(site)
    mended = await copied(site, "access_point", site_id=site.demo.site, id=here.id)
    await kept.put_back(site)
    let_in = await _is_let_in(site, stranger)
    await mended.put_back(site)
    return let_in


OF_THE_REGISTRY: tuple[Callable[[DrawnSite], Awaitable[bool]], ...] = (
    a_holder_who_was_revoked,
    a_card_that_was_revoked,
    an_access_level_that_was_narrowed,
    a_schedule_that_was_narrowed,
    somebody_who_left,
    somebody_whose_leaving_is_gone,
    a_lockdown_that_is_gone,
    a_lockdown_as_it_was_before,
    a_way_in_as_when_it_led_out,
)
