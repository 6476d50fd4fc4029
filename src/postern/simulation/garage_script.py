"""What truly happens at a simulated garage: every stay, drawn from a seed before anything is played."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from random import Random
from zoneinfo import ZoneInfo

from postern.simulation.readings import Rates, Reading, plate, read

COUNTRIES = (("DE", 88), ("PL", 4), ("NL", 3), ("FR", 2), ("AT", 2), ("CZ", 1))
"""Whose plates drive in, in per cent."""
_BY_HOUR = (1, 1, 1, 1, 1, 2, 6, 14, 20, 24, 26, 26, 24, 22, 22, 20, 18, 20, 22, 18, 12, 8, 5, 2)
_BY_WEEKDAY = (1.0, 1.0, 1.0, 1.05, 1.15, 1.2, 0.5)


FURTHER_LOOKS = 2
"""As many as a lane's wait has time for."""


class Paying(StrEnum):
    """What a driver does about the price."""

    BY_PHONE = "by-phone"
    """On the way to the car."""
    DAWDLES = "dawdles"
    """By phone, and then takes longer than the grace."""
    AT_EXIT = "at-exit"
    """By phone, once the barrier stays shut."""
    NEVER = "never"


class Mishap(StrEnum):
    """What goes wrong at a lane."""

    SLIPS_IN = "slips-in"
    """Behind another, without being read."""
    SLIPS_OUT = "slips-out"
    TURNS_BACK = "turns-back"
    """Reverses out of the entry lane after the barrier was released."""
    POWER_FAILS_IN = "power-fails-in"
    """The agent dies between releasing the barrier and seeing who passed."""
    POWER_FAILS_OUT = "power-fails-out"


@dataclass(frozen=True, kw_only=True, slots=True)
class Looks:
    """What the camera makes of the plate at a lane, and of `further` pictures while the vehicle stands there.

    Each look has its own chance, independent of the others: vehicles roll on, and light and dirt change.
    """

    first: Reading
    further: tuple[Reading, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Stay:
    """One vehicle's visit. `length`: from driving in until it is back at the exit, if nobody holds it up."""

    number: int
    plate: str
    arrives: datetime
    length: timedelta
    entry: Looks
    exit: Looks
    paying: Paying
    permit: int | None = None
    merchant: int | None = None
    mishap: Mishap | None = None
    is_clone: bool = False

    @property
    def wants_out(self) -> datetime:
        """When it is at the exit."""
        return self.arrives + self.length


@dataclass(frozen=True, kw_only=True, slots=True)
class DrawnPermit:
    """A standing right to park for `bays` vehicles at a time."""

    number: int
    holder: str
    plates: tuple[str, ...]
    bays: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Outage:
    """Something is away from `start` until `end`."""

    start: datetime
    end: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Shares:
    """How often what happens to a stay, as a share of all stays."""

    clones: float = 0.005
    slips: float = 0.001
    turns_back: float = 0.005
    power_fails: float = 0.0005
    never_pays: float = 0.002
    dawdles: float = 0.02
    at_exit: float = 0.2
    validated: float = 0.12


@dataclass(frozen=True, kw_only=True, slots=True)
class GarageScript:
    """Everything that will happen. Merchants are numbered from 0."""

    start: datetime
    end: datetime
    bays: int
    stays: tuple[Stay, ...]
    permits: tuple[DrawnPermit, ...]
    merchants: int
    hub_outages: tuple[Outage, ...]
    power_cuts: tuple[Outage, ...]
    payment_outages: tuple[Outage, ...]


def garage_script(
    *,
    seed: int,
    days: int,
    bays: int,
    first: date,
    time_zone: ZoneInfo,
    rates: Rates | None = None,
    shares: Shares | None = None,
) -> GarageScript:
    """The same for the same arguments, on every machine."""
    wanted = [first + timedelta(days=day) for day in range(days)]
    draw = Random(f"garage/{seed}")  # noqa: S311 - a simulation, not a secret
    odds = _Odds(rates=rates or Rates(), shares=shares or Shares())
    return _Drawing(draw, wanted, bays, time_zone, odds).script()


@dataclass(frozen=True, slots=True)
class _Odds:
    rates: Rates
    shares: Shares


class _Drawing:
    def __init__(self, draw: Random, days: list[date], bays: int, time_zone: ZoneInfo, odds: _Odds) -> None:
        self._draw = draw
        self._days = days
        self._bays = bays
        self._time_zone = time_zone
        self._rates = odds.rates
        self._shares = odds.shares
        self._inside: list[Stay] = []
        self._stays: list[Stay] = []
        self._plates: set[str] = set()

    def script(self) -> GarageScript:
        permits = self._permits()
        planned = sorted(
            (one for day in self._days for one in self._planned(day, permits)), key=lambda one: one[0]
        )
        for arrives, length, text, permit in planned:
            self._stay(arrives, length, text, permit)
        start = self._at(self._days[0], time(0))
        end = max([one.wants_out for one in self._stays], default=start) + timedelta(days=1)
        return GarageScript(
            start=start,
            end=end,
            bays=self._bays,
            stays=tuple(self._stays),
            permits=permits,
            merchants=3,
            hub_outages=self._outages(every=6, shortest=15, longest=45),
            power_cuts=self._outages(every=5, shortest=2, longest=8),
            payment_outages=self._outages(every=7, shortest=30, longest=90),
        )

    def _permits(self) -> tuple[DrawnPermit, ...]:
        """Monthly permits of one vehicle each, and companies with more vehicles than bays."""
        monthly = [
            DrawnPermit(number=number, holder=f"Holder {number}", plates=(self._new_plate(),), bays=1)
            for number in range(round(self._bays * 0.35))
        ]
        companies = [
            DrawnPermit(
                number=len(monthly) + number,
                holder=f"Company {number}",
                plates=tuple(self._new_plate() for _ in range(5)),
                bays=4,
            )
            for number in range(max(1, self._bays // 40))
        ]
        return (*monthly, *companies)

    def _planned(
        self, day: date, permits: tuple[DrawnPermit, ...]
    ) -> list[tuple[datetime, timedelta, str, int | None]]:
        """Who means to come on that day: when, for how long, and by which permit."""
        draw = self._draw
        workday = day.weekday() < 5
        planned: list[tuple[datetime, timedelta, str, int | None]] = []
        for permit in permits:
            for text in permit.plates:
                if draw.random() < (0.85 if workday else 0.08):
                    arrives = self._at(day, time(7)) + timedelta(minutes=draw.triangular(0, 180, 70))
                    length = timedelta(hours=draw.triangular(4, 10.5, 8.5))
                    planned.append((arrives, length, text, permit.number))
        visitors = round(self._bays * 0.9 * _BY_WEEKDAY[day.weekday()] * draw.uniform(0.85, 1.15))
        for _ in range(visitors):
            hour = draw.choices(range(24), _BY_HOUR)[0]
            arrives = self._at(day, time(hour)) + timedelta(seconds=draw.uniform(0, 3600))
            planned.append((arrives, self._length(), self._new_plate(), None))
        return planned

    def _length(self) -> timedelta:
        """Short errands, an evening or a working day, and now and then some nights."""
        kind = self._draw.random()
        if kind < 0.08:
            return timedelta(minutes=self._draw.uniform(3, 20))
        if kind < 0.93:
            return timedelta(minutes=min(self._draw.lognormvariate(4.5, 0.7), 1200))
        return timedelta(hours=self._draw.uniform(12, 60))

    def _stay(self, arrives: datetime, length: timedelta, text: str, permit: int | None) -> None:
        draw, shares = self._draw, self._shares
        self._inside = [one for one in self._inside if one.wants_out > arrives]
        if any(one.plate == text for one in self._inside) or len(self._inside) >= self._bays:
            return  # the same vehicle cannot come twice; and who finds the garage full drives on
        visitors = [one for one in self._inside if one.permit is None and not one.is_clone]
        clone = permit is None and bool(visitors) and draw.random() < shares.clones
        text = draw.choice(visitors).plate if clone else text
        stay = Stay(
            number=len(self._stays),
            plate=text,
            arrives=arrives,
            length=length,
            entry=self._looks(text),
            exit=self._looks(text),
            paying=self._paying(),
            permit=permit,
            merchant=draw.randrange(3) if permit is None and draw.random() < shares.validated else None,
            mishap=None if clone else self._mishap(),
            is_clone=clone,
        )
        self._stays.append(stay)
        if stay.mishap is not Mishap.TURNS_BACK:
            self._inside.append(stay)

    def _looks(self, text: str) -> Looks:
        first, *further = (read(self._draw, text, self._rates) for _ in range(1 + FURTHER_LOOKS))
        return Looks(first=first, further=tuple(further))

    def _paying(self) -> Paying:
        chance, shares = self._draw.random(), self._shares
        for paying, share in (
            (Paying.NEVER, shares.never_pays),
            (Paying.DAWDLES, shares.dawdles),
            (Paying.AT_EXIT, shares.at_exit),
        ):
            if chance < share:
                return paying
            chance -= share
        return Paying.BY_PHONE

    def _mishap(self) -> Mishap | None:
        chance, shares = self._draw.random(), self._shares
        for mishap, share in (
            (Mishap.SLIPS_IN, shares.slips),
            (Mishap.SLIPS_OUT, shares.slips),
            (Mishap.TURNS_BACK, shares.turns_back),
            (Mishap.POWER_FAILS_IN, shares.power_fails),
            (Mishap.POWER_FAILS_OUT, shares.power_fails),
        ):
            if chance < share:
                return mishap
            chance -= share
        return None

    def _outages(self, *, every: int, shortest: int, longest: int) -> tuple[Outage, ...]:
        """About one in so many days, for so many minutes, by day."""
        found = []
        for day in self._days:
            if self._draw.random() < 1 / every:
                start = self._at(day, time(7)) + timedelta(hours=self._draw.uniform(0, 14))
                found.append(
                    Outage(start=start, end=start + timedelta(minutes=self._draw.uniform(shortest, longest)))
                )
        return tuple(found)

    def _new_plate(self) -> str:
        while True:
            countries, weights = zip(*COUNTRIES, strict=True)
            text = plate(self._draw, self._draw.choices(countries, weights)[0])
            if text not in self._plates:
                self._plates.add(text)
                return text

    def _at(self, day: date, clock: time) -> datetime:
        return datetime.combine(day, clock, tzinfo=self._time_zone).astimezone(ZoneInfo("UTC"))
