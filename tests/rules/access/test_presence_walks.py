"""People walk and ride at random through random sites, past two agents that lose the hub now and then.

Once everybody has heard everybody, the roll is the truth; and at every moment everybody can get out, whatever
is locked down and whoever has heard of it. Mutants show that the walk finds what would break this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from postern.access import decision as decisions
from postern.access.decision import CodePresented, Granted, Request, decide
from postern.access.lockdown import Lockdown, Lockdowns
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.access.presence import (
    Call,
    Evidence,
    Fact,
    Known,
    Load,
    Mark,
    Order,
    Presence,
    Ride,
    Sighting,
)
from postern.ids import AccessLevelId, AccessPointId, AreaId, CredentialId, DoorId
from postern.sites.model import MOST_ABOARD, AccessPoint, Area
from tests.rules.access.drawn_policy import SITE, TENANT, policy_of

PEOPLE = tuple(UUID(int=n) for n in (1, 2, 3))
CAR = UUID(int=9)
OUTSIDE = AreaId(UUID(int=100))
HUB = 7
START = datetime(2026, 3, 4, 8, tzinfo=UTC)
EMPTY = policy_of({"site": {"time_zone": "Europe/Berlin"}})


def card(who: UUID) -> CodePresented:
    return CodePresented(kind=CredentialKind.CARD, value=str(who))


class Walks(RuleBasedStateMachine):
    """Agents 1 and 2 have some of the doors each; `outbox` is what the hub has not heard of them yet."""

    presence: type[Presence] = Presence

    @initialize(
        inner=st.integers(1, 4),
        doors=st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4), st.integers(1, 2)), max_size=8),
        forbidden=st.sets(st.integers(0, 20), max_size=4),
    )
    def build(self, inner: int, doors: list[tuple[int, int, int]], forbidden: set[int]) -> None:
        areas = [
            Area(id=AreaId(UUID(int=100 + n)), site=SITE, name=str(n), outside=n == 0)
            for n in range(inner + 1)
        ]
        pairs = [(n, n + 1, 1 + n % 2) for n in range(inner)]
        pairs += [(one, other, of) for one, other, of in doors if one != other and max(one, other) <= inner]
        ways = [way for one, other, of in pairs for way in ((one, other, of), (other, one, of))]
        points = [
            AccessPoint(
                id=AccessPointId(UUID(int=1000 + n)),
                site=SITE,
                door=DoorId(UUID(int=2000 + n)),
                name=str(n),
                from_area=areas[one].id,
                to_area=areas[other].id,
                way_out=other == 0,
            )
            for n, (one, other, _) in enumerate(ways)
        ]
        self.agent_of = {point.id: way[2] for point, way in zip(points, ways, strict=True)}
        # The doors in a row are everybody's; of the others, some are nobody's.
        everybodys = {one.id for one in points[: 2 * inner]}
        mine = everybodys | {one.id for n, one in enumerate(points) if n not in forbidden}
        level = AccessLevel(
            id=AccessLevelId(UUID(int=7)), tenant=TENANT, name="mine", access_points=frozenset(mine)
        )
        self.policy = replace(
            EMPTY,
            areas=tuple(areas),
            access_points=tuple(points),
            levels=(level,),
            holders=tuple(self._holder(one, level) for one in (*PEOPLE, CAR)),
        )
        self.at = START
        self.seq = 0
        self.truth: dict[UUID, AreaId] = dict.fromkeys((*PEOPLE, CAR), OUTSIDE)
        self.riding: set[UUID] = set()
        self.unnamed = 0
        self.hub = self.presence()
        self.agents = {1: self.presence(), 2: self.presence()}
        self.outbox: dict[int, list[Fact]] = {1: [], 2: []}
        self.cut: set[int] = set()
        self.lockdowns = {HUB: Lockdowns(), 1: Lockdowns(), 2: Lockdowns()}

    @staticmethod
    def _holder(subject: UUID, level: AccessLevel) -> Holding:
        credential = Credential(id=CredentialId(subject), kind=CredentialKind.CARD, value=str(subject))
        kind = SubjectKind.VEHICLE if subject == CAR else SubjectKind.PERSON
        grants = (Grant(level=level.id),)
        return Holding(subject=subject, kind=kind, credentials=(credential,), grants=grants)

    def _order(self, agent: int) -> Order:
        self.at += timedelta(seconds=7)
        self.seq += 1
        return Order(at=self.at, agent=agent, seq=self.seq)

    def _opens(self, who: UUID, point: AccessPoint) -> bool:
        policy = replace(self.policy, lockdowns=self.lockdowns[self.agent_of[point.id]])
        return isinstance(
            decide(Request(access_point=point.id, presented=card(who)), policy, self.at), Granted
        )

    def _tell(self, agent: int, fact: Fact) -> None:
        if agent == HUB:
            self.hub.take(fact)
        else:
            self.agents[agent].take(fact)
            self.outbox[agent].append(fact)

    def _passes(self, who: UUID, point: AccessPoint) -> None:
        agent = self.agent_of[point.id]
        kind = SubjectKind.VEHICLE if who == CAR else SubjectKind.PERSON
        sighting = Sighting(
            order=self._order(agent),
            subject=who,
            kind=kind,
            area=point.to_area,
            outside=point.to_area == OUTSIDE,
            evidence=Evidence.PASSED,
            via=point.id,
            asks=8 if who == CAR else None,
        )
        self._tell(agent, sighting)

    @rule(who=st.sampled_from(PEOPLE), choice=st.integers(0, 30))
    def walk(self, who: UUID, choice: int) -> None:
        ways = [one for one in self.policy.access_points if one.from_area == self.truth[who]]
        point = ways[choice % len(ways)]
        if self._opens(who, point):
            self.truth[who] = point.to_area
            self.riding.discard(who)
            self._passes(who, point)

    @rule(choice=st.integers(0, 30))
    def drive(self, choice: int) -> None:
        ways = [one for one in self.policy.access_points if one.from_area == self.truth[CAR]]
        point = ways[choice % len(ways)]
        if self._opens(CAR, point):
            for one in (CAR, *self.riding):
                self.truth[one] = point.to_area
            if point.to_area == OUTSIDE:
                self.riding.clear()
                self.unnamed = 0
            self._passes(CAR, point)

    @rule(who=st.sampled_from(PEOPLE), by=st.sampled_from([1, 2, HUB]))
    def board(self, who: UUID, by: int) -> None:
        """Somebody gets in, and it is stated; also before the barrier."""
        if self.truth[who] == self.truth[CAR]:
            self.riding.add(who)
            self._tell(by, Ride(order=self._order(by), subject=who, vehicle=CAR, by="guard"))

    @precondition(lambda self: self.truth[CAR] != OUTSIDE)
    @rule(change=st.integers(-3, 3), by=st.sampled_from([1, 2, HUB]))
    def strangers_get_in_or_out(self, change: int, by: int) -> None:
        """The driver says how many there are, or a guard takes off whoever walked away."""
        self.unnamed = max(0, self.unnamed + change)
        self._tell(by, Load(order=self._order(by), subject=CAR, more=self.unnamed, by="driver"))

    @rule(who=st.sampled_from(PEOPLE), by=st.sampled_from([1, 2, HUB]), over=st.booleans())
    def muster(self, who: UUID, by: int, over: bool) -> None:
        self._tell(by, Call(order=self._order(by), by="warden", over=over))
        self._tell(by, Mark(order=self._order(by), subject=who, by="warden", safe=True))

    @rule(areas=st.sets(st.integers(-1, 4), max_size=3))
    def lock_down(self, areas: set[int]) -> None:
        every = tuple(
            Lockdown(
                id=UUID(int=50 + n),
                since=self.at,
                by="guard",
                reason="alarm",
                area=None if n < 0 else AreaId(UUID(int=100 + n)),
            )
            for n in areas
        )
        before = self.lockdowns[HUB]
        self.lockdowns[HUB] = Lockdowns(epoch=1, version=before.version + 1, every=every)

    @rule(agent=st.sampled_from([1, 2]))
    def lose_the_hub(self, agent: int) -> None:
        self.cut.add(agent)

    @rule(agent=st.sampled_from([1, 2]), late=st.integers(0, 9))
    def hear_each_other(self, agent: int, late: int) -> None:
        """Records up, in batches that may come twice and out of order; news and lockdowns down."""
        if agent in self.cut:
            self.cut.discard(agent)
            return
        sent = self.outbox[agent]
        for fact in [*sent[late:], *sent[:late], *sent[-2:]]:
            self.hub.take(fact)
        self.outbox[agent] = []
        for known in self.hub.known.values():
            self.agents[agent].merge(known)
        for call in self.hub.calls:
            self.agents[agent].take(call)
        self.lockdowns[agent] = self.lockdowns[HUB]

    @rule(first=st.sampled_from([1, 2]), late=st.integers(0, 9))
    def everybody_hears_everybody(self, first: int, late: int) -> None:
        self.cut.clear()
        for agent in (first, 3 - first, first):
            self.hear_each_other(agent, late)
        expected = {one: area for one, area in self.truth.items() if area != OUTSIDE}
        for presence in (self.hub, *self.agents.values()):
            inside = presence.inside()
            assert {one.subject: one.area for one in inside} == expected
            assert sum(one.people for one in inside) == len(expected.keys() - {CAR}) + self.unnamed
            assert presence.muster == self.hub.muster

    @invariant()
    @precondition(lambda self: hasattr(self, "truth"))
    def nobody_is_held_in(self) -> None:
        for who in PEOPLE:
            found = {OUTSIDE}
            opens = [one for one in self.policy.access_points if self._opens(who, one)]
            while more := {one.from_area for one in opens if one.to_area in found} - found:
                found |= more
            assert self.truth[who] in found, "somebody cannot get out"


Walks.TestCase.settings = settings(max_examples=30, stateful_step_count=30, deadline=None)
TestWalks = Walks.TestCase


class LastHeard(Presence):
    """The mutant that believes what it heard last, not what happened last."""

    def take(self, fact: Fact) -> bool:
        if isinstance(fact, Sighting) and fact.subject in self.known:
            before = self.known[fact.subject]
            self.known[fact.subject] = replace(before, seen=fact)
            return True
        return super().take(fact)


class Adding(Presence):
    """The mutant that counts those aboard anew whenever it hears of them."""

    def take(self, fact: Fact) -> bool:
        before = self.known.get(fact.subject) if isinstance(fact, Load) else None
        if isinstance(fact, Load) and before is not None and before.load is not None:
            fact = replace(fact, more=min(MOST_ABOARD, before.load.more + fact.more))
        return super().take(fact)


class Forgetful(Presence):
    """The mutant that keeps nothing of what the others saw."""

    def merge(self, other: Known) -> bool:
        return False


@pytest.mark.parametrize("mutant", [LastHeard, Adding, Forgetful])
def test_a_presence_that_is_folded_wrongly_is_found_out(mutant: type[Presence]) -> None:
    class Wrong(Walks):
        presence = mutant

    with pytest.raises(AssertionError):
        run_state_machine_as_test(Wrong, settings=_searching())


def test_a_lockdown_that_goes_by_the_area_alone_is_found_to_hold_people_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuses(lockdowns: Lockdowns, point: AccessPoint, distances: Mapping[AreaId, int]) -> bool:
        return lockdowns.locks(point.to_area) and not point.leads_out

    monkeypatch.setattr(decisions, "refuses", refuses)
    with pytest.raises(AssertionError):
        run_state_machine_as_test(Walks, settings=_searching())


def _searching() -> settings:
    """Enough to find a mutant, and no time spent on telling how small the failure can be made."""
    return settings(
        max_examples=600,
        stateful_step_count=30,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        report_multiple_bugs=False,
    )
