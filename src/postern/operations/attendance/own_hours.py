"""What people do about their own hours, from their own phone: punch, and ask for a correction."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from postern.attendance import store
from postern.attendance.asking import WantedCorrection
from postern.attendance.model import Direction, Punch
from postern.clock import utc_day
from postern.ids import SiteId, new_id
from postern.journal.model import Act
from postern.operations.attendance.corrections import ask
from postern.operations.attendance.desk import at_desk, books_of
from postern.operations.attendance.punches import punch_by_phone
from postern.operations.attendance.settle import settle_all_hours, settle_hours
from postern.operations.operators.members import trace_own
from postern.operations.services import Services
from postern.privacy.member import Member

LATELY = timedelta(days=1)


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnPunches:
    """What somebody's page for punching shows: where, whether they may, and what they punched in a day."""

    site: SiteId
    site_time: datetime
    by_phone: bool
    lately: tuple[Punch, ...]

    @property
    def next(self) -> Direction:
        """What they most likely want to say now."""
        last = self.lately[-1].direction if self.lately else Direction.OUT
        return Direction.OUT if last is Direction.IN else Direction.IN


async def own_punches(services: Services, member: Member) -> OwnPunches:
    """The member's punches of the last day. Raises NotFound where no hours are kept of them."""
    await settle_all_hours(services, member.tenant)
    now = services.clock.now()
    async with services.database.transaction(member.tenant) as tx:
        desk = await at_desk(services, tx, member.tenant, member.person, utc_day(now))
        settings = await store.settings(tx, services.keyring, member.tenant, desk.site)
        first, last = utc_day(now - LATELY), utc_day(now)
        books = await books_of(services, tx, member.tenant, [member.person], first=first, last=last)
        await trace_own(services, tx, member, Act.LOOKED, purpose="own punches")
    lately = [one for one in books[member.person].punches if now - LATELY <= one.at <= now]
    return OwnPunches(
        site=desk.site,
        site_time=now.astimezone(desk.zone),
        by_phone=settings.phones,
        lately=tuple(sorted(lately, key=lambda one: one.at)),
    )


async def punch_own(services: Services, member: Member, direction: Direction) -> UUID:
    """The member comes or goes now; the punch's id. Raises Refused where the site keeps no hours by phone."""
    async with services.database.transaction(member.tenant) as tx:
        site, id = await punch_by_phone(services, tx, member.tenant, member.person, direction=direction)
        await trace_own(
            services, tx, member, Act.CHANGED, purpose="own punch", detail=f"{direction.value} {id}"
        )
    await settle_hours(services, member.tenant, site)
    return id


async def ask_own_correction(services: Services, member: Member, wanted: WantedCorrection) -> UUID:
    """The member asks for a correction of their hours, which whoever keeps them decides about; its id.

    Raises BadInput or NotFound for what nobody could decide about, Conflict in a closed period.
    """
    await settle_all_hours(services, member.tenant)
    id = new_id()
    async with services.database.transaction(member.tenant) as tx:
        desk = await ask(services, tx, member.tenant, member.person, wanted, id=id, by=member.person)
        await trace_own(
            services, tx, member, Act.CHANGED, purpose="own correction of hours", detail=f"asked {id}"
        )
    await settle_hours(services, member.tenant, desk.site)
    return id
