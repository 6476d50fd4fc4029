"""Passages at attendance points become punches, exactly once, under the key of whose they are."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta

import pytest

from postern.access.model import CredentialKind
from postern.attendance.model import AnomalyKind, Direction
from postern.operations.attendance import read, timesheets
from postern.operations.attendance.settle import run_hours
from postern.operations.privacy.retention import end_what_is_over
from postern.records.model import Outcome
from tests.flows.attendance.worked import Worked, at

MARCH, FEBRUARY = date(2026, 3, 1), date(2026, 2, 1)


async def test_a_passage_at_an_attendance_point_is_a_punch_in_its_month(works: Worked) -> None:
    anna = await works.person("Anna")
    await works.works(anna, at("02-27 07:58"), at("02-27 16:31"))
    await works.works(anna, at("03-02 08:02"), at("03-02 16:30"))
    await works.send()
    await works.settle()
    assert await works.times(anna, FEBRUARY) == [
        (at("02-27 07:58"), Direction.IN),
        (at("02-27 16:31"), Direction.OUT),
    ]
    assert await works.times(anna, MARCH) == [
        (at("03-02 08:02"), Direction.IN),
        (at("03-02 16:30"), Direction.OUT),
    ]


async def test_who_was_refused_or_did_not_pass_has_not_punched(works: Worked) -> None:
    anna = await works.person("Anna")
    await works.decided(works.way_in, anna, at("03-02 08:00"), granted=False)
    await works.passes(works.way_in, anna, at("03-02 08:01"), outcome=Outcome.NOT_TAKEN)
    await works.decided(works.way_in, anna, at("03-02 08:02"))
    await works.passes(works.way_in, None, at("03-02 08:03"))
    await works.send()
    await works.settle()
    assert await works.times(anna, MARCH) == []


async def test_a_face_is_no_punch_unless_the_site_says_so(works: Worked) -> None:
    anna = await works.person("Anna")
    await works.passes(works.way_in, anna, at("03-02 08:00"), by=CredentialKind.FACE)
    await works.passes(works.way_out, anna, at("03-02 16:00"), by=CredentialKind.PIN)
    await works.send()
    await works.settle()
    assert await works.times(anna, MARCH) == [(at("03-02 16:00"), Direction.OUT)]


async def test_a_passage_whose_decision_came_in_an_earlier_batch_is_a_punch(works: Worked) -> None:
    anna = await works.person("Anna")
    await works.passes(works.way_in, anna, at("03-02 08:00"))
    await works.send(1)
    await works.settle()
    assert await works.times(anna, MARCH) == []
    await works.send()
    await works.settle()
    assert await works.times(anna, MARCH) == [(at("03-02 08:00"), Direction.IN)]


@pytest.mark.parametrize("ahead", [True, False])
async def test_a_clock_that_was_put_right_later_is_found_by_the_order_of_its_records(
    works: Worked, *, ahead: bool
) -> None:
    anna = await works.person("Anna")
    await works.passes(works.way_in, anna, at("03-02 11:00" if ahead else "03-02 08:00"))
    await works.passes(works.way_out, anna, at("03-02 09:05"))
    works.clock.advance(timedelta(hours=1))
    await works.send()
    await works.settle()
    (book,) = await works.books(anna, MARCH)
    wrong = [one for one in book.punches if one.received_at and one.received_at < one.at]
    assert [one.received_at for one in wrong] == ([at("03-02 09:05")] if ahead else [])


@pytest.mark.parametrize("mutant", [False, True])
async def test_a_clock_that_ran_behind_and_was_put_right_before_it_sent_shows_across_deliveries(
    works: Worked, monkeypatch: pytest.MonkeyPatch, *, mutant: bool
) -> None:
    async def nothing(*_: object) -> list[object]:
        return []

    if mutant:
        monkeypatch.setattr(read, "before_late_ones", nothing)
    anna = await works.person("Anna")
    works.clock.advance(at("03-05 07:00") - works.clock.now())
    await works.passes(works.way_in, anna, at("03-05 07:00"))
    await works.send()
    await works.settle()
    # Its line goes, and a restart sets its clock back by hours; both are mended before it sends again.
    await works.passes(works.way_out, anna, at("03-05 05:00"))
    await works.passes(works.way_in, anna, at("03-05 11:00"))
    works.clock.advance(timedelta(hours=6))
    await works.send()
    await works.settle()
    (book,) = await works.books(anna, MARCH)
    doubted = {one.at: one.received_at for one in book.punches if one.at == at("03-05 05:00")}
    assert doubted == {at("03-05 05:00"): None if mutant else at("03-05 07:00")}
    hours = await timesheets.person_hours(
        works.services, works.admin, anna, first=at("03-05 00:00").date(), last=at("03-05 00:00").date()
    )
    wrong = [one for one in hours.timesheet.anomalies if one.kind is AnomalyKind.WRONG_CLOCK]
    assert bool(wrong) is not mutant


async def test_the_job_follows_every_site_and_takes_in_what_arrives(works: Worked) -> None:
    anna = await works.person("Anna")
    job = asyncio.create_task(run_hours(works.services))
    try:
        await works.works(anna, at("03-02 07:58"), at("03-02 16:31"))
        await works.send()
        async with asyncio.timeout(20):
            while len(await works.times(anna, MARCH)) < 2:
                await asyncio.sleep(0.1)
    finally:
        job.cancel()
        await asyncio.gather(job, return_exceptions=True)
    assert job.cancelled()


async def test_months_end_with_retention(works: Worked) -> None:
    anna = await works.person("Anna")
    await works.works(anna, at("02-27 07:58"), at("02-27 16:31"))
    await works.works(anna, at("03-02 08:02"), at("03-02 16:30"))
    await works.send()
    await works.settle()
    works.clock.advance(at("06-10 08:00") - works.clock.now())  # 90 days are kept: all of February is over
    await end_what_is_over(works.services)
    assert await works.times(anna, FEBRUARY) == []
    assert len(await works.times(anna, MARCH)) == 2
    works.clock.advance(timedelta(days=30))
    await end_what_is_over(works.services)
    assert await works.times(anna, MARCH) == []
