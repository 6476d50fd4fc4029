"""Somebody of whose hours a site holds all that it can: a roster, punches, a correction, a closed day."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from postern.attendance.asking import WantedCorrection
from postern.attendance.model import CorrectionDeed, Direction
from postern.attendance.pay import Jurisdiction, PayProfile
from postern.attendance.periods import PeriodEntry
from postern.attendance.settings import AttendanceSettings, NamedProfile, RosterKept
from postern.ids import OperatorId, PersonId, SiteId, new_id
from postern.operations.attendance import close_period, corrections, own_hours, punches
from postern.operations.attendance import setup as attendance_setup
from postern.operations.people import employments
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.people.employment import Terms
from postern.privacy.member import Member
from tests.flows.attendance.rosters import DAY_SHIFT

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
REASON = "the xylotheque's turnstile 7731 stood still"
ROSTER, PROFILE = "Felt slippers 7731", "slippers-7731"


async def worked_hours(
    hub: Services, actor: Actor, site: SiteId, people: Sequence[PersonId], *, reason: str = REASON
) -> PeriodEntry:
    """Yesterday is closed; of today there are punches, a correction that was approved and one that waits."""
    asks, decides = (replace(actor, operator=OperatorId(UUID(int=n)), name=f"o{n}") for n in (1, 2))
    pay = PayProfile(jurisdiction=Jurisdiction("de"))
    settings = AttendanceSettings(
        site=site, pay=pay, profiles=(NamedProfile(name=PROFILE, pay=pay),), phones=True
    )
    await attendance_setup.set_attendance(hub, actor, settings)
    roster = RosterKept(id=new_id(), name=ROSTER, roster=DAY_SHIFT)
    await attendance_setup.put_roster(hub, actor, site, roster)
    now = hub.clock.now()
    for person in people:
        known = await employments.employment_file(hub, actor, person)
        if not known.employments.every:
            terms = Terms(first=(now - 30 * DAY).date(), site=site, pay_profile=PROFILE)
            await employments.add_employment(hub, actor, person=person, version=0, terms=terms)
        await attendance_setup.assign_roster(
            hub, actor, person, since=(now - 30 * DAY).date(), roster=roster.id
        )
        for at, way in ((now - DAY - HOUR, Direction.IN), (now - DAY, Direction.OUT)):
            await punches.enter_punch(hub, asks, person, at=at, direction=way, reason=reason)
        own = Member(tenant=actor.tenant, person=person, name="drawn")
        await own_hours.punch_own(hub, own, Direction.IN)
        wanted = WantedCorrection(day=now.date(), deed=CorrectionDeed.EXCUSE, reason=reason)
        asked = await corrections.propose_correction(hub, asks, person, wanted)
        await corrections.approve_correction(hub, decides, person, asked)
        await own_hours.ask_own_correction(hub, own, wanted)
    yesterday = (now - DAY).date()
    return await close_period.close_period(hub, actor, site, first=yesterday, last=yesterday, reason=REASON)
