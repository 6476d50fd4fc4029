"""A garage at a glance, and its money for the accountant: nothing here tells of anybody's plate."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from datetime import date, timedelta

from postern.errors import BadInput
from postern.ids import SiteId
from postern.journal.model import Act
from postern.money import Money
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking import ledger_store, store
from postern.parking.cases import CaseState
from postern.parking.ledger import Account
from postern.parking.ledger_store import Total
from postern.sites import store as sites

MOST_DAYS = 400
_COLUMNS = (
    "day",
    "booked",
    "movement",
    "kind",
    "line",
    "account",
    "amount",
    "currency",
    "reversal",
    "session",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Overview:
    """How a garage stands. `takings`: money that came in today, less what went back; `owed`: not paid yet."""

    site: SiteId
    name: str
    bays: int
    inside: int
    free: int
    open_cases: int
    waiting: int
    takings: Money
    owed: Money


async def garage_overview(services: Services, actor: Actor, site: SiteId) -> Overview:
    """The garage now. Raises NotFound when the site is none."""
    require(actor, Duty.SEE_GARAGE)
    async with services.database.transaction(actor.tenant) as tx:
        name = (await sites.site(tx, services.keyring, actor.tenant, site)).name
    garage, rules = await settled(services, actor.tenant, site)
    today = rules.local_day(services.clock.now())
    currency = rules.settings.currency
    async with services.database.transaction(actor.tenant) as tx:
        moved = await ledger_store.totals(tx, site, first=today, last=today)
    open_cases = [one for one in garage.cases.values() if one.state is CaseState.OPEN]
    inside = garage.count_inside()
    owed = [one.owed.amount for one in garage.sessions.values() if one.left_at and one.owed.amount > 0]
    return Overview(
        site=site,
        name=name,
        bays=rules.settings.bays,
        inside=inside,
        free=max(0, rules.settings.bays - inside),
        open_cases=len(open_cases),
        waiting=sum(1 for one in open_cases if one.stands_at_barrier),
        takings=Money(sum(one.amount.amount for one in moved if _is_money(one, currency)), currency),
        owed=Money(sum(owed), currency),
    )


async def garage_overviews(services: Services, actor: Actor) -> list[Overview]:
    """Every garage of the organisation."""
    require(actor, Duty.SEE_GARAGE)
    async with services.database.transaction(actor.tenant) as tx:
        found = await store.garages(tx)
    return [await garage_overview(services, actor, site) for site in found]


async def takings(services: Services, actor: Actor, site: SiteId, *, first: date, last: date) -> list[Total]:
    """What moved on each account on each day."""
    require(actor, Duty.READ_LEDGER)
    _check(first, last)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await store.garage(tx, site)
        return await ledger_store.totals(tx, site, first=first, last=last)


async def ledger_csv(services: Services, actor: Actor, site: SiteId, *, first: date, last: date) -> bytes:
    """Every line of these days as CSV for the accountant, UTF-8. Sessions are told by their random ids.

    In the journal as an export. Raises BadInput for too many days.
    """
    require(actor, Duty.READ_LEDGER)
    _check(first, last)
    await settled(services, actor.tenant, site)
    key = await services.keyring.purpose_key(actor.tenant, store.PURPOSE)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await trace(
            services,
            tx,
            actor,
            Act.EXPORTED,
            purpose="ledger for the accountant",
            detail=f"site {site}, {first} to {last}",
        )
    async with services.database.transaction(actor.tenant) as tx:
        lines = await ledger_store.lines(tx, actor.tenant, site, key, first=first, last=last)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for one in lines:
        writer.writerow(
            (
                one.day.isoformat(),
                one.booked.isoformat(),
                f"{one.movement}/{one.nth}",
                one.about.kind.value,
                one.line + 1,
                one.account.value,
                one.amount.plain(),
                one.amount.currency,
                "yes" if one.nth % 2 else "",
                one.about.session or "",
            )
        )
    return text.getvalue().encode()


def _is_money(one: Total, currency: str) -> bool:
    return one.account in (Account.PROVIDER_CLEARING, Account.CASH) and one.amount.currency == currency


def _check(first: date, last: date) -> None:
    if not first <= last <= first + timedelta(days=MOST_DAYS):
        raise BadInput(f"give a first and a last day, at most {MOST_DAYS} days apart")
