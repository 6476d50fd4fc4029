"""A month from passages to payroll: reckoned, corrected, approved, closed, erased as far as the law lets."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from postern.attendance.asking import WantedCorrection
from postern.attendance.model import AnomalyKind, CorrectionDeed, CorrectionState, Direction
from postern.attendance.settings import AttendanceSettings, RosterKept
from postern.errors import BadInput, Conflict, NotFound, Refused
from postern.ids import OperatorId, PersonId, new_id
from postern.operations.attendance import close_period, corrections, own_hours, punches, timesheets
from postern.operations.attendance import setup as attendance_setup
from postern.operations.attendance.timesheets import TeamWanted
from postern.operations.privacy import erase
from postern.operations.sites import places as sites
from postern.operators.model import Actor
from postern.privacy.member import Member
from postern.privacy.profiles import ForbiddenHere
from tests.flows.attendance.rosters import DAY_SHIFT
from tests.flows.attendance.worked import BERLIN, Worked, at

FIRST, LAST = date(2026, 3, 1), date(2026, 3, 31)


async def on_day_shift(works: Worked, name: str, since: date = FIRST) -> PersonId:
    who = await works.person(name)
    kept = await attendance_setup.rosters(works.services, works.admin, works.site)
    roster = next((one for one in kept if one.name == "Day"), None)
    if roster is None:
        roster = await attendance_setup.put_roster(
            works.services, works.admin, works.site, RosterKept(id=new_id(), name="Day", roster=DAY_SHIFT)
        )
    await attendance_setup.assign_roster(works.services, works.admin, who, since=since, roster=roster.id)
    return who


async def work(works: Worked, *who: tuple[PersonId, set[int]]) -> None:
    """08:00 to 16:00 by the wall in Berlin, on these weekdays of March 2026 (clocks change on the 29th)."""
    for day in range(1, 32):
        utc = 6 if day >= 29 else 7
        there = [one for one, days in who if day in days and date(2026, 3, day).weekday() < 5]
        for hour, way in ((utc, works.way_in), (utc + 8, works.way_out)):
            for one in there:
                await works.passes(way, one, at(f"03-{day:02} {hour:02}:00"))


def as_operator(actor: Actor, number: int) -> Actor:
    return replace(actor, operator=OperatorId(UUID(int=number)), name=f"operator-{number}")


def member(works: Worked, who: PersonId) -> Member:
    return Member(tenant=works.tenant, person=who, name="drawn")


async def test_a_month_is_reckoned_corrected_approved_and_closed(works: Worked) -> None:
    hub, asks, decides = works.services, as_operator(works.admin, 1), as_operator(works.admin, 2)
    anna, ben = await on_day_shift(works, "Anna"), await on_day_shift(works, "Ben")
    await work(works, (anna, set(range(1, 20))), (ben, set(range(1, 20))))
    await works.passes(works.way_in, ben, at("03-20 06:59"))
    await work(works, (anna, set(range(20, 32))), (ben, set(range(21, 32))))
    works.clock.advance(at("04-02 10:00") - works.clock.now())
    await works.send()

    # 1. Everybody's month, from the passages alone.
    wanted = TeamWanted(site=works.site, first=FIRST, last=LAST)
    team = await timesheets.team_hours(hub, asks, wanted)
    assert [(one.name, one.timesheet.totals.worked) for one in team.rows] == [
        ("Anna", 22 * 8 * 60),
        ("Ben", 21 * 8 * 60),
    ]
    (forgotten,) = team.rows[1].timesheet.anomalies
    assert (forgotten.kind, forgotten.day) == (AnomalyKind.MISSING_OUT, date(2026, 3, 20))

    # 2. Nobody approves what does not pair; the person asks, and somebody else decides.
    with pytest.raises(Conflict, match="does not pair"):
        await timesheets.approve_month(hub, decides, ben, FIRST)
    suggestion = forgotten.suggestion
    assert suggestion is not None
    ask = WantedCorrection(
        day=forgotten.day,
        deed=suggestion.deed,
        reason="left by the gate of the yard",
        at=suggestion.at,
        direction=suggestion.direction,
    )
    asked = await own_hours.ask_own_correction(hub, member(works, ben), ask)
    own = await timesheets.own_hours(hub, member(works, ben), first=FIRST, last=LAST)
    assert [(one.id, one.state) for one in own.corrections] == [(asked, CorrectionState.ASKED)]
    assert own.timesheet.totals.worked == 21 * 8 * 60
    await corrections.approve_correction(hub, decides, ben, asked)
    with pytest.raises(Conflict, match="already"):
        await corrections.refuse_correction(hub, asks, ben, asked, reason="too late")
    own = await timesheets.own_hours(hub, member(works, ben), first=FIRST, last=LAST)
    assert own.timesheet.totals.worked == 22 * 8 * 60 + 1
    assert own.timesheet.anomalies == ()

    # 3. An approval is of just these hours: another punch makes it one of other hours.
    for who in (anna, ben):
        await timesheets.approve_month(hub, decides, who, FIRST)
    assert (await timesheets.person_hours(hub, asks, anna, first=FIRST, last=LAST)).approval is not None
    for moment, way in (("03-07 09:00", Direction.IN), ("03-07 10:00", Direction.OUT)):
        await punches.enter_punch(hub, asks, anna, at=at(moment), direction=way, reason="fire drill")
    changed = await timesheets.person_hours(hub, asks, anna, first=FIRST, last=LAST)
    assert changed.approval is None
    assert changed.outdated
    assert changed.timesheet.totals.worked == 22 * 8 * 60 + 60

    # 4. A closed period stands, whatever is recorded later; nothing in it is entered any more.
    closed = await close_period.close_period(hub, decides, works.site, first=FIRST, last=LAST)
    later = replace(ask, day=date(2026, 3, 5), at=at("03-05 20:00"))
    for refused in (
        punches.enter_punch(hub, asks, anna, at=at("03-05 20:00"), direction=Direction.IN, reason="late"),
        corrections.propose_correction(hub, asks, anna, later),
        close_period.close_period(hub, decides, works.site, first=LAST, last=LAST),
    ):
        with pytest.raises(Conflict):
            await refused
    await works.works(anna, at("03-28 09:00"), at("03-28 12:00"))
    await works.send()
    stands = await timesheets.person_hours(hub, asks, anna, first=FIRST, last=LAST)
    assert stands.closed == closed.number
    assert stands.differs
    assert stands.timesheet.totals.worked == 22 * 8 * 60 + 60

    # 5. Reopened by another entry, and closed anew.
    await close_period.reopen_period(hub, decides, works.site, closed.number, reason="a Saturday was missing")
    with pytest.raises(NotFound):
        await close_period.reopen_period(hub, decides, works.site, closed.number, reason="once more")
    again = await close_period.close_period(hub, decides, works.site, first=FIRST, last=LAST)
    entries = await close_period.closed_periods(hub, asks, works.site)
    assert [one.number for one in entries] == [1, 2, 3]
    assert again.number == 3
    stands = await timesheets.person_hours(hub, asks, anna, first=FIRST, last=LAST)
    assert not stands.differs
    assert stands.timesheet.totals.worked == 22 * 8 * 60 + 4 * 60

    # 6. Anna is erased: her punches and her roster go, and what the law keeps of her hours stays.
    await works.works(anna, at("04-01 06:00"), at("04-01 14:00"))
    await works.send()
    receipt = await erase.erase_person(hub, works.admin, anna)
    assert {one.what for one in receipt.tried} >= {"hours", "attendance_assignment", "record"}
    assert not any(one.opened for one in receipt.tried)
    assert any("working hours" in one.what for one in receipt.kept)
    assert await works.books(anna, FIRST) == []
    kept = await close_period.period_hours(hub, decides, works.site, again.number, purpose="payroll of March")
    assert [(one.name, one.timesheet.totals.worked, one.approved) for one in kept] == [
        ("Anna", 22 * 8 * 60 + 4 * 60, False),
        ("Ben", 22 * 8 * 60 + 1, True),
    ]
    # What was not closed yet stays with the period of its days, too.
    works.clock.advance(timedelta(days=30))
    april = await close_period.close_period(
        hub, decides, works.site, first=date(2026, 4, 1), last=date(2026, 4, 30), reason="Ben is on leave"
    )
    kept = await close_period.period_hours(hub, decides, works.site, april.number, purpose="payroll of April")
    assert [(one.name, one.timesheet.totals.worked) for one in kept] == [("Anna", 8 * 60), ("Ben", 0)]
    works.clock.advance(timedelta(days=2 * 366))
    assert await erase.end_statutory(hub, works.tenant, works.clock.now().date()) == 1
    kept = await close_period.period_hours(hub, decides, works.site, again.number, purpose="after two years")
    assert [one.name for one in kept] == ["Ben"]


async def test_what_is_asked_for_wrongly_is_refused_with_the_reason(works: Worked) -> None:
    hub, asks = works.services, as_operator(works.admin, 1)
    anna = await on_day_shift(works, "Anna")
    await works.works(anna, at("03-03 07:00"), at("03-03 15:00"))
    await works.send()
    wanted = WantedCorrection(
        day=date(2026, 3, 3),
        deed=CorrectionDeed.ADD,
        reason="forgot the card",
        at=at("03-03 16:00"),
        direction=Direction.IN,
    )
    ask = member(works, anna)
    for wrong, fault in (
        (replace(wanted, day=date(2026, 3, 5)), BadInput),
        (replace(wanted, day=date(2025, 12, 1)), BadInput),
        (replace(wanted, at=at("03-04 12:00")), BadInput),
        (replace(wanted, at=None), BadInput),
        (replace(wanted, direction=None), BadInput),
        (replace(wanted, reason=" "), BadInput),
        (replace(wanted, day=date(2026, 3, 1)), BadInput),
        (replace(wanted, deed=CorrectionDeed.MOVE), NotFound),
        (replace(wanted, deed=CorrectionDeed.REMOVE, punch=new_id()), NotFound),
    ):
        with pytest.raises(fault):
            await own_hours.ask_own_correction(hub, ask, wrong)
    id = await corrections.propose_correction(hub, asks, anna, wanted)
    with pytest.raises(Refused, match="whoever asks"):
        await corrections.approve_correction(hub, asks, anna, id)
    with pytest.raises(NotFound):
        await corrections.approve_correction(hub, asks, anna, new_id())
    with pytest.raises(BadInput, match="not over"):
        await timesheets.approve_month(hub, asks, anna, FIRST)
    with pytest.raises(BadInput):
        await punches.enter_punch(
            hub, asks, anna, at=at("03-09 07:00"), direction=Direction.IN, reason="soon"
        )
    paris = await sites.create_site(hub, works.admin, name="Paris", time_zone="Europe/Paris", country="FR")
    by_face = AttendanceSettings(site=paris.id, pay=BERLIN, faces=True)
    with pytest.raises(ForbiddenHere, match="CNIL"):
        await attendance_setup.set_attendance(hub, works.admin, by_face)


async def test_a_phone_punches_by_the_hubs_clock_where_the_site_allows_it(works: Worked) -> None:
    hub = works.services
    anna = await on_day_shift(works, "Anna")
    own = member(works, anna)
    assert (await own_hours.own_punches(hub, own)).next is Direction.IN
    await own_hours.punch_own(hub, own, Direction.IN)
    works.clock.advance(timedelta(hours=3))
    shown = await own_hours.own_punches(hub, own)
    assert shown.next is Direction.OUT
    await own_hours.punch_own(hub, own, Direction.OUT)
    today = await timesheets.own_hours(hub, own, first=date(2026, 3, 4), last=date(2026, 3, 4))
    assert today.timesheet.totals.worked == 180
    settings = await attendance_setup.attendance_of(hub, works.admin, works.site)
    await attendance_setup.set_attendance(hub, works.admin, replace(settings, phones=False))
    with pytest.raises(Refused, match="by phone"):
        await own_hours.punch_own(hub, own, Direction.IN)
    nobody = Member(tenant=works.tenant, person=PersonId(new_id()), name="nobody")
    with pytest.raises(NotFound):
        await own_hours.punch_own(hub, nobody, Direction.IN)
