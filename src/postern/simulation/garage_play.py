"""Playing a garage's script: every vehicle through the lanes, every driver at the price, in order of time."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from postern.access.decision import PlatePresented, Request
from postern.access.reasons import Reason
from postern.operations.admit import Admitted
from postern.simulation.barrier import Passing
from postern.simulation.furnish import Approach
from postern.simulation.garage_hub import GarageHub
from postern.simulation.garage_rules import Fate, Picture, Told, lane_rule
from postern.simulation.garage_script import GarageScript, Looks, Mishap, Outage, Paying
from postern.simulation.readings import Reading
from postern.simulation.stage import Stage
from postern.sites.model import LaneKind

_LANE_BUSY = timedelta(seconds=20)
_LOOKS_AGAIN = timedelta(seconds=3)
_PAYS_AT_EXIT = timedelta(seconds=35)
_HELP_COMES = timedelta(minutes=2)
_PUSHED_EVERY = timedelta(minutes=15)
_ATTENDED_EVERY = timedelta(minutes=45)
_LOOKED_BACK = timedelta(hours=6)
_WALKS = timedelta(minutes=4)
_DAWDLES = timedelta(minutes=25)
_PAYS_BY_LINK = 0.8
_PAYS_AFTER_HOURS = (0.5, 20.0)

_WAITS = timedelta(seconds=lane_rule(LaneKind.EXIT).wait_seconds)

_Deed = Callable[[], Awaitable[None]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lanes:
    """The ways in and out."""

    entries: tuple[Approach, ...]
    exits: tuple[Approach, ...]


class GaragePlay:
    """One run. Vehicles come one by one to each lane; nothing here is random but what the script drew."""

    def __init__(
        self, played: Stage, hub: GarageHub, script: GarageScript, lanes: Lanes, say: Callable[[str], None]
    ) -> None:
        self._stage = played
        self._hub = hub
        self._script = script
        self._lanes = lanes
        self._say = say
        self._agenda: list[tuple[datetime, int, _Deed]] = []
        self._planned = 0
        self._free: dict[Approach, datetime] = {}
        self._pushed = script.start
        self._attended = script.start
        self._day = script.start.date()
        self._draw = Random(f"play/{len(script.stays)}")  # noqa: S311 - a simulation, not a secret
        self.fates = [Fate(stay=one) for one in script.stays]
        self.counted: Counter[str] = Counter()

    async def run(self) -> None:
        """Everything until the last vehicle has left."""
        for fate in self.fates:
            self._plan(fate.stay.arrives, lambda fate=fate: self._arrives(fate))  # type: ignore[misc]  # bound now
        while self._agenda:
            at, _, deed = heapq.heappop(self._agenda)
            await self._time_passes(at)
            await deed()
        await self._time_passes(max(self._script.end, self._stage.clock.now()))
        await self._sync()

    def _plan(self, at: datetime, deed: _Deed) -> None:
        self._planned += 1
        heapq.heappush(self._agenda, (at, self._planned, deed))

    async def _time_passes(self, at: datetime) -> None:
        played = self._stage
        for cut in self._script.power_cuts:
            if played.clock.now() < cut.start <= at and played.has_power:
                await played.power_off()
                self.counted["power cuts"] += 1
        played.pass_until(at)
        was_cut, played.line_cut = played.line_cut, _during(self._script.hub_outages, at) is not None
        if not played.has_power and _during(self._script.power_cuts, at) is None:
            await played.power_on()
        if at.date() != self._day:
            self._day = at.date()
            inside = sum(one.entered_at is not None and one.left_at is None for one in self.fates)
            self._say(f"{self._day}: {inside} vehicles inside at midnight")
            await played.new_day()
        if not played.line_cut and (was_cut or at - self._pushed >= _PUSHED_EVERY):
            await self._sync()

    async def _sync(self) -> None:
        if self._stage.has_power:
            await self._stage.push()
        await self._hub.settle()
        self._pushed = self._stage.clock.now()
        if self._pushed - self._attended >= _ATTENDED_EVERY:
            self._attended = self._pushed
            await self._attend()

    async def _attend(self) -> None:
        """Show an attendant the pictures of the last hours."""
        since = self._attended - _LOOKED_BACK
        pictures = [
            Picture(seq=seq, plate=one.stay.plate, entry=one.entry, linked=one.linked)
            for one in self.fates
            for seq, at in ((one.entry, one.entered_at), (one.exit, one.left_at))
            if seq is not None and at is not None and at >= since
        ]
        of_exit = {one.exit: one for one in self.fates if one.exit is not None}
        for sent in await self._hub.attend(pictures):
            if (fate := of_exit.get(sent.seq)) is not None:
                self._is_sent_a_link(fate, sent.link)

    def _is_sent_a_link(self, fate: Fate, link: str) -> None:
        """Most pay some hours later, by themselves; who never pays and who has a permit do not."""
        fate.linked = True
        self.counted["links sent"] += 1
        draw = Random(f"link/{fate.stay.number}")  # noqa: S311 - a simulation, not a secret
        later = timedelta(hours=draw.uniform(*_PAYS_AFTER_HOURS))
        pays = fate.stay.paying is not Paying.NEVER and fate.stay.permit is None
        if pays and draw.random() < _PAYS_BY_LINK:
            self._plan(self._stage.clock.now() + later, lambda: self._pays_by_link(fate, link))

    async def _pays_by_link(self, fate: Fate, link: str) -> None:
        if fate.unheard:
            return  # has paid, and waits for the provider to say so
        told = await self._hub.price_by_link(link, fate.driver)
        if told is None:
            self.counted["links to another's stay"] += 1
        elif told.amount > 0:
            self.counted["paid by link"] += 1
            await self._pays(fate, told)

    def _must_wait(self, lane: Approach) -> datetime | None:
        """Until when nobody can be let through that lane; None when somebody can now."""
        now = self._stage.clock.now()
        cut = _during(self._script.power_cuts, now)
        until = max(self._free.get(lane, now), cut.end if cut is not None else now)
        return until if until > now else None

    async def _arrives(self, fate: Fate) -> None:
        lane = self._lanes.entries[fate.stay.number % len(self._lanes.entries)]
        if (until := self._must_wait(lane)) is not None:
            self._plan(until, lambda: self._arrives(fate))
            return
        now = self._stage.clock.now()
        mishap = fate.stay.mishap
        if mishap is Mishap.SLIPS_IN:
            await self._is_in(fate, now)
            return
        self._free[lane] = now + _LANE_BUSY
        passing = _PASSINGS.get(mishap, Passing.GOES_THROUGH) if mishap in _AT_ENTRY else Passing.GOES_THROUGH
        admitted, fate.read_as = await self._at_barrier(lane, fate.stay.entry, passing)
        if passing is Passing.POWER_FAILS:
            await self._power_fails()
        if not admitted.decision.reason.grants:
            raise AssertionError(f"an entry lane refused a public vehicle: {admitted.decision.reason}")
        if passing is Passing.TURNS_BACK:
            return
        fate.entry = admitted.seq
        await self._is_in(fate, self._stage.clock.now())

    async def _is_in(self, fate: Fate, now: datetime) -> None:
        fate.entered_at = now
        leaves = fate.entered_at + fate.stay.length
        if fate.stay.permit is None and fate.stay.paying in (Paying.BY_PHONE, Paying.DAWDLES):
            ahead = _WALKS if fate.stay.paying is Paying.BY_PHONE else _DAWDLES
            self._plan(max(now + timedelta(minutes=1), leaves - ahead), lambda: self._pays_by_phone(fate))
        elif fate.stay.merchant is not None:
            self._plan(max(now + timedelta(minutes=1), leaves - _WALKS), lambda: self._is_validated(fate))
        self._plan(max(leaves, now + timedelta(minutes=2)), lambda: self._leaves(fate))

    async def _pays_by_phone(self, fate: Fate) -> None:
        """By the plate, before going to the car. Who cannot be found for certain pays at the exit."""
        await self._at_hub(fate)
        await self._is_validated(fate)
        told = await self._hub.price(fate.driver)
        if told is None:
            self.counted["not found by phone"] += 1
            return
        await self._pays(fate, told)

    async def _is_validated(self, fate: Fate) -> None:
        if fate.stay.merchant is not None and fate.validated_at is None:
            await self._at_hub(fate)
            if await self._hub.validate(fate.driver, fate.stay.merchant):
                fate.validated_at = self._stage.clock.now()

    async def _pays(self, fate: Fate, told: Told) -> None:
        """The provider takes the money; its notice may come late, twice, or both."""
        if told.amount <= 0:
            return
        fate.told.append(told)
        reference = f"pi_{fate.stay.number}_{len(fate.told)}"
        outage = _during(self._script.payment_outages, self._stage.clock.now())
        if outage is not None:
            self.counted["late notices"] += 1
            fate.unheard += 1
            await self._hub.cannot_pay()
            self._plan(outage.end, lambda: self._is_heard(fate, told, reference))
        else:
            await self._hub.note(told, reference)
        if self._draw.random() < 0.05:
            self.counted["repeated notices"] += 1
            later = self._stage.clock.now() + timedelta(minutes=self._draw.uniform(1, 600))
            self._plan(later, lambda: self._hub.note(told, reference))

    async def _is_heard(self, fate: Fate, told: Told, reference: str) -> None:
        await self._hub.note(told, reference)
        fate.heard[told.at] = self._stage.clock.now()
        fate.unheard -= 1

    async def _leaves(self, fate: Fate) -> None:
        lane = self._lanes.exits[fate.stay.number % len(self._lanes.exits)]
        if (until := self._must_wait(lane)) is not None:
            self._plan(until, lambda: self._leaves(fate))
            return
        mishap = fate.stay.mishap
        if mishap is Mishap.SLIPS_OUT:
            fate.left_at = self._stage.clock.now()
            return
        await self._at_hub(fate)
        fails = mishap is Mishap.POWER_FAILS_OUT
        admitted, _ = await self._at_barrier(
            lane, fate.stay.exit, Passing.POWER_FAILS if fails else Passing.GOES_THROUGH
        )
        if fails:
            await self._power_fails()
        if not admitted.decision.reason.grants:
            fate.exit = await self._held(fate, lane)
        else:
            fate.exit = admitted.seq
        fate.left_at = self._stage.clock.now()
        self._free[lane] = self._stage.clock.now() + _LANE_BUSY

    async def _held(self, fate: Fate, lane: Approach) -> int | None:
        """The barrier stays shut until it is paid: now, by phone; else an attendant comes and opens.

        While the provider is away, it opens after the lane's wait.
        """
        if fate.stay.paying is not Paying.NEVER:
            self._stage.pass_until(self._stage.clock.now() + _PAYS_AT_EXIT)
            told = await self._hub.price(fate.driver) if not fate.unheard else None
            if told is not None:
                await self._pays(fate, told)
            elif fate.unheard:
                await self._hub.cannot_pay()
            for _ in range(2):
                request = _request(lane, fate.stay.exit.first)
                admitted = await self._stage.admit(request, Passing.GOES_THROUGH, again=True)
                if admitted is None or admitted.decision.reason.grants:
                    break
                self._stage.pass_until(self._stage.clock.now() + _WAITS)
            if admitted is not None and admitted.decision.reason.grants:
                return admitted.seq
        self._stage.pass_until(self._stage.clock.now() + _HELP_COMES)
        fate.helped = True
        self.counted["helped"] += 1
        await self._stage.open_from_afar(lane.door, "the driver could not pay")
        return None

    async def _at_barrier(self, lane: Approach, looks: Looks, passing: Passing) -> tuple[Admitted, Reading]:
        """Read, and read again while it stands, until the barrier opens or the driver has to pay; and the
        reading that counted."""
        counts = looks.first
        admitted = await self._admitted(lane, counts, passing)
        for look in looks.further:
            if admitted.decision.reason is not Reason.AWAITING_ANSWER:
                break
            self._stage.pass_until(self._stage.clock.now() + _LOOKS_AGAIN)
            self.counted["further looks"] += 1
            if look.text:
                counts = look
                admitted = await self._admitted(lane, counts, passing)
        if admitted.decision.reason is Reason.AWAITING_ANSWER:
            self._stage.pass_until(self._stage.clock.now() + _WAITS)
            later = await self._stage.admit(_request(lane, looks.first), passing, again=True)
            admitted = later or admitted
        return admitted, counts

    async def _admitted(self, lane: Approach, reading: Reading, passing: Passing) -> Admitted:
        admitted = await self._stage.admit(_request(lane, reading), passing)
        if admitted is None:
            raise AssertionError("a vehicle that is read anew is always judged")
        return admitted

    async def _at_hub(self, fate: Fate) -> None:
        """What a driver does about a stay, the hub can only answer once it has the entry."""
        if not self._stage.line_cut and fate.entered_at is not None and fate.entered_at >= self._pushed:
            await self._sync()

    async def _power_fails(self) -> None:
        self.counted["power cuts"] += 1
        await self._stage.power_off()
        self._stage.pass_until(self._stage.clock.now() + timedelta(minutes=1))
        await self._stage.power_on()


_AT_ENTRY = (Mishap.TURNS_BACK, Mishap.POWER_FAILS_IN)
_PASSINGS = {Mishap.TURNS_BACK: Passing.TURNS_BACK, Mishap.POWER_FAILS_IN: Passing.POWER_FAILS}


def _request(lane: Approach, reading: Reading) -> Request:
    presented = PlatePresented(text=reading.text, score=reading.score)
    return Request(access_point=lane.point, presented=presented, reader=lane.reader)


def _during(outages: tuple[Outage, ...], at: datetime) -> Outage | None:
    return next((one for one in outages if one.start <= at < one.end), None)
