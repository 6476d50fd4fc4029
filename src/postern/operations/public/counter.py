"""The counter: what the public process may ask the hub, and nothing else.

A visit begins with a plate and tells nothing until the proof is given; then one session's price,
its checkout, a merchant's code. Visits live in this process for some minutes; payments live in the database.
"""

from __future__ import annotations

import contextlib
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

from postern.errors import BadInput, NotFound, PosternError, Refused, TooMany
from postern.ids import SiteId
from postern.operations.limits import Limit, Limits
from postern.operations.parking import checkout, proof
from postern.operations.parking import payment_attempts as attempts
from postern.operations.parking.books import LikelySession, Owed, PublicGarage
from postern.operations.parking.checkout import Till
from postern.operations.parking.free_bays import free_now
from postern.operations.parking.payment_attempts import Attempt, AttemptState
from postern.operations.parking.proof import CHOICES, Choice
from postern.operations.parking.public_garage import garage_by_code, garage_code, garage_of
from postern.operations.parking.settle_read import BY_HAND
from postern.operations.public import counter_wire as wire
from postern.operations.services import Services
from postern.records.model import PictureRef
from postern.vehicles.plates import normalise

VISIT_LASTS = timedelta(minutes=20)
FREE_HOLDS = timedelta(seconds=15)
TRIES = 2
_MOST_VISITS = 20_000
_LONGEST_PLATE = 16
_LONGEST_WORDS = 500

ASKING = Limit(name="asking", most=300, span=timedelta(minutes=10))
"""Questions of one phone in all; a page that waits for its payment asks every two seconds."""
VISITS = Limit(name="visits", most=20, span=timedelta(minutes=10))
PLATE_VISITS = Limit(name="plate visits", most=10, span=timedelta(hours=1))
WRONG_FOR_PLATE = Limit(name="wrong for plate", most=TRIES, span=timedelta(hours=6))
"""Of six choices, two may be tried in six hours: who guesses is right one time in three, and no more."""
WRONG_FOR_GARAGE = Limit(name="wrong for garage", most=60, span=timedelta(hours=1))
"""Whatever phones they come from, also when the public process itself asks in bad faith."""
HELP = Limit(name="help", most=5, span=timedelta(hours=1))
HELP_FOR_GARAGE = Limit(name="help for garage", most=60, span=timedelta(hours=1))
WEBHOOKS = Limit(name="webhooks", most=600, span=timedelta(minutes=1))

CoverPlates = Callable[[PublicGarage, PictureRef], Awaitable[bytes | None]]
"""The picture of an entry, small and with every plate in it covered; None when that cannot be promised."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Visit:
    garage: PublicGarage
    code: str
    plate: str
    until: datetime
    choices: tuple[Choice, ...] = ()
    proven: UUID | None = None


@dataclass(kw_only=True)
class Counter:
    """One hub's counter."""

    services: Services
    till: Till
    cover_plates: CoverPlates | None = None
    limits: Limits = field(init=False)
    _visits: OrderedDict[str, _Visit] = field(init=False, default_factory=OrderedDict)
    _free: dict[SiteId, wire.FreeBays] = field(init=False, default_factory=dict)
    _secret: bytes = field(init=False, default_factory=lambda: secrets.token_bytes(32))

    def __post_init__(self) -> None:
        self.limits = Limits(self.services.clock)

    async def garage(self, asked: wire.AskGarage) -> wire.GarageView:
        """The garage of a poster's code. Raises NotFound, TooMany."""
        self.limits.take(ASKING, asked.client)
        found = await garage_by_code(self.services, asked.garage)
        return wire.GarageView(name=found.name, garage=asked.garage)

    async def free(self, asked: wire.AskFree) -> wire.FreeBays:
        """Free bays, for signs and apps: the same numbers for some seconds. Raises NotFound, TooMany."""
        self.limits.take(ASKING, asked.client)
        found = await garage_by_code(self.services, asked.garage)
        now, kept = self.services.clock.now(), self._free.get(found.site)
        if kept is None or now - kept.at >= FREE_HOLDS:
            kept = await free_now(self.services, found.tenant, found.site)
            self._free[found.site] = kept
        return kept

    async def begin(self, asked: wire.AskVisit) -> wire.VisitMade:
        """A visit for a plate, inside or not, or for who holds a link. Raises NotFound, TooMany, BadInput."""
        self.limits.take(VISITS, asked.client)
        if asked.link:
            return self._keep(await self._by_link(asked.link))
        garage = await garage_by_code(self.services, asked.garage)
        plate = normalise(asked.plate)
        if not 1 <= len(plate) <= _LONGEST_PLATE:
            raise BadInput("type the plate as it is on the car")
        self.limits.take(PLATE_VISITS, _about(garage, plate))
        likely = await self.till.books.likely(garage, plate)
        visit = _Visit(
            garage=garage,
            code=asked.garage,
            plate=plate,
            until=self.services.clock.now() + VISIT_LASTS,
            choices=await self._choices(garage, plate, likely),
        )
        return self._keep(visit)

    async def visit(self, asked: wire.AskAboutVisit) -> wire.VisitView:
        """The question of proof, or the price. Raises NotFound for a visit that is over."""
        self.limits.take(ASKING, asked.client)
        return await self._view(self._find(asked.visit))

    async def prove(self, given: wire.GiveProof) -> wire.VisitView:
        """Judge the proof; the visit as it is then. A wrong answer counts for the plate and the garage."""
        self.limits.take(ASKING, given.client)
        visit = self._find(given.visit)
        if visit.proven is None:
            self._require_tries(visit)
            proven = await self._proven(visit, given)
            if proven is None:
                self.limits.count(WRONG_FOR_PLATE, _about(visit.garage, visit.plate))
                self.limits.count(WRONG_FOR_GARAGE, str(visit.garage.site))
            visit = replace(visit, proven=proven)
            self._visits[given.visit] = visit
        return await self._view(visit)

    async def checkout(self, asked: wire.AskAboutVisit) -> wire.CheckoutStarted:
        """Start to pay what the books say. Raises Refused before the proof, Unavailable, Conflict."""
        self.limits.take(ASKING, asked.client)
        visit = self._find(asked.visit)
        started = await checkout.start(
            self.services,
            self.till,
            visit.garage,
            _session_of(visit),
            language=asked.language,
            back=f"/pay/visit/{asked.visit}",
        )
        return wire.CheckoutStarted(url=started.url or "")

    async def validation(self, asked: wire.AskAboutVisit) -> wire.Validated:
        """Apply a merchant's code to the session. Raises Refused before the proof, NotFound, Conflict."""
        self.limits.take(VISITS, asked.client)
        visit = self._find(asked.visit)
        name = await self.till.books.validate(visit.garage, _session_of(visit), asked.merchant)
        return wire.Validated(merchant=name)

    async def webhook(self, told: wire.TellWebhook) -> wire.Taken:
        """Hand in what a provider tells. Raises CannotVerify for what it did not sign."""
        self.limits.take(WEBHOOKS, "")
        taken = await checkout.take_webhook(self.services, self.till, told.body, told.signature)
        return wire.Taken(taken=taken)

    async def receipt(self, asked: wire.AskReceipt) -> wire.ReceiptView:
        """A payment, for whoever has its reference; while it is open, its provider is asked. NotFound."""
        self.limits.take(ASKING, asked.client)
        try:
            attempt = await checkout.find(self.services, asked.reference)
        except BadInput as fault:
            raise NotFound("there is no such receipt") from fault
        # The page asks again by itself, and a webhook may come meanwhile.
        with contextlib.suppress(PosternError):
            attempt = await checkout.ask_provider(self.services, self.till, attempt)
        garage = await garage_of(self.services, attempt.tenant, attempt.site)
        code = await garage_code(self.services, attempt.tenant, attempt.site)
        return _receipt(attempt, garage, code)

    async def help(self, asked: wire.AskHelp) -> wire.HelpComing:
        """Open a case for an attendant. Raises NotFound, TooMany."""
        self.limits.take(HELP, asked.client)
        garage = await garage_by_code(self.services, asked.garage)
        self.limits.take(HELP_FOR_GARAGE, str(garage.site))
        visit = self._visits.get(asked.visit)
        session = visit.proven if visit is not None and visit.garage.site == garage.site else None
        case = await self.till.books.call_for_help(garage, session, asked.words.strip()[:_LONGEST_WORDS])
        return wire.HelpComing(number=case.hex[:6].upper())

    # Visits.

    def _keep(self, visit: _Visit) -> wire.VisitMade:
        now = self.services.clock.now()
        while self._visits:
            oldest = next(iter(self._visits.values()))
            if oldest.until > now and len(self._visits) < _MOST_VISITS:
                break
            self._visits.popitem(last=False)
        secret = secrets.token_urlsafe(18)
        self._visits[secret] = visit
        return wire.VisitMade(visit=secret)

    def _find(self, secret: str) -> _Visit:
        visit = self._visits.get(secret)
        if visit is None or visit.until <= self.services.clock.now():
            raise NotFound("this took too long; begin again")
        return visit

    async def _by_link(self, link: str) -> _Visit:
        number, _, secret = link.partition("-")
        if not (number.isascii() and number.isdigit() and len(number) <= 9):
            raise NotFound("this link is not good (any more)")
        tenant = await checkout.tenant_of(self.services, SiteId(int(number)))
        garage = await garage_of(self.services, tenant, SiteId(int(number)))
        async with self.services.database.transaction(tenant) as tx:
            now = self.services.clock.now()
            session = await attempts.linked(tx, self.services.keyring, tenant, garage.site, secret, now)
        return _Visit(
            garage=garage,
            code=await garage_code(self.services, tenant, garage.site),
            plate="",
            until=self.services.clock.now() + VISIT_LASTS,
            proven=session,
        )

    async def _choices(
        self, garage: PublicGarage, plate: str, likely: Sequence[LikelySession]
    ) -> tuple[Choice, ...]:
        about = _about(garage, plate)
        pictures = await self._pictures(garage, about, likely) if self.cover_plates is not None else ()
        return pictures or proof.moments(self._secret, about, likely, self.services.clock.now())

    async def _pictures(
        self, garage: PublicGarage, about: str, likely: Sequence[LikelySession]
    ) -> tuple[Choice, ...]:
        """Six pictures, or none at all: that must not depend on whether the plate is inside."""
        others = await self.till.books.inside_with_pictures(garage, 4 * CHOICES)
        if self.cover_plates is None or len(others) < 2 * CHOICES:
            return ()
        shown: list[tuple[LikelySession, bytes]] = []
        for one in proof.pictured(self._secret, about, likely, others):
            covered = await self.cover_plates(garage, one.picture) if one.picture else None
            if covered is not None:
                shown.append((one, covered))
            if len(shown) == CHOICES:
                break
        own = {one.session for one in likely}
        made = tuple(
            Choice(
                id=secrets.token_hex(8), session=one.session if one.session in own else None, picture=covered
            )
            for one, covered in proof.shuffled(self._secret, shown)
        )
        return made if len(made) == CHOICES else ()

    def _tries_left(self, visit: _Visit) -> int:
        garage = self.limits.left(WRONG_FOR_GARAGE, str(visit.garage.site))
        return max(0, min(garage, self.limits.left(WRONG_FOR_PLATE, _about(visit.garage, visit.plate))))

    def _require_tries(self, visit: _Visit) -> None:
        if self._tries_left(visit) == 0:
            raise TooMany("no more tries for this plate now; ask for help")

    async def _proven(self, visit: _Visit, given: wire.GiveProof) -> UUID | None:
        if given.ticket:
            key = await self.services.keyring.purpose_key(visit.garage.tenant, "ticket")
            known = await self.till.books.ticketed(visit.garage)
            return next((known[one] for one in known if proof.matches_ticket(key, one, given.ticket)), None)
        return next((one.session for one in visit.choices if one.id == given.choice), None)

    async def _view(self, visit: _Visit) -> wire.VisitView:
        view = wire.VisitView(
            garage=visit.code,
            garage_name=visit.garage.name,
            time_zone=visit.garage.time_zone.key,
            plate=visit.plate,
        )
        if visit.proven is not None:
            owed = await self.till.books.owed(visit.garage, visit.proven, self.services.clock.now())
            return replace(view, price=_price(owed))
        tries = self._tries_left(visit)
        if tries == 0:
            return replace(view, over=True)
        choices = tuple(
            wire.ChoiceView(id=one.id, moment=one.moment, picture=one.picture) for one in visit.choices
        )
        return replace(view, choices=choices, tries_left=tries)


def _about(garage: PublicGarage, plate: str) -> str:
    return f"{garage.site}/{plate}"


def _session_of(visit: _Visit) -> UUID:
    if visit.proven is None:
        raise Refused("first show that it is your car")
    return visit.proven


def _price(owed: Owed) -> wire.PriceView:
    return wire.PriceView(
        lines=tuple(
            wire.PriceLine(label=one.label, quantity=one.quantity, unit=one.unit, amount=one.amount)
            for one in owed.lines
        ),
        total=owed.total,
        vat=owed.vat,
        vat_percent=str(owed.vat_percent),
        paid=owed.paid,
        owed=owed.owed,
        entered=owed.entered,
        at=owed.at,
        leave_by=owed.leave_by,
        left=owed.left,
    )


def _receipt(attempt: Attempt, garage: PublicGarage, code: str) -> wire.ReceiptView:
    details = attempt.details
    by_hand = attempt.provider == BY_HAND and attempt.state is AttemptState.ASKED
    return wire.ReceiptView(
        state=attempt.state.value,
        reference=attempt.reference,
        garage=code,
        garage_name=garage.name,
        time_zone=garage.time_zone.key,
        amount=attempt.amount,
        price=wire.PriceView(
            lines=tuple(
                wire.PriceLine(label=one.label, quantity=one.quantity, unit=one.unit, amount=one.amount)
                for one in details.lines
            ),
            total=details.total,
            vat=details.vat,
            vat_percent=details.vat_percent,
            paid=details.total - attempt.amount,
            owed=attempt.amount,
            entered=details.entered,
            at=details.at,
            left=details.left,
        ),
        provider=attempt.provider,
        paid_at=details.paid_at,
        refunded=details.refunded,
        slip=(details.checkout or "") if by_hand else "",
    )
