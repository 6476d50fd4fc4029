"""The ledger in PostgreSQL: only ever added to. What turns out wrong is taken back by its own reverse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from postern import documents
from postern.ids import SiteId, TenantId
from postern.money import Money
from postern.parking.ledger import Account, Movement, MovementKind
from postern.postgres.pool import Transaction
from postern.sealing.envelope import Context, Key, open_sealed, seal

_COLUMNS = "site_id, movement, nth, line, day, cause_day, booked, ledger_account, amount, currency, sealed"

# COPY is not for tables with row-level security.
_POST = """
INSERT INTO ledger (site_id, booked, movement, nth, line, day, cause_day, ledger_account, amount, currency,
    sealed)
SELECT %s, %s, * FROM unnest(%s::uuid[], %s::int[], %s::smallint[], %s::date[], %s::date[], %s::text[],
    %s::bigint[], %s::text[], %s::bytea[])"""


@dataclass(frozen=True, kw_only=True, slots=True)
class About:
    """What a movement is about: sealed."""

    kind: MovementKind
    session: UUID | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A line of the ledger as booked. Odd `nth` take back."""

    movement: UUID
    nth: int
    line: int
    day: date
    booked: date
    account: Account
    amount: Money
    about: About


@dataclass(frozen=True, kw_only=True, slots=True)
class Booking:
    """A movement to be written. `cause_day`: the UTC day of the record it follows from; `nth`: even."""

    movement: Movement
    cause_day: date
    nth: int = 0


async def post(
    tx: Transaction,
    tenant: TenantId,
    site: SiteId,
    key: Key,
    bookings: Sequence[Booking],
    *,
    booked: date,
) -> None:
    """Write movements in one statement, in the transaction of the cursor that they belong to."""
    rows = [
        (
            movement.id,
            one.nth,
            number,
            movement.day,
            one.cause_day,
            posting.account.value,
            posting.amount.amount,
            posting.amount.currency,
            sealed,
        )
        for one in bookings
        for movement, sealed in [(one.movement, _sealed(key, tenant, one.movement))]
        for number, posting in enumerate(movement.postings)
    ]
    if not rows:
        return
    arrays = [list(column) for column in zip(*rows, strict=True)]
    await tx.execute(_POST, (site, booked, *arrays))


def _sealed(key: Key, tenant: TenantId, movement: Movement) -> bytes:
    about = documents.to_bytes(About(kind=movement.kind, session=movement.session))
    return seal(key, about, _context(tenant, movement.id))


async def take_back(tx: Transaction, site: SiteId, movements: Mapping[UUID, int], *, booked: date) -> None:
    """Reverse movements that are in force, each by its latest `nth`."""
    if not movements:
        return
    await tx.execute(
        f"INSERT INTO ledger ({_COLUMNS})"  # noqa: S608 - ours
        " SELECT site_id, movement, nth + 1, line, day, cause_day, %s,"
        " ledger_account, -amount, currency, sealed"
        " FROM ledger WHERE site_id = %s"
        " AND (movement, nth) IN (SELECT * FROM unnest(%s::uuid[], %s::int[]))",
        (booked, site, list(movements), list(movements.values())),
    )


async def latest(tx: Transaction, site: SiteId, *, since: date) -> dict[UUID, int]:
    """The latest `nth` of every movement caused on `since` or later; even: it is in force."""
    cursor = await tx.execute(
        "SELECT movement, max(nth) FROM ledger WHERE site_id = %s AND cause_day >= %s GROUP BY movement",
        (site, since),
    )
    return {movement: nth for movement, nth in await cursor.fetchall()}


async def latest_of(tx: Transaction, site: SiteId, movements: Sequence[UUID]) -> dict[UUID, int]:
    """The latest `nth` of those of the movements that were ever written."""
    if not movements:
        return {}
    cursor = await tx.execute(
        "SELECT movement, max(nth) FROM ledger WHERE site_id = %s AND movement = ANY(%s) GROUP BY movement",
        (site, list(movements)),
    )
    return {movement: nth for movement, nth in await cursor.fetchall()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Total:
    """What moved on an account on a day."""

    day: date
    account: Account
    amount: Money


async def totals(tx: Transaction, site: SiteId, *, first: date, last: date) -> list[Total]:
    """Per day and account."""
    cursor = await tx.execute(
        "SELECT day, ledger_account, currency, sum(amount)::bigint FROM ledger"
        " WHERE site_id = %s AND day BETWEEN %s AND %s"
        " GROUP BY day, ledger_account, currency ORDER BY day, ledger_account",
        (site, first, last),
    )
    return [
        Total(day=day, account=Account(account), amount=Money(amount, currency))
        for day, account, currency, amount in await cursor.fetchall()
    ]


async def lines(
    tx: Transaction, tenant: TenantId, site: SiteId, key: Key, *, first: date, last: date
) -> list[Line]:
    """Every line of these days, opened, in order of day and movement."""
    cursor = await tx.execute(
        "SELECT movement, nth, line, day, booked, ledger_account, amount, currency, sealed FROM ledger"
        " WHERE site_id = %s AND day BETWEEN %s AND %s ORDER BY day, movement, nth, line",
        (site, first, last),
    )
    found = []
    for movement, nth, line, day, booked, account, amount, currency, sealed in await cursor.fetchall():
        about = documents.from_bytes(About, open_sealed(key, bytes(sealed), _context(tenant, movement)))
        found.append(
            Line(
                movement=movement,
                nth=nth,
                line=line,
                day=day,
                booked=booked,
                account=Account(account),
                amount=Money(amount, currency),
                about=about,
            )
        )
    return found


def _context(tenant: TenantId, movement: UUID) -> Context:
    return Context(tenant=tenant, table="ledger", column="sealed", row=movement.bytes)
