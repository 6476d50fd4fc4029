"""Setting up the simulated garage, and reading its books at the end."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from postern.ids import new_id
from postern.operations.parking.rows import CASES, SESSIONS, Desk, load
from postern.operations.parking.settle import settled
from postern.parking import ledger_store, store
from postern.parking.cases import Case
from postern.parking.ledger import Account
from postern.parking.permits import Permit
from postern.parking.rules import GarageSettings, MerchantKept, PermitKept, TariffInForce
from postern.parking.session import Session
from postern.parking.tariff_data import load_tariff
from postern.simulation.furnish import Approach, area, lane
from postern.simulation.garage_play import Lanes
from postern.simulation.garage_rules import STALE_AFTER, TARIFF, lane_rule, validations
from postern.simulation.garage_script import GarageScript
from postern.simulation.garage_summary import BooksView
from postern.simulation.stage import Premises
from postern.sites.model import LaneKind

_LANES = 2
_DAY = timedelta(days=1)


async def furnish(where: Premises, script: GarageScript) -> Lanes:
    """Lanes, tariff, permits and merchants."""
    street, decks = await area(where, "Street", outside=True), await area(where, "Decks")
    entries, exits = [], []
    for number in range(1, _LANES + 1):
        entries.append(await lane(where, f"Entry {number}", (street, decks), lane_rule(LaneKind.ENTRY)))
        exits.append(await lane(where, f"Exit {number}", (decks, street), lane_rule(LaneKind.EXIT)))
    await _set_up(where, script)
    return Lanes(entries=tuple[Approach, ...](entries), exits=tuple[Approach, ...](exits))


async def _set_up(where: Premises, script: GarageScript) -> None:
    services, tenant, site = where.services, where.tenant, where.site
    settings = GarageSettings(site=site, bays=script.bays, currency="EUR", stale_after=STALE_AFTER)
    since = script.start - _DAY
    async with services.database.transaction(tenant) as tx:
        await store.put_garage(tx, settings)
        await store.add_tariff(tx, site, TariffInForce(number=1, since=since, tariff=load_tariff(TARIFF)))
        for one in script.permits:
            permit = Permit(
                id=new_id(), holder=one.holder, plates=frozenset(one.plates), bays=one.bays, valid_from=since
            )
            kept = PermitKept(id=permit.id, permit=permit, since=since, version=0)
            await store.put_permit(tx, services.keyring, tenant, site, kept)
        for given in validations():
            merchant = MerchantKept(id=new_id(), name=given.merchant, validations=(given,), version=0)
            await store.put_merchant(tx, services.keyring, tenant, site, merchant)


async def books_of(where: Premises, script: GarageScript) -> BooksView:
    """The books as they stand."""
    _, rules = await settled(where.services, where.tenant, where.site)
    first, last = script.start.date() - 2 * _DAY, script.end.date() + 60 * _DAY
    async with where.services.database.transaction(where.tenant) as tx:
        desk = Desk(services=where.services, tx=tx, tenant=where.tenant, site=where.site, rules=rules)
        sessions = await load(desk, SESSIONS, Session)
        cases = await load(desk, CASES, Case)
        totals = await ledger_store.totals(tx, where.site, first=first, last=last)
    moved: Counter[Account] = Counter()
    for one in totals:
        moved[one.account] += one.amount.amount
    return BooksView(
        sessions=tuple(sessions),
        cases=tuple(cases),
        takings=moved[Account.PROVIDER_CLEARING] + moved[Account.CASH],
        balanced=sum(moved.values()) == 0,
        ledger=tuple(f"{one.day} {one.account.value} {one.amount.plain()}" for one in totals),
    )
