"""The simulated garage's tariff, lanes and merchants, and what a stay truly costs by them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.parking.quote import quote
from postern.parking.tariff import Calendar, Tariff
from postern.parking.tariff_data import load_tariff
from postern.parking.validations import Validation, ValidationKind, apply
from postern.simulation.garage_script import GarageScript, Mishap, Stay
from postern.simulation.readings import NOTHING, Reading
from postern.sites.model import Lane, LaneKind, LaneRule

TIME_ZONE = "Europe/Berlin"
STALE_AFTER = timedelta(hours=72)
"""Longer than the longest drawn stay."""
LEAST_SCORE = 0.6
TARIFF = """
id: simulated
name: Simulated garage
currency: EUR
vat_percent: 19
grace_after_paying: 15 min
vehicle_classes: [car]
periods:
  - from: 2020-01-01
    day_cap: {label: Most for one day, amount: 22.00}
    lines:
      - {label: Each started half hour, price: 1.20, each: 30 min, free: 10 min}
      - label: Night, flat
        when: [{days: all, hours: "20:00-06:00"}]
        price: 4.00
        each: span
      - label: Sunday, each started hour
        when: [{days: sun, hours: "06:00-20:00"}]
        price: 1.00
        each: 60 min
        cap: 6.00
"""


def lane_rule(kind: LaneKind) -> Lane:
    """Both kinds wait a little: a further look at the plate mostly settles it."""
    return Lane(kind=kind, rule=LaneRule.WAIT, wait_seconds=8, least_score=LEAST_SCORE)


def validations() -> tuple[Validation, ...]:
    """One of each merchant."""
    return tuple(
        Validation(
            id=UUID(int=0x5000 + number), merchant=name, kind=kind, value=value, code=f"simulated-{number}"
        )
        for number, (name, kind, value) in enumerate(
            (
                ("Bakery", ValidationKind.MINUTES, 60),
                ("Cinema", ValidationKind.PERCENT, 50),
                ("Book shop", ValidationKind.AMOUNT, 300),
            )
        )
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Driver:
    """Who pays: types the plate, and knows the own car among the pictures. `entry`: its decision's seq."""

    plate: str
    entry: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class Picture:
    """What a person sees on the picture of decision `seq`: the plate, and the car of the entry's decision."""

    seq: int
    plate: str
    entry: int | None
    linked: bool = False
    """Its driver was given a link to pay already."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Linked:
    """The link to pay that the driver on the picture of decision `seq` was sent."""

    seq: int
    link: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Told:
    """What a driver was told to pay, in minor units, for which of the hub's sessions, and when."""

    session: UUID
    amount: int
    at: datetime


@dataclass(kw_only=True, slots=True)
class Fate:
    """What became of a stay. `entry` and `exit` are seqs of its decisions in the agent's spool."""

    stay: Stay
    entered_at: datetime | None = None
    left_at: datetime | None = None
    entry: int | None = None
    exit: int | None = None
    read_as: Reading = NOTHING
    """What counted when it drove in."""
    told: list[Told] = field(default_factory=list)
    """What the driver was told to pay, and paid."""
    heard: dict[datetime, datetime] = field(default_factory=dict)
    """When the hub heard of a payment that it heard of late."""
    unheard: int = 0
    """Payments of which the hub has not heard yet: who has paid does not pay again, but calls for help."""
    validated_at: datetime | None = None
    helped: bool = False
    """An attendant opened the barrier."""
    linked: bool = False
    """An attendant sent a link to pay."""

    @property
    def was_known(self) -> bool:
        """Whether its plate was read rightly and surely when it drove in."""
        sure = self.read_as.score >= LEAST_SCORE
        return self.entry is not None and sure and self.read_as.text == self.stay.plate

    @property
    def driver(self) -> Driver:
        """Who pays for it."""
        return Driver(plate=self.stay.plate, entry=self.entry)

    @property
    def parked(self) -> bool:
        """Whether it was inside at all."""
        return self.entered_at is not None and self.stay.mishap is not Mishap.TURNS_BACK


class Truth:
    """What everybody truly owes, known only here."""

    def __init__(self, script: GarageScript, fates: Sequence[Fate]) -> None:
        self.tariff: Tariff = load_tariff(TARIFF)
        self._calendar = Calendar(time_zone=ZoneInfo(TIME_ZONE))
        self._validations = validations()
        self._covered = _covered(script, fates)

    def due(self, fate: Fate, *, bays_in_doubt: bool = False) -> int:
        """What the stay costs its driver, in minor units: permits and validations taken off.

        `bays_in_doubt`: the garage cannot know how many of the permit's vehicles were inside, and then its
        rule is that the permit covers.
        """
        if fate.entered_at is None or fate.left_at is None:
            return 0
        if fate.stay.number in self._covered or (bays_in_doubt and fate.stay.permit is not None):
            return 0
        return self._price(fate, self._charged_at(fate, fate.left_at))

    def _charged_at(self, fate: Fate, left: datetime) -> datetime:
        """Whoever paid and leaves within the grace pays for the time until paying."""
        paid = 0
        for told in fate.told:
            if told.at > left:
                break  # afterwards, by a link: that is the price of leaving
            paid += told.amount
            grace = self.tariff.grace_after_paying
            # Whoever could not know that the notice was late has the grace from when it was heard, too.
            heard = fate.heard.get(told.at, told.at)
            in_time = left - told.at <= grace or heard <= left <= heard + grace
            if in_time and paid >= self._price(fate, told.at):
                return told.at
        return left

    def _price(self, fate: Fate, at: datetime) -> int:
        if fate.entered_at is None:
            return 0
        gross = quote(
            self.tariff, entered=fate.entered_at, at=at, vehicle_class="car", calendar=self._calendar
        )
        given = fate.stay.merchant if fate.validated_at is not None and fate.validated_at <= at else None
        net = apply(gross, [self._validations[given]]) if given is not None else gross
        return net.total.amount


def _covered(script: GarageScript, fates: Sequence[Fate]) -> frozenset[int]:
    """The stays that their permit covers: as many at a time as it has bays, who came first."""
    bays = {one.number: one.bays for one in script.permits}
    inside: dict[int, list[datetime]] = defaultdict(list)
    found = set()
    for fate in sorted((one for one in fates if one.parked), key=lambda one: one.entered_at or script.start):
        permit = fate.stay.permit
        if permit is None or fate.entered_at is None or fate.stay.is_clone:
            continue
        inside[permit] = [left for left in inside[permit] if left > fate.entered_at]
        if len(inside[permit]) < bays[permit]:
            found.add(fate.stay.number)
            inside[permit].append(fate.left_at or script.end)
    return frozenset(found)
