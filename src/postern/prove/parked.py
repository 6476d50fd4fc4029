"""A garage with something in each of its tables: a vehicle inside that paid a part, a case, a permit."""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from uuid import UUID

from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.clock import SetClock
from postern.devices.payments.by_hand import Desk
from postern.ids import KioskId, new_id
from postern.operations.admit import picture_context, picture_key
from postern.operations.parking import checkout, garage_setup, payment_attempts
from postern.operations.parking.checkout import Till
from postern.operations.parking.public_garage import garage_of
from postern.operations.public.counter_books import CounterBooks
from postern.operations.services import Services
from postern.operations.sites import kiosks
from postern.operators.model import Actor
from postern.parking.permits import Permit
from postern.parking.validations import ValidationKind
from postern.prove.driven import Driven, driven
from postern.records.model import DecisionRecord, PictureRef
from postern.sealing.envelope import seal

STAYED = timedelta(minutes=90)
HOME = "https://pay.example.org"
JPEG = b"a jpeg of a vehicle at a lane"


@dataclass(frozen=True, kw_only=True)
class Plates:
    """Whose plates and names are in the garage."""

    inside: str = "KAB123"
    permit: str = "NEPQ77"
    holder: str = "Nora Neighbour"
    merchant: str = "Bakery Next Door"
    misread: str = "W4X0Z"
    vehicle: UUID | None = None
    """The registered vehicle that is inside."""
    picture: bytes = JPEG
    """Of the one that waits at the way out."""


@dataclass(frozen=True, kw_only=True)
class Parked:
    """The garage, and the ids of what is in it."""

    driven: Driven
    till: Till
    desk: Desk
    session: UUID
    case: UUID
    permit: UUID
    merchant: UUID
    kiosk: KioskId
    slip: str
    reference: str
    link: str
    plates: Plates = field(default_factory=Plates)


async def parked(
    services: Services, actor: Actor, clock: SetClock, slips: Path, plates: Plates | None = None
) -> Parked:
    """Set one up by the operations; `slips` is the file of the desk's slips."""
    plates = plates or Plates()
    now = clock.now()
    garage = await driven(services, actor, clock)
    permit = Permit(
        id=new_id(),
        holder=plates.holder,
        plates=frozenset({plates.permit}),
        bays=1,
        valid_from=now - STAYED * 2,
    )
    await garage_setup.add_permit(services, actor, garage.site, permit)
    merchant = await garage_setup.add_merchant(
        services, actor, garage.site, name=plates.merchant, kind=ValidationKind.PERCENT, value=50
    )
    kiosk = await kiosks.add_kiosk(
        services, actor, site=garage.site, name="Beside the way out", door=garage.doors[1]
    )
    await garage.drives(garage.way_in, plates.inside, now - STAYED, vehicle=plates.vehicle)
    await garage.send()
    (session,) = (await garage.settle()).sessions
    await garage.pays(session, 100, f"drawn-{secrets.token_hex(4)}")
    case = await _waits(garage, plates.misread, plates.picture, now)
    desk = Desk(slips, clock)
    till = Till(provider=desk, books=CounterBooks(services=services), public_url=HOME, desk=desk)
    asked = await checkout.start(
        services, till, await garage_of(services, actor.tenant, garage.site), session
    )
    async with services.database.transaction(actor.tenant) as tx:
        link = await payment_attempts.new_link(
            tx, services.keyring, actor.tenant, garage.site, session=session, at=now
        )
    return Parked(
        driven=garage,
        till=till,
        desk=desk,
        session=session,
        case=case,
        permit=permit.id,
        merchant=merchant.id,
        kiosk=kiosk.id,
        slip=(await checkout.find(services, asked.reference)).details.checkout or "",
        reference=asked.reference,
        link=link,
        plates=plates,
    )


async def _waits(garage: Driven, plate: str, jpeg: bytes, at: datetime) -> UUID:
    """Somebody whose plate is not read surely waits at the way out, with a picture; the case."""
    name = secrets.token_hex(16)
    picture = PictureRef(name=name, key=os.urandom(32))
    sealed = seal(picture_key(picture), jpeg, picture_context(garage.tenant, name))
    await garage.services.pictures.put(name, sealed)
    decision = DecisionRecord(
        at=at,
        access_point=garage.way_out,
        door=garage.doors[1],
        direction_out=True,
        credential_kind=CredentialKind.PLATE,
        subject=None,
        subject_kind=None,
        plate=plate,
        granted=False,
        reason=Reason.AWAITING_ANSWER,
        score=0.3,
        policy="1.1",
        picture=picture,
    )
    await garage.record(garage.way_out, decision)
    await garage.send()
    (case,) = [one for one in (await garage.settle()).cases.values() if one.stands_at_barrier]
    return case.id
