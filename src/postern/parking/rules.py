"""What the books of a garage go by, with its past: so that books made anew come out the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.errors import BadInput
from postern.ids import AccessPointId, DoorId, SiteId
from postern.money import exponent
from postern.parking.naming import Naming
from postern.parking.permits import Permit
from postern.parking.quote import Calendar
from postern.parking.tariff import Tariff
from postern.parking.validations import Validation


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageSettings:
    """A site that is a garage of `bays`. Whoever drives in is of `vehicle_class`; a session without an exit
    is looked into after `stale_after`. What the barriers do is stated at each lane (`sites.model.Lane`)."""

    site: SiteId
    bays: int
    currency: str
    vehicle_class: str = "car"
    stale_after: timedelta = timedelta(days=7)
    special_days: frozenset[date] = frozenset()
    version: int = 0

    def __post_init__(self) -> None:
        exponent(self.currency)
        if not 1 <= self.bays <= 100_000:
            raise BadInput("a garage has 1 to 100,000 bays")
        if not timedelta(hours=1) <= self.stale_after <= timedelta(days=366):
            raise BadInput("a session without an exit is looked into after an hour to a year")


@dataclass(frozen=True, kw_only=True, slots=True)
class TariffInForce:
    """A tariff and since when it holds: for whoever drives in from then on."""

    number: int
    since: datetime
    tariff: Tariff


@dataclass(frozen=True, kw_only=True, slots=True)
class PermitKept:
    """A permit as it stood from `since` until `ended`."""

    id: UUID
    permit: Permit
    since: datetime
    ended: datetime | None = None
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class MerchantKept:
    """A merchant who takes over parts of prices. An ended one's validations count where they were given."""

    id: UUID
    name: str
    validations: tuple[Validation, ...] = ()
    ended: datetime | None = None
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class LaneFacts:
    """What the books need of a lane."""

    door: DoorId
    way_out: bool
    least_score: float


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Everything that a step of the books depends on besides what happened."""

    settings: GarageSettings
    time_zone: ZoneInfo
    country: str | None
    naming: Naming
    lanes: Mapping[AccessPointId, LaneFacts] = field(default_factory=dict)
    tariffs: tuple[TariffInForce, ...] = ()
    permits: tuple[PermitKept, ...] = ()
    merchants: tuple[MerchantKept, ...] = ()

    @property
    def calendar(self) -> Calendar:
        """The garage's wall clock and special days."""
        return Calendar(time_zone=self.time_zone, special_days=self.settings.special_days)

    def tariff_at(self, entered: datetime) -> Tariff | None:
        """The tariff for whoever drove in then; the first one for those who came before it."""
        known = [one for one in self.tariffs if one.since <= entered] or list(self.tariffs[:1])
        return known[-1].tariff if known else None

    def permits_at(self, at: datetime) -> list[Permit]:
        """The permits that were kept at that moment, valid then or not."""
        return [
            one.permit for one in self.permits if one.since <= at and (one.ended is None or at < one.ended)
        ]

    def validation(self, id: UUID) -> tuple[MerchantKept, Validation] | None:
        """The validation of that id, and whose it is."""
        found = ((one, given) for one in self.merchants for given in one.validations if given.id == id)
        return next(found, None)

    def lanes_of(self, door: DoorId) -> tuple[AccessPointId, ...]:
        """The lanes through that barrier."""
        return tuple(id for id, one in self.lanes.items() if one.door == door)

    def local_day(self, at: datetime) -> date:
        """The day on the garage's calendar."""
        return at.astimezone(self.time_zone).date()
