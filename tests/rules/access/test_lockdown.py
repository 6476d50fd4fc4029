"""Lockdown: entries of what is locked down are refused, and from everywhere everybody gets out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from postern.access.decision import CodePresented, Granted, PlatePresented, Request, decide
from postern.access.lockdown import Lockdown, Lockdowns, distances_out, refuses
from postern.access.model import AccessLevel, Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.ids import AccessLevelId, AccessPointId, AreaId, CredentialId, DoorId
from postern.sites.model import AccessPoint, Area
from tests.rules.access.drawn_policy import SITE, TENANT, named_id, point, policy_of

NOON = datetime(2026, 3, 4, 12, tzinfo=UTC)
CARD = CodePresented(kind=CredentialKind.CARD, value="AAAA")
POLICY = policy_of(
    {
        "site": {"time_zone": "Europe/Berlin"},
        "access levels": {"always": {"doors": ["front"]}},
        "holders": {"Ada": {"card": "AAAA", "levels": ["always"]}},
        "lanes": {"in": {"kind": "entry", "rule": "open-and-settle", "least score": 0.5}},
    }
)
INSIDE = AreaId(named_id("inside"))


def locked(area: AreaId | None = None, *, drill: bool = False) -> Lockdowns:
    one = Lockdown(id=UUID(int=1), since=NOON, by="guard", reason="alarm", area=area, drill=drill)
    return Lockdowns(epoch=1, version=1, every=(one,))


def reason(lockdowns: Lockdowns, name: str = "front") -> Reason:
    policy = replace(POLICY, lockdowns=lockdowns)
    return decide(Request(access_point=point(name), presented=CARD), policy, NOON).reason


def test_without_a_lockdown_nothing_is_refused_for_one() -> None:
    assert reason(Lockdowns()) is Reason.GRANTED


def test_a_locked_site_or_area_refuses_entries_and_says_why() -> None:
    assert reason(locked()) is Reason.LOCKED_DOWN
    assert reason(locked(INSIDE)) is Reason.LOCKED_DOWN
    assert "Ways out stay open" in Reason.LOCKED_DOWN.cure()


def test_another_areas_lockdown_refuses_nothing_here() -> None:
    assert reason(locked(AreaId(named_id("lab")))) is Reason.GRANTED


def test_a_drill_shuts_nothing() -> None:
    assert reason(locked(drill=True)) is Reason.GRANTED


def test_ways_out_stay_open() -> None:
    assert reason(locked(), "front out") is Reason.WAY_OUT


def test_a_garages_entry_is_an_entry() -> None:
    plate = PlatePresented(text="BXY12", score=1.0)
    request = Request(access_point=point("in"), presented=plate)
    assert decide(request, POLICY, NOON).reason is Reason.PARKING_ENTRY
    assert decide(request, replace(POLICY, lockdowns=locked()), NOON).reason is Reason.LOCKED_DOWN


def test_newer_is_what_the_hub_said_later_also_after_it_was_restored() -> None:
    assert Lockdowns(epoch=1, version=3).is_newer_than(Lockdowns(epoch=1, version=2))
    assert not Lockdowns(epoch=1, version=2).is_newer_than(Lockdowns(epoch=1, version=2))
    assert Lockdowns(epoch=2, version=1).is_newer_than(Lockdowns(epoch=1, version=9))


@st.composite
def sites(draw: st.DrawFn) -> Policy:
    """A site of up to six areas with any doors between them, and a holder who may open some of those."""
    areas = [
        Area(id=AreaId(UUID(int=n)), site=SITE, name=str(n), outside=n == 0)
        for n in range(draw(st.integers(2, 6)))
    ]
    pairs = st.tuples(st.sampled_from(areas), st.sampled_from(areas)).filter(lambda pair: pair[0] != pair[1])
    points = [
        AccessPoint(
            id=AccessPointId(UUID(int=1000 + n)),
            site=SITE,
            door=DoorId(UUID(int=2000 + n)),
            name=str(n),
            from_area=one.id,
            to_area=other.id,
            # A door to the outside opens for everybody, unless somebody forgot to say so.
            way_out=other.outside and draw(st.booleans()),
        )
        for n, (one, other) in enumerate(draw(st.lists(pairs, min_size=1, max_size=14)))
    ]
    mine = frozenset(draw(st.sets(st.sampled_from([one.id for one in points]))))
    level = AccessLevel(id=AccessLevelId(UUID(int=7)), tenant=TENANT, name="mine", access_points=mine)
    credential = Credential(id=CredentialId(UUID(int=8)), kind=CredentialKind.CARD, value="AAAA")
    holder = Holding(
        subject=UUID(int=9),
        kind=SubjectKind.PERSON,
        credentials=(credential,),
        grants=(Grant(level=level.id),),
    )
    every = [
        Lockdown(id=UUID(int=50 + n), since=NOON, by="guard", reason="alarm", area=area)
        for n, area in enumerate(
            draw(st.lists(st.sampled_from([None, *(one.id for one in areas)]), max_size=3))
        )
    ]
    return replace(
        POLICY,
        areas=tuple(areas),
        access_points=tuple(points),
        levels=(level,),
        holders=(holder,),
        lockdowns=Lockdowns(epoch=1, version=1, every=tuple(every)),
    )


def gets_out_of(policy: Policy) -> set[AreaId]:
    """The areas from which the holder of the card gets outside, door by door."""
    opens = [
        one
        for one in policy.access_points
        if isinstance(decide(Request(access_point=one.id, presented=CARD), policy, NOON), Granted)
    ]
    found = {one.id for one in policy.areas if one.outside}
    while more := {one.from_area for one in opens if one.to_area in found} - found:
        found |= more
    return found


@given(sites())
def test_nobody_is_held_in_by_any_lockdown_of_any_site(policy: Policy) -> None:
    assert gets_out_of(policy) == gets_out_of(replace(policy, lockdowns=Lockdowns()))


@given(sites())
def test_a_lockdown_opens_nothing_that_was_shut(policy: Policy) -> None:
    for one in policy.access_points:
        request = Request(access_point=one.id, presented=CARD)
        before = decide(request, replace(policy, lockdowns=Lockdowns()), NOON)
        assert isinstance(before, Granted) or not isinstance(decide(request, policy, NOON), Granted)


@given(sites())
def test_from_the_outside_nobody_gets_into_a_locked_area(policy: Policy) -> None:
    outside = {one.id for one in policy.areas if one.outside}
    for one in policy.access_points:
        if one.from_area in outside and one.to_area not in outside and policy.lockdowns.locks(one.to_area):
            answer = decide(Request(access_point=one.id, presented=CARD), policy, NOON)
            assert answer.reason is Reason.LOCKED_DOWN


def test_a_lockdown_that_measures_by_anybodys_doors_would_hold_somebody_in() -> None:
    """The mutant: measured along doors that this holder cannot open, the way out seems to be elsewhere."""
    street, hall, lab, store = (
        Area(id=AreaId(UUID(int=n)), site=SITE, name=str(n), outside=n == 0) for n in range(4)
    )
    ways = [(lab, hall), (hall, store), (store, street), (hall, street)]
    points = [
        AccessPoint(
            id=AccessPointId(UUID(int=1000 + n)),
            site=SITE,
            door=DoorId(UUID(int=2000 + n)),
            name=str(n),
            from_area=one.id,
            to_area=other.id,
        )
        for n, (one, other) in enumerate(ways)
    ]
    own = distances_out([street, hall, lab, store], points[:3])
    anybodys = distances_out([street, hall, lab, store], points)
    assert not refuses(locked(), points[1], own)
    assert refuses(locked(), points[1], anybodys)
