"""What holds at every lane, whatever was read and whatever the hub says."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.access.decision import CodePresented, Granted, PlatePresented, Request, decide
from postern.access.lanes import Approach, Clearance, Standing, lane_reason
from postern.access.model import CredentialKind
from postern.access.policy import Policy
from postern.access.reasons import Reason
from postern.errors import BadInput
from postern.ids import AccessPointId, AreaId, DoorId, SiteId
from postern.sites.model import AccessPoint, Lane, LaneKind, LaneRule
from tests.rules.access.drawn_policy import moment, named_id, point, policy_of

lanes = st.builds(
    Lane,
    kind=st.sampled_from(LaneKind),
    rule=st.sampled_from(LaneRule),
    wait_seconds=st.integers(5, 60),
    least_score=st.floats(0, 1, allow_subnormal=False),
)
approaches = st.builds(Approach, score=st.floats(0, 1), barred=st.booleans(), own_right=st.booleans())
standings = st.builds(
    Standing, clearance=st.none() | st.sampled_from(Clearance), waited=st.floats(0, 10_000, allow_nan=False)
)
NOON = moment("2026-03-04 12:00", "UTC")
WORDS = {
    "site": {"time_zone": "UTC"},
    "access levels": {"all": {"doors": ["front"]}},
    "lanes": {
        "in": {"kind": "entry", "rule": "open-and-settle", "least score": 0.6},
        "out": {"kind": "exit", "rule": "open-and-settle", "least score": 0.6},
    },
    "holders": {"Ada": {"card": "AAAA", "levels": ["all"]}},
}
POLICY = policy_of(WORDS)


@given(lanes, approaches, standings)
def test_an_unsure_reading_is_never_charged_and_never_waits_longer_than_the_rule_says(
    lane: Lane, approach: Approach, standing: Standing
) -> None:
    unsure = replace(approach, score=min(approach.score, lane.least_score) * 0.99)
    assert lane_reason(lane, unsure, standing) is not Reason.NOT_PAID
    late = replace(standing, waited=float(lane.wait_seconds))
    assert lane_reason(lane, unsure, late).grants


@given(lanes, approaches, standings)
def test_only_who_owes_is_kept_in_and_only_the_barred_are_kept_out(
    lane: Lane, approach: Approach, standing: Standing
) -> None:
    reason = lane_reason(lane, approach, replace(standing, waited=60.0))
    if not reason.grants:
        assert (reason, standing.clearance) == (Reason.NOT_PAID, Clearance.OWED) or (
            reason is Reason.CREDENTIAL_REVOKED and approach.barred and lane.kind is LaneKind.ENTRY
        )


@given(lanes, approaches, standings)
def test_a_barrier_that_opens_for_what_is_not_clear_makes_a_case(
    lane: Lane, approach: Approach, standing: Standing
) -> None:
    reason = lane_reason(lane, approach, standing)
    clear = approach.own_right or standing.clearance is Clearance.CLEARED
    if lane.kind is LaneKind.EXIT and reason.grants and not clear:
        assert reason.makes_case


@given(st.text(max_size=10), st.floats(0, 1), standings)
def test_a_pedestrian_way_out_opens_whatever_the_hub_says_of_a_plate(
    text: str, score: float, standing: Standing
) -> None:
    request = Request(
        access_point=point("front out"), presented=PlatePresented(text=text, score=score), standing=standing
    )
    assert decide(request, POLICY, NOON).reason is Reason.WAY_OUT


def test_a_card_at_a_lane_is_judged_like_a_card_anywhere() -> None:
    def shown(number: str, policy: Policy) -> Reason:
        card = CodePresented(kind=CredentialKind.CARD, value=number)
        return decide(Request(access_point=point("in"), presented=card), policy, NOON).reason

    assert shown("AAAA", POLICY) is Reason.NO_ACCESS_LEVEL
    assert shown("FFFF", POLICY) is Reason.UNKNOWN_CREDENTIAL


def test_a_door_without_a_lane_lets_no_unknown_plate_in() -> None:
    request = Request(access_point=point("front"), presented=PlatePresented(text="BXY123", score=1.0))
    assert not isinstance(decide(request, POLICY, NOON), Granted)


@pytest.mark.parametrize("seconds", [4, 61])
def test_a_lane_waits_five_to_sixty_seconds(seconds: int) -> None:
    with pytest.raises(BadInput, match="5 to 60 seconds"):
        Lane(kind=LaneKind.EXIT, wait_seconds=seconds)


@pytest.mark.parametrize("score", [-0.1, 1.1, float("nan")])
def test_a_least_score_lies_between_0_and_1(score: float) -> None:
    with pytest.raises(BadInput, match="between 0 and 1"):
        Lane(kind=LaneKind.EXIT, least_score=score)


def test_a_way_out_is_no_lane() -> None:
    with pytest.raises(BadInput, match="a way out opens for everybody"):
        AccessPoint(
            id=AccessPointId(named_id("both")),
            site=SiteId(1),
            door=DoorId(named_id("door")),
            name="both",
            from_area=AreaId(named_id("inside")),
            to_area=AreaId(named_id("outside")),
            way_out=True,
            lane=Lane(kind=LaneKind.EXIT),
        )


def test_a_policy_keeps_its_lanes_and_one_without_reads_as_before() -> None:
    again = Policy.from_bytes(POLICY.to_bytes())
    assert again.access_points == POLICY.access_points
    front = replace(POLICY, access_points=tuple(one for one in POLICY.access_points if one.lane is None))
    assert b"lane" not in front.to_bytes()
