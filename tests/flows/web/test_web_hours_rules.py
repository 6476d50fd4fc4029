"""How hours are counted at a site, set on a page: what the law does not allow is refused with its article."""

from __future__ import annotations

import re
from datetime import time, timedelta
from html import unescape

from postern.attendance.pairing_rules import RoundingMode
from postern.attendance.pay import Premiums
from postern.attendance.settings import AttendanceSettings
from postern.operations.attendance import setup as attendance_setup
from postern.operations.services import Services
from postern.operators.model import Actor
from tests.flows.web.conftest import Browser

PAGE = "/hours/setup/1/rules"
COUNTED = {
    "round": "15",
    "before": "10",
    "late": "5",
    "early": "5",
    "after": "10",
    "duplicate": "3",
    "longest": "14",
    "day_change": "04:00",
}


async def keeps_hours(browser: Browser, jurisdiction: str) -> None:
    assert (await browser.send("/hours/setup/1", jurisdiction=jurisdiction, phones="yes")).status_code == 303


async def kept(hub: Services, admin: Actor) -> AttendanceSettings:
    (site,) = await attendance_setup.sites_with_hours(hub, admin)
    return await attendance_setup.attendance_of(hub, admin, site.id)


WRONG = (
    {"round": "0"},
    {"round": "7"},
    {"late": "-1"},
    {"late": "61"},
    {"early": "soon"},
    {"longest": ""},
    {"day_change": "25:00"},
    {"system": "comprehensive"},
    {"system": "feudal"},
    {"contract": "-1"},
    {"contract": "nan"},
)


async def test_what_is_set_is_kept_and_what_cannot_be_is_shown_again(
    browser: Browser, hub: Services, admin: Actor
) -> None:
    await keeps_hours(browser, "de")
    page = unescape((await browser.get(PAGE)).text)
    assert "ArbZG § 5 Abs. 1" in page
    assert 'name="premiums"' in page
    assert 'name="meals_waived"' not in page
    assert 'name="week_starts"' not in page
    open_ones = {"system": "standard", "premiums": "agreed", "contract": "37.5"}
    good = {**COUNTED, **open_ones, "sunday_work": "yes", "favour": "yes"}
    assert (await browser.send(PAGE, **good)).status_code == 303
    now = await kept(hub, admin)
    assert (now.pairing.rounding.to, now.pairing.rounding.mode) == (15, RoundingMode.IN_FAVOUR)
    assert (now.pairing.grace.late, now.pairing.longest) == (timedelta(minutes=5), timedelta(hours=14))
    assert (now.pairing.day_change, now.pairing.deduct_breaks) == (time(4), False)
    assert (now.pay.premiums, now.pay.contract_minutes) == (Premiums.AGREED, 2250)
    assert (now.pay.sunday_work, now.pay.night_worker) == (True, False)
    again = unescape((await browser.get(PAGE)).text)
    assert re.search(r'name="contract" value="37\.5"', again)
    assert re.search(r'name="sunday_work" value="yes" checked', again)
    for wrong in WRONG:
        assert (await browser.send(PAGE, **{**good, **wrong})).status_code == 422, wrong
    assert await kept(hub, admin) == now
    assert (await browser.get("/hours/setup/999/rules")).status_code == 404


async def test_a_rounding_against_the_law_is_refused_with_its_article_and_changes_nothing(
    browser: Browser, hub: Services, admin: Actor
) -> None:
    await keeps_hours(browser, "us-ca")
    body = {
        **COUNTED,
        "system": "standard",
        "week_starts": "6",
        "day_starts": "05:00",
        "rests_punched": "yes",
    }
    refused = await browser.send(PAGE, **body)
    assert refused.status_code == 422
    assert "Labor Code 204, 510" in unescape(refused.text)
    assert not (await kept(hub, admin)).pay.rests_punched
    assert (await browser.send(PAGE, **{**body, "round": "1"})).status_code == 303
    pay = (await kept(hub, admin)).pay
    assert (pay.week_starts, pay.day_starts) == (6, time(5))
    assert (pay.rests_punched, pay.meals_waived) == (True, False)
