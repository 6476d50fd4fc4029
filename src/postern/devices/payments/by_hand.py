"""Payments taken by hand, at a desk or an attendant's window: a slip with a short code instead of a page.

An attendant finds the slip by its code, takes the money and says so (`operations/parking/desk.py`);
until then nothing was paid. Slips lie in a small file: codes, references and amounts, and nothing of a
driver.
"""

from __future__ import annotations

import secrets
import sqlite3
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from postern.clock import Clock
from postern.errors import BadInput, CannotVerify, Conflict, NotFound, Refused
from postern.money import Money
from postern.operations.ports import Checkout, CheckoutState, CheckoutWanted, Notice, Refunded

_LETTERS = "23456789BCDFGHJKMNPQRSTVWXYZ"
"""None of them is taken for another, and no word comes of them."""
_CODE = 6
_SCHEMA = """
CREATE TABLE IF NOT EXISTS slip (code TEXT PRIMARY KEY, reference TEXT NOT NULL UNIQUE,
    amount INTEGER NOT NULL, currency TEXT NOT NULL, url TEXT NOT NULL,
    good_until TEXT NOT NULL, state TEXT NOT NULL) STRICT;
CREATE TABLE IF NOT EXISTS refund (reference TEXT PRIMARY KEY, code TEXT NOT NULL REFERENCES slip (code),
    amount INTEGER NOT NULL) STRICT;
"""


def draw_code() -> str:
    """Six letters and digits to be read out."""
    return "".join(secrets.choice(_LETTERS) for _ in range(_CODE))


class Desk:
    """A PaymentProvider. Its file outlives this process; one process uses it at a time."""

    name = "by-hand"

    def __init__(self, file: Path, clock: Clock, draw: Callable[[], str] = draw_code) -> None:
        self._clock = clock
        self._draw = draw
        self._slips = sqlite3.connect(file, isolation_level=None)
        file.chmod(0o600)
        self._slips.execute("PRAGMA journal_mode = WAL")
        self._slips.execute("PRAGMA synchronous = FULL")
        self._slips.executescript(_SCHEMA)

    async def close(self) -> None:
        """Let go of the file."""
        self._slips.close()

    async def create_checkout(self, wanted: CheckoutWanted) -> Checkout:
        """See PaymentProvider. The id is the slip's code; its address is the page that shows it."""
        if wanted.total.amount <= 0:
            raise BadInput("there is nothing to pay")
        known = self._row(wanted.reference)
        if known is not None:
            if known.amount != wanted.total:
                raise Conflict("this was asked for before, with another amount")
            return known
        until = wanted.good_until.isoformat()
        slip = (wanted.reference, wanted.total.amount, wanted.total.currency, wanted.success_url, until)
        code = self._draw()
        while self._row(code) is not None:
            code = self._draw()
        self._slips.execute("INSERT INTO slip VALUES (?, ?, ?, ?, ?, ?, 'open')", (code, *slip))
        return self._slip(code)

    async def find(self, id: str) -> Checkout:
        """See PaymentProvider."""
        return self._slip(id)

    async def expire(self, id: str) -> Checkout:
        """See PaymentProvider."""
        self._slips.execute("UPDATE slip SET state = 'expired' WHERE code = ? AND state = 'open'", (id,))
        return self._slip(id)

    async def take_money(self, code: str) -> Checkout:
        """An attendant has the money in hand. Raises NotFound, and Refused for a slip that is over."""
        slip = self._slip(code.strip().upper())
        if slip.state is CheckoutState.EXPIRED:
            raise Refused("this slip is over; ask the driver to look up the price again")
        self._slips.execute("UPDATE slip SET state = 'paid' WHERE code = ?", (slip.id,))
        return self._slip(slip.id)

    async def refund(self, payment: str, amount: Money, *, reference: str) -> Refunded:
        """See PaymentProvider. The attendant hands the money over."""
        slip = self._slip(payment)
        if slip.state is not CheckoutState.PAID:
            raise Refused("nothing was paid on this slip")
        if amount.currency != slip.amount.currency or amount.amount <= 0:
            raise BadInput("give back an amount above zero, in the currency that was paid")
        given = dict(
            self._slips.execute("SELECT reference, amount FROM refund WHERE code = ?", (payment,)).fetchall()
        )
        if reference not in given:
            if sum(given.values()) + amount.amount > slip.amount.amount:
                raise Refused("no more is given back than was paid")
            self._slips.execute("INSERT INTO refund VALUES (?, ?, ?)", (reference, payment, amount.amount))
            given[reference] = amount.amount
        back = Money(given[reference], amount.currency)
        return Refunded(id=f"{payment}-{reference}", amount=back, settled=True)

    def verify_webhook(self, body: bytes, signature: str) -> Notice:
        """Nobody speaks for a desk but its attendant, who is signed in."""
        del body, signature
        raise CannotVerify("a desk sends no webhooks")

    def _slip(self, code: str) -> Checkout:
        found = self._row(code)
        if found is None:
            raise NotFound("there is no slip with this code")
        return found

    def _row(self, named: str) -> Checkout | None:
        """By its code or by its reference, which has a dash and so is never a code."""
        row = self._slips.execute(
            "SELECT code, reference, amount, currency, url, good_until, state FROM slip"
            " WHERE ? IN (code, reference)",
            (named,),
        ).fetchone()
        if row is None:
            return None
        code, reference, amount, currency, url, until, said = row
        state = CheckoutState(said)
        if state is CheckoutState.OPEN and self._clock.now() > datetime.fromisoformat(until):
            state = CheckoutState.EXPIRED
        return Checkout(
            id=code,
            reference=reference,
            state=state,
            amount=Money(amount, currency),
            url=url if state is CheckoutState.OPEN else None,
            payment=code if state is CheckoutState.PAID else None,
        )
