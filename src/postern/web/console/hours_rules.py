"""How punches count at a site, what its law leaves open, and the rules in force there with their articles."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, time, timedelta

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.attendance.pairing_rules import Grace, PairingRules, Rounding, RoundingMode
from postern.attendance.pay import HoursSystem, PayProfile, Premiums
from postern.attendance.paying import law_of
from postern.attendance.payrules import rule_book
from postern.attendance.rules_model import ClosedDays, Meals, Premium, Rests, RuleBook, Tier
from postern.attendance.settings import AttendanceSettings
from postern.ids import SiteId
from postern.operations.attendance import setup as operations
from postern.operations.sites import places as site_operations
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/hours/setup")
ROUNDINGS = (1, 5, 6, 10, 15, 30)
GRACES = ("before", "late", "early", "after")
_MINUTE = timedelta(minutes=1)
_MOST_GRACE = 60


@dataclass(frozen=True, kw_only=True, slots=True)
class Open:
    """What a law leaves to contract and employer, and so is asked for."""

    systems: tuple[HoursSystem, ...]
    premiums: bool
    contract: bool
    fixed_days: bool
    ticks: tuple[str, ...]


@router.get("/{site}/rules")
async def rules(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """As they are now."""
    return await _page(request, hub, caller, site, EMPTY)


@router.post("/{site}/rules")
async def keep(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Reckon hours by these from now on, those of open periods included."""
    kept = await operations.attendance_of(hub, caller.actor, SiteId(site))
    wanted = _read(fields, kept)
    if wanted is None:
        return await _page(request, hub, caller, site, fields.result())
    with fields.refusals():
        await operations.set_attendance(hub, caller.actor, wanted)
        return go(f"/hours/setup/{site}/rules", "saved")
    return await _page(request, hub, caller, site, fields.result())


def left_open(book: RuleBook) -> Open:
    """What the rules of a book ask of a pay profile."""
    demands = [one.demand for one in book.rules]
    premiums = [one for one in demands if isinstance(one, Premium)]
    named = {
        "sunday_work": any(isinstance(one, ClosedDays) for one in demands),
        "night_worker": any(one.night_workers for one in premiums),
        "meals_waived": any(isinstance(one, Meals) for one in demands),
        "rests_punched": any(isinstance(one, Rests) for one in demands),
    }
    known = {system for one in book.rules if isinstance(one.demand, Tier) for system in one.systems}
    return Open(
        systems=tuple(one for one in HoursSystem if one in known),
        premiums=any(one.premiums is not None for one in book.rules),
        contract=any(isinstance(one, Tier) and one.after is None for one in demands),
        fixed_days=book.fixed_days,
        ticks=tuple(name for name, asked in named.items() if asked),
    )


def _read(fields: FormReader, kept: AttendanceSettings) -> AttendanceSettings | None:
    """Everything that is not asked for stays as it is. None where something cannot be read."""
    pairing, pay = _read_pairing(fields, kept.pairing), _read_pay(fields, kept.pay)
    return None if fields.errors else replace(kept, pairing=pairing, pay=pay)


def _read_pairing(fields: FormReader, before: PairingRules) -> PairingRules:
    to = _whole(fields, "round", 1, 60)
    spans = {name: _whole(fields, name, 0, _MOST_GRACE) * _MINUTE for name in GRACES}
    mode = RoundingMode.IN_FAVOUR if fields.ticked("favour") else RoundingMode.NEAREST
    duplicate, longest = _whole(fields, "duplicate", 0, 60), _whole(fields, "longest", 1, 48)
    change = fields.parsed("day_change", time.fromisoformat, "form.not-a-time")
    if fields.errors:
        return before
    return replace(
        before,
        rounding=Rounding(to=to, mode=mode),
        grace=Grace(**spans),
        duplicate=duplicate * _MINUTE,
        longest=timedelta(hours=longest),
        day_change=change or time(0),
        deduct_breaks=fields.ticked("deduct_breaks"),
    )


def _read_pay(fields: FormReader, before: PayProfile) -> PayProfile:
    asked = left_open(rule_book(before.jurisdiction))
    system = fields.parsed("system", HoursSystem, "form.not-in-list")
    premiums = fields.parsed("premiums", Premiums, "form.not-in-list") if asked.premiums else before.premiums
    contract = fields.number("contract") if asked.contract else 0.0
    week = _whole(fields, "week_starts", 0, 6) if asked.fixed_days else before.week_starts
    day = fields.parsed("day_starts", time.fromisoformat, "form.not-a-time") if asked.fixed_days else None
    if not 0 <= contract <= 7 * 24:
        fields.errors.setdefault("contract", "form.not-a-number")
    if fields.errors:
        return before

    def ticked(name: str, now: bool) -> bool:
        return fields.ticked(name) if name in asked.ticks else now

    return replace(
        before,
        system=system or before.system,
        premiums=premiums or before.premiums,
        contract_minutes=round(contract * 60) or None if asked.contract else before.contract_minutes,
        week_starts=week,
        day_starts=(day or time(0)) if asked.fixed_days else before.day_starts,
        sunday_work=ticked("sunday_work", before.sunday_work),
        night_worker=ticked("night_worker", before.night_worker),
        meals_waived=ticked("meals_waived", before.meals_waived),
        rests_punched=ticked("rests_punched", before.rests_punched),
    )


def _whole(fields: FormReader, name: str, least: int, most: int) -> int:
    """A whole number of that range; the least when it cannot be read, which is an error."""

    def read(text: str) -> int:
        if not least <= int(text) <= most:
            raise ValueError(text)
        return int(text)

    fields.needed(name)
    value = fields.parsed(name, read, "form.not-a-number")
    return least if value is None else value


async def _page(request: Request, hub: Hub, caller: Caller, site: int, form: Form) -> Response:
    t = words_for(request)
    kept = await operations.attendance_of(hub, caller.actor, SiteId(site))
    every = await site_operations.sites(hub, caller.actor)
    book, today = rule_book(kept.pay.jurisdiction), hub.clock.now().date()
    return page(
        request,
        "hours/rules.html",
        status=422 if form.wrong else 200,
        site=next(one for one in every if one.id == site),
        form=form if form.wrong else _filled(kept),
        asked=left_open(book),
        law=book.label.get(t.language, book.jurisdiction),
        roundings=[(one, t("counting.minutes", n=one)) for one in ROUNDINGS],
        systems=[(one.value, t(f"counting.system-{one.value}")) for one in left_open(book).systems],
        premiums=[(one.value, t(f"counting.premiums-{one.value}")) for one in Premiums],
        weekdays=[(day, t(f"weekday.long-{day}")) for day in range(7)],
        rules=list(_in_force(kept.pay, today, t)),
    )


def _in_force(pay: PayProfile, today: date, t: Words) -> Iterator[tuple[str, str, str]]:
    """The words of each rule that holds today, its article, and since when."""
    for one in law_of(pay).on(today).rules:
        yield one.label.get(t.language, one.id), one.article, t.day(one.first)


def _filled(kept: AttendanceSettings) -> Form:
    pairing, pay = kept.pairing, kept.pay
    ticked = {
        "favour": pairing.rounding.mode is RoundingMode.IN_FAVOUR,
        "deduct_breaks": pairing.deduct_breaks,
        "sunday_work": pay.sunday_work,
        "night_worker": pay.night_worker,
        "meals_waived": pay.meals_waived,
        "rests_punched": pay.rests_punched,
    }
    contract = pay.contract_minutes / 60 if pay.contract_minutes else None
    return Form(
        values={
            "round": str(pairing.rounding.to),
            **{name: str(getattr(pairing.grace, name) // _MINUTE) for name in GRACES},
            "duplicate": str(pairing.duplicate // _MINUTE),
            "longest": str(pairing.longest // timedelta(hours=1)),
            "day_change": f"{pairing.day_change:%H:%M}",
            "system": pay.system.value,
            "premiums": pay.premiums.value,
            "contract": f"{contract:g}" if contract else "",
            "week_starts": str(pay.week_starts),
            "day_starts": f"{pay.day_starts:%H:%M}",
        },
        chosen={name: ("yes",) for name, on in ticked.items() if on},
    )
