"""Hours on their pages: asked for on a phone, approved at a desk, closed, and handed to payroll."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import date, time

import httpx
import pytest
from fastapi import FastAPI
from pyrage import decrypt, x25519

from postern.access.model import DaySpan
from postern.attendance.roster import Roster, ShiftPattern, WeeklyShift
from postern.attendance.settings import RosterKept
from postern.clock import SetClock
from postern.ids import OperatorId, PersonId, new_id
from postern.operations.attendance import payroll_files
from postern.operations.attendance import setup as attendance_setup
from postern.operations.insiders import approvals
from postern.operations.operators import members
from postern.operations.operators.sign_in import start_login
from postern.operations.people import employments, teams
from postern.operations.services import Services
from postern.operators import store as operators
from postern.operators.model import Actor, Operator, Role
from postern.people.employment import Terms
from tests.flows.attendance.worked import Worked, at, worked
from tests.flows.web.conftest import HOME, SAME_ORIGIN, Browser

DAY_SHIFT = Roster(
    weekly=(
        WeeklyShift(
            weekdays=frozenset(range(5)),
            pattern=ShiftPattern(name="Day", hours=DaySpan(start=time(8), end=time(16))),
        ),
    )
)
FIRST = date(2026, 3, 1)


@pytest.fixture
async def works(hub: Services, admin: Actor, clock: SetClock) -> Worked:
    return await worked(hub, admin, clock)


@pytest.fixture
async def anna(works: Worked) -> PersonId:
    """Works by day for a contractor; on Thursday she forgot to punch when she went."""
    hub, admin = works.services, works.admin
    who = await works.person("Anna")
    contractor = await teams.add_contractor(hub, admin, name="Nord Bau", address="Kai 1", contract="N-17")
    terms = Terms(first=FIRST, contractor=contractor.id, site=works.site, occupation="Roofer")
    await employments.add_employment(hub, admin, person=who, version=0, terms=terms)
    kept = RosterKept(id=new_id(), name="Day", roster=DAY_SHIFT)
    await attendance_setup.put_roster(hub, admin, works.site, kept)
    since = date(2026, 3, 4)
    await attendance_setup.assign_roster(hub, admin, who, since=since, roster=kept.id)
    await works.works(who, at("03-04 11:30"), at("03-04 15:00"))
    await works.passes(works.way_in, who, at("03-05 07:00"))
    await works.works(who, at("03-06 07:10"), at("03-06 15:00"))
    works.clock.advance(at("03-07 10:00") - works.clock.now())
    await works.send()
    return who


@asynccontextmanager
async def at_desk(
    app: FastAPI, works: Worked, role: Role = Role.ADMINISTRATOR, *, name: str = ""
) -> AsyncIterator[Browser]:
    """A second administrator has just signed in, or somebody of another role."""
    hub, tenant = works.services, works.tenant
    name = name or f"op-{new_id().hex[:8]}"
    operator = Operator(id=OperatorId(new_id()), tenant=tenant, login_name=name, role=role)
    async with hub.database.transaction(tenant) as tx:
        await operators.add(tx, hub.keyring, operator)
        signed = await start_login(hub, tx, operator, detail="drawn")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    cookies = {"__Host-postern": signed.secret}
    async with httpx.AsyncClient(transport=transport, base_url=HOME, cookies=cookies) as client:
        yield Browser(client=client)


@pytest.fixture
async def phone(app: FastAPI, works: Worked, anna: PersonId) -> AsyncIterator[Browser]:
    """Anna has signed in for herself."""
    link = (await members.new_member_link(works.services, works.admin, anna)).removeprefix(HOME)
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=HOME) as client:
        phrase = "four words on a phone"
        data = {"passphrase": phrase, "again": phrase}
        answer = await client.post(link, data=data, headers=SAME_ORIGIN)
        assert answer.status_code == 303, answer.text
        yield Browser(client=client)


async def own(phone: Browser, path: str, **fields: str) -> httpx.Response:
    found = re.search(r'name="form_key" value="([0-9a-f]{64})"', (await phone.get("/me")).text)
    assert found is not None
    return await phone.client.post(path, data={"form_key": found[1], **fields}, headers=SAME_ORIGIN)


def suggested(page: str) -> dict[str, str]:
    """What the form of the first suggestion carries."""
    found = re.findall(r'name="(day|deed|punch|at|direction)" value="([^"]*)"', page)
    return dict(found[:5])


async def keeping_hours_is_set_up(browser: Browser, hub: Services, admin: Actor) -> None:
    """At the demo's site, on the page."""
    page = (await browser.get("/hours/setup?site=1")).text
    assert "Keep hours here" in page or "Save" in page
    law = {"jurisdiction": "de", "region": "BE", "phones": "yes"}
    assert (await browser.send("/hours/setup/1", jurisdiction="atlantis")).status_code == 422
    assert (await browser.send("/hours/setup/1", **law)).status_code == 303
    page = (await browser.get("/hours/setup?site=1")).text
    point = re.search(r'name="point-([0-9a-f-]{36})"', page)
    assert point is not None
    assert (await browser.send("/hours/setup/1/points", **{f"point-{point[1]}": "in"})).status_code == 303
    (named,) = await attendance_setup.points(
        hub, admin, (await attendance_setup.sites_with_hours(hub, admin))[0].id
    )
    assert str(named.access_point) == point[1]
    roster = {"name": "Early", "start": "06:00", "end": "14:00", "break_start": "10:00"}
    assert (await browser.send("/hours/setup/1/rosters", **roster)).status_code == 422
    body = {**roster, "break_end": "10:30", "weekdays": ["0", "1"]}
    assert (await browser.send("/hours/setup/1/rosters", **body)).status_code == 303
    page = (await browser.get("/hours/setup?site=1")).text
    assert "06:00–14:00" in page
    found = re.search(r"/hours/setup/1/rosters/[0-9a-f-]{36}", page)
    assert found is not None
    await a_roster_has_shifts_and_dates(browser, found[0])


async def a_roster_has_shifts_and_dates(browser: Browser, path: str) -> None:
    """A second shift a week, another shift and a day off by date, and each taken back again."""
    late = {"name": "Late", "start": "14:00", "end": "22:00", "version": "1"}
    assert (await browser.send(f"{path}/shifts", **late)).status_code == 422  # on which days?
    assert (await browser.send(f"{path}/shifts", **late, weekdays="2")).status_code == 303
    assert (
        await browser.send(f"{path}/shifts", **late, weekdays="3")
    ).status_code == 422  # was changed since
    cover = {"name": "Cover", "start": "20:00", "end": "04:00", "day": "2026-03-16"}
    assert (await browser.send(f"{path}/changes", **cover, version="2")).status_code == 303
    off = {"name": "Works outing", "day": "2026-03-17"}
    assert (await browser.send(f"{path}/changes", version="3", day="soon")).status_code == 422
    assert (await browser.send(f"{path}/changes", **off, version="3")).status_code == 303
    page = (await browser.get(path)).text
    for words in ("06:00–14:00, break 10:00–10:30", "14:00–22:00", "20:00–04:00", "Works outing", "Day off"):
        assert words in page
    assert (await browser.send(f"{path}/remove", what="2026-03-16", version="4")).status_code == 303
    assert (await browser.send(f"{path}/remove", what="shift-0", version="5")).status_code == 303
    page = (await browser.get(path)).text
    assert "20:00–04:00" not in page
    assert "06:00–14:00" not in page
    assert "14:00–22:00" in page
    assert (await browser.get(path[:-36] + str(new_id()))).status_code == 404


async def many_people_need_a_second_person(
    browser: Browser, works: Worked, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is asked for, agreed to and made is the same file once, and only its recipient opens it."""
    monkeypatch.setattr(payroll_files, "BULK", 0)
    payroll = x25519.Identity.generate()
    wanted = {"kind": "xlsx", "period": "1", "purpose": "pay for March", "recipient": "Payroll Ltd"}
    assert (await browser.send(file, **wanted, recipient_key="age1nobody")).status_code == 422
    wanted["recipient_key"] = str(payroll.to_public())
    assert (await browser.send(file, **wanted)).status_code == 303
    (asked,) = await approvals.waiting(works.services, works.admin)
    await approvals.decide(works.services, works.admin, asked.id, approved=True, reason="March is closed")
    assert (await browser.send(file, **{**wanted, "kind": "csv-pay"})).status_code == 303  # not this one
    made = await browser.send(file, **wanted)
    assert made.content.startswith(b"age-encryption.org/v1")
    assert decrypt(made.content, [payroll])[:2] == b"PK"
    assert (await browser.send(file, **wanted)).status_code == 303  # used up: asked for anew
    monkeypatch.undo()


async def a_manager_sees_their_own_people(
    app: FastAPI, browser: Browser, works: Worked, anna: PersonId
) -> None:
    """Once an administrator said on the page who the manager is, and whom they manage."""
    lead, other = await works.person("Lea"), await works.person("Zoe")
    async with at_desk(app, works, Role.MANAGER, name="lea") as manager:
        assert "Anna" not in (await manager.get(f"/hours?site={works.site}")).text
        page = (await browser.get("/operators")).text
        rows = [row for row in page.split("<tr>") if '"strong">lea' in row]
        path = re.search(r"/operators/[0-9a-f-]{36}/person", rows[0])
        assert path is not None
        wrong = await browser.send(path[0], person="nobody's number")
        assert wrong.status_code == 422
        assert (await browser.send(path[0], person=str(lead))).status_code == 303
        assert "Lea" in (await browser.get("/operators")).text
        file = (await employments.employment_file(works.services, works.admin, anna)).employments
        await employments.change_employment(
            works.services,
            works.admin,
            person=anna,
            version=file.version,
            id=file.every[0].id,
            terms=replace(file.every[0].terms, manager=lead),
        )
        listed = (await manager.get(f"/hours?site={works.site}")).text
        assert "Anna" in listed
        assert "Zoe" not in listed
        assert "/hours/periods" not in listed
        assert (await manager.get(f"/hours/people/{anna}")).status_code == 200
        assert (await manager.get(f"/hours/people/{other}")).status_code == 403
        month = await manager.get(f"/api/v1/people/{other}/hours?first=2026-03-01&last=2026-03-31")
        assert month.status_code == 403


async def test_an_employee_asks_on_the_phone_and_the_approved_month_goes_to_payroll(
    app: FastAPI,
    phone: Browser,
    works: Worked,
    anna: PersonId,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = (await phone.get("/me/hours")).text
    assert "Somebody came at 08:00, but never went." in page
    fields = suggested(page)
    assert (fields["day"], fields["deed"], fields["direction"]) == ("2026-03-05", "add", "out")
    wrong = await own(phone, "/me/hours", **{**fields, "at": "later"}, reason="forgot")
    assert wrong.status_code == 422
    asked = await own(phone, "/me/hours", **fields, reason="forgot, I left at four")
    assert asked.status_code == 303, asked.text
    assert "Waits" in (await phone.get("/me/hours")).text
    assert (await own(phone, "/me/punch", direction="in")).status_code == 303
    assert "by phone" in (await phone.get("/me/punch")).text

    async with at_desk(app, works) as browser:
        await keeping_hours_is_set_up(browser, works.services, works.admin)
        team = (await browser.get(f"/hours?site={works.site}")).text
        assert "Corrections waiting: 1" in team
        month = (await browser.get(f"/hours/people/{anna}")).text
        assert "forgot, I left at four" in month
        correction = re.search(r"/corrections/([0-9a-f-]{36})\?", month)
        assert correction is not None
        path = f"/hours/people/{anna}/corrections/{correction[1]}"
        assert (await browser.send(path, approved="no", reason="")).status_code == 422
        assert (await browser.send(path, approved="yes")).status_code == 303
        month = (await browser.get(f"/hours/people/{anna}")).text
        assert "Somebody came at 08:00" not in month
        assert "15:20" in month or "8:00" in month
        entered = {"entered_at": "2026-03-03T08:00", "entered_direction": "in", "entered_reason": "x"}
        assert (await browser.send(f"/hours/people/{anna}/punches", **entered)).status_code == 422

        company = (await browser.get(f"/hours/contractors?site={works.site}")).text
        assert "Nord Bau" in company
        await a_manager_sees_their_own_people(app, browser, works, anna)
    works.clock.advance(at("04-02 10:00") - works.clock.now())
    async with at_desk(app, works) as browser:
        closing = {"first": "2026-03-01", "last": "2026-03-31", "reason": "Anna came by phone on a Saturday"}
        closed = await browser.send(f"/hours/periods/{works.site}", **closing)
        assert closed.status_code == 303, closed.text
        assert "Closed" in (await browser.get(f"/hours/people/{anna}?month=2026-03")).text
        wanted = {"period": "1", "purpose": "pay for March"}
        file = f"/hours/periods/{works.site}/file"
        book = await browser.send(file, kind="xlsx", **wanted)
        assert book.content[:2] == b"PK"
        paid = await browser.send(file, kind="csv-pay", **wanted)
        assert "regular" in paid.content.decode("utf-8-sig")
        refused = await browser.send(file, kind="datev-lodas", adviser="1234567", client="10001", **wanted)
        assert "no employee number" in refused.text
        chosen = re.search(r'<option value="([0-9a-f-]{36})">Nord Bau', refused.text)
        assert chosen is not None
        form = await browser.send(
            file, kind="wh-347", contractor=chosen[1], week_ending="2026-03-08", project="Quay", **wanted
        )
        assert form.content[:4] == b"%PDF", form.text
        assert b"(Roofer)" in form.content
        await many_people_need_a_second_person(browser, works, file, monkeypatch)
        again = await browser.send(
            f"/hours/periods/{works.site}/1/reopen", why_reopened="a day was forgotten"
        )
        assert again.status_code == 303
        assert (await browser.send(file, kind="xlsx", **wanted)).status_code == 404


async def test_a_new_month_begins_with_the_one_before_which_is_to_be_checked(
    app: FastAPI, works: Worked, anna: PersonId
) -> None:
    for day, shown in (("04-03", "Mar 2026"), ("04-04", "Apr 2026")):
        works.clock.advance(at(f"{day} 10:00") - works.clock.now())
        async with at_desk(app, works) as browser:
            for path in ("/hours", "/hours/contractors"):
                assert f", {shown}</h2>" in (await browser.get(path)).text
            assert ", Apr 2026</h2>" in (await browser.get("/hours?month=2026-04")).text
