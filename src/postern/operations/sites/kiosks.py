"""Kiosks: make one, hand it to a tablet by a one-time code, know that tablet again, let it call for help."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from postern.errors import BadInput, NotFound, NotSignedIn, Refused
from postern.ids import DoorId, KioskId, SiteId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.archive.hub_records import record
from postern.operations.archive.receive import wall_channel
from postern.operations.names import named
from postern.operations.parking import calls, proof
from postern.operations.parking.public_garage import garage_code
from postern.operations.parking.settle import settled
from postern.operations.services import Services
from postern.operations.trace import trace, trace_as
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.parking import store as parking
from postern.parking.cases import CaseKind, CaseState
from postern.postgres.pool import Transaction, confine
from postern.records.model import CorrectionRecord, Deed
from postern.sites import kiosks as store
from postern.sites import store as sites
from postern.sites.kiosks import Kiosk, KioskState
from postern.sites.model import AccessPoint, Door

CODE_GOOD_FOR = timedelta(minutes=30)
TICKET_STAYS = timedelta(seconds=20)
CODE_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are taken for one another on a tablet's screen."""
CODE_LENGTH = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownKiosk:
    """A kiosk whose tablet showed its secret."""

    tenant: TenantId
    kiosk: Kiosk
    call: UUID | None

    @property
    def name(self) -> str:
        """As the journal names it."""
        return f"kiosk:{self.kiosk.id.hex[:8]}"


async def add_kiosk(services: Services, actor: Actor, *, site: SiteId, name: str, door: DoorId) -> Kiosk:
    """A new kiosk beside that door. Raises NotFound, BadInput for a name of nothing."""
    require(actor, Duty.CHANGE_KIOSKS)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        await sites.part(tx, services.keyring, actor.tenant, Door, site=site, id=door)
        kiosk = Kiosk(id=KioskId(new_id()), site=site, name=named(name), door=door)
        await store.add(tx, services.keyring, actor.tenant, kiosk)
        await _traced(services, tx, actor, kiosk, Act.ADDED)
    return kiosk


async def remove_kiosk(services: Services, actor: Actor, *, site: SiteId, id: KioskId) -> None:
    """Shut the kiosk out; its tablet can do nothing any more."""
    require(actor, Duty.CHANGE_KIOSKS)
    async with services.database.transaction(actor.tenant) as tx:
        kiosk = (await _one(services, tx, actor, site, id)).kiosk
        await store.remove(tx, site, id)
        await _traced(services, tx, actor, kiosk, Act.REMOVED)


async def new_kiosk_code(services: Services, actor: Actor, *, site: SiteId, id: KioskId) -> str:
    """A code that makes one tablet this kiosk, good for 30 minutes. Shown once; an earlier one is void."""
    require(actor, Duty.CHANGE_KIOSKS)
    letters = "".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH))
    async with services.database.transaction(actor.tenant) as tx:
        kiosk = (await _one(services, tx, actor, site, id)).kiosk
        until = services.clock.now() + CODE_GOOD_FOR
        await store.put_code(tx, site, id, _digest(letters), until)
        await _traced(services, tx, actor, kiosk, Act.CHANGED)
    return f"{site}-{letters[:5]}-{letters[5:]}"


async def kiosks(services: Services, actor: Actor, site: SiteId) -> list[KioskState]:
    """The site's kiosks, by name."""
    require(actor, Duty.SEE_GARAGE)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.of_site(tx, services.keyring, actor.tenant, site)


async def open_kiosk(services: Services, code: str) -> str:
    """Spend the code; returns the secret for the tablet's cookie. Raises Refused when it is not good."""
    number, letters = _parted(code)
    secret = secrets.token_urlsafe(32)
    async with services.database.transaction() as tx:
        tenant = await _tenant_of(tx, number)
        await confine(tx, tenant)
        now = services.clock.now()
        id = await store.spend_code(tx, number, _digest(letters), _digest(secret), now)
        if id is None:
            raise _wrong_code()
        name = f"kiosk:{id.hex[:8]}"
        await trace_as(
            services, tx, tenant, name, Act.STARTED, purpose="kiosk", detail=f"site {number}, {id}"
        )
    return f"{number}.{secret}"


async def known_kiosk(services: Services, cookie: str) -> KnownKiosk:
    """Whose tablet it is. Raises NotSignedIn when it is none, or none any more."""
    number, _, secret = cookie.partition(".")
    if not number.isascii() or not number.isdigit() or len(number) > 9 or not secret:
        raise NotSignedIn(_NO_KIOSK)
    site = SiteId(int(number))
    async with services.database.transaction() as tx:
        try:
            tenant = await sites.tenant_of(tx, site)
        except NotFound as fault:
            raise NotSignedIn(_NO_KIOSK) from fault
        await confine(tx, tenant)
        id = await store.by_secret(tx, site, _digest(secret))
        if id is None:
            raise NotSignedIn(_NO_KIOSK)
        state = await store.one(tx, services.keyring, tenant, site, id)
    return KnownKiosk(tenant=tenant, kiosk=state.kiosk, call=state.call)


async def ask_for_help(services: Services, known: KnownKiosk) -> UUID:
    """A call for help from the kiosk: in a garage, a case. The one that waits already is not made twice."""
    if known.call is not None and await _waits(services, known, known.call):
        return known.call
    call = await _help_case(services, known) or new_id()
    async with services.database.transaction(known.tenant) as tx:
        await store.put_call(tx, known.kiosk.site, known.kiosk.id, call)
        # The case may be on attendants' screens already; now it calls, too.
        await services.database.notify(tx, wall_channel(known.kiosk.site))
        await trace_as(
            services, tx, known.tenant, known.name, Act.ALARMED, purpose="help at a kiosk", detail=str(call)
        )
    return call


async def pay_code(services: Services, known: KnownKiosk) -> str | None:
    """The code of the kiosk's garage, with which drivers pay by phone; None where the site is no garage."""
    site = known.kiosk.site
    async with services.database.transaction(known.tenant) as tx:
        if site not in await parking.garages(tx):
            return None
    return await garage_code(services, known.tenant, site)


@dataclass(frozen=True, kw_only=True, slots=True)
class Ticket:
    """What a driver who is let in unread pays with: its code, and its garage's."""

    code: str
    garage: str


async def ticket(services: Services, known: KnownKiosk) -> Ticket | None:
    """The ticket of whoever waits at the entry beside the kiosk as the plate cannot be read surely; for some
    seconds longer, so that a phone can take it in while the barrier opens. None when nobody does."""
    site, now = known.kiosk.site, services.clock.now()
    try:
        garage, rules = await settled(services, known.tenant, site)
    except NotFound:
        return None
    lanes = {id for id, one in rules.lanes.items() if one.door == known.kiosk.door and not one.way_out}
    shown = [
        one
        for one in garage.cases.values()
        if one.kind is CaseKind.WAITING
        and one.lane in lanes
        and (one.gone_at is None or now - one.gone_at <= TICKET_STAYS)
    ]
    if not shown:
        return None
    latest = max(shown, key=lambda one: one.opened_at)
    key = await services.keyring.purpose_key(known.tenant, "ticket")
    code = await garage_code(services, known.tenant, site)
    return Ticket(code=proof.ticket_code(key, latest.id), garage=code)


async def _waits(services: Services, known: KnownKiosk, call: UUID) -> bool:
    """Whether nobody has answered yet: the case is open, or there is none as the site is no garage."""
    try:
        garage, _ = await settled(services, known.tenant, known.kiosk.site)
    except NotFound:
        return True
    case = garage.cases.get(call)
    return case is not None and case.state is CaseState.OPEN


async def _help_case(services: Services, known: KnownKiosk) -> UUID | None:
    """A case for attendants, at the lane of the kiosk's barrier; None where the site is no garage."""
    site = known.kiosk.site
    async with services.database.transaction(known.tenant) as tx:
        points = await sites.parts(tx, services.keyring, known.tenant, site, AccessPoint)
        if site not in await parking.garages(tx):
            return None
        lanes = [one for one in points if one.door == known.kiosk.door and one.lane is not None]
        lane = next((one for one in lanes if one.leads_out), lanes[0] if lanes else None)
        told = CorrectionRecord(
            at=services.clock.now(),
            deed=Deed.HELP,
            operator=known.name,
            reason="help at a kiosk",
            access_point=lane.id if lane is not None else None,
        )
        (key,) = await record(services, tx, known.tenant, site, [told])
    _, rules = await settled(services, known.tenant, site)
    return rules.naming.of(key, CaseKind.HELP.value)


async def answer(services: Services, actor: Actor, *, site: SiteId, id: KioskId) -> KioskState:
    """An attendant is about to speak with whoever stands at the kiosk; the journal has it first."""
    require(actor, Duty.ANSWER_CALLS)
    async with services.database.transaction(actor.tenant) as tx:
        state = await _one(services, tx, actor, site, id)
        await trace(services, tx, actor, Act.ANSWERED, purpose="help at a kiosk", detail=f"site {site}, {id}")
    return state


async def end_call(services: Services, actor: Actor, *, site: SiteId, id: KioskId) -> None:
    """Nobody waits at the kiosk any more."""
    require(actor, Duty.ANSWER_CALLS)
    async with services.database.transaction(actor.tenant) as tx:
        state = await _one(services, tx, actor, site, id)
        await store.put_call(tx, site, id, None)
        await trace(services, tx, actor, Act.ANSWERED, purpose="call ended", detail=f"call {state.call}")
    line = calls.Line(tenant=actor.tenant, kiosk=id)
    await calls.say(services, line, calls.Side.ATTENDANT, '{"kind":"done"}')


async def _one(services: Services, tx: Transaction, actor: Actor, site: SiteId, id: KioskId) -> KioskState:
    await sites.site(tx, services.keyring, actor.tenant, site)
    return await store.one(tx, services.keyring, actor.tenant, site, id)


async def _traced(services: Services, tx: Transaction, actor: Actor, kiosk: Kiosk, act: Act) -> None:
    await trace(services, tx, actor, act, purpose="kiosk", detail=f"site {kiosk.site}, kiosk {kiosk.id}")


async def _tenant_of(tx: Transaction, site: SiteId) -> TenantId:
    try:
        return await sites.tenant_of(tx, site)
    except NotFound as fault:
        raise _wrong_code() from fault


_NO_KIOSK = "this tablet is no kiosk (any more); make a new code in the console"


def _wrong_code() -> Refused:
    return Refused("this code is not good (any more); make a new one in the console")


def _parted(code: str) -> tuple[SiteId, str]:
    """The site's number and the letters of a code as somebody types it."""
    number, _, letters = "".join(code.split()).upper().partition("-")
    letters = letters.replace("-", "")
    if not number.isascii() or not number.isdigit() or len(number) > 9 or len(letters) != CODE_LENGTH:
        raise BadInput(f"a code looks like 1-{CODE_LETTERS[:5]}-{CODE_LETTERS[5:10]}; type all of it")
    return SiteId(int(number)), letters


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
