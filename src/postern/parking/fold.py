"""fold: what one happening changes in a garage's books; and what a new day does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from postern.ids import AccessPointId
from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.correcting import corrected
from postern.parking.entering import entered
from postern.parking.garage import Garage, Standing, Step
from postern.parking.happenings import (
    AskedForHelp,
    CameLate,
    Corrected,
    Entered,
    GarageHappening,
    Left,
    LetThrough,
    Paid,
    Refunded,
    Stood,
    TurnedBack,
    Validated,
)
from postern.parking.leaving import left
from postern.parking.paying import paid, refunded, validated
from postern.parking.rules import Rules
from postern.parking.session import Session, SessionState
from postern.parking.waiting import STANDS_AT_MOST, asked_for_help, came_late, stood, turned_back

KEPT_FOR = timedelta(days=1)
"""Sessions and cases that have ended stay at hand for so long."""


def fold(garage: Garage, happening: GarageHappening, rules: Rules) -> Step:
    """What `happening` changes in `garage`, which is left as it is.

    Happenings are folded in their order. `turn` comes before the first one of a new day.
    """
    return _FOLDS[type(happening)](garage, happening, rules)


def _let_through(garage: Garage, happening: LetThrough, rules: Rules) -> Step:
    """Whoever stood at the barrier last has driven through: in or out, as they stood."""
    stood_there = [
        (garage.standing[lane], lane)
        for lane in happening.lanes
        if lane in garage.standing and isinstance(garage.standing[lane].seen, Stood)
    ]
    recent = [one for one in stood_there if happening.at - one[0].seen.at <= STANDS_AT_MOST]
    if not recent:
        return Step()
    before, lane = max(recent, key=lambda one: one[0].seen.order)
    return _drive_on(garage, happening, rules, before, lane)


def _drive_on(
    garage: Garage, happening: LetThrough, rules: Rules, before: Standing, lane: AccessPointId
) -> Step:
    facts = rules.lanes[lane]
    kind = Left if facts.way_out else Entered
    through = kind(
        key=happening.key,
        at=happening.at,
        lane=lane,
        who=before.raw,
        opening=happening.at,
    )
    return fold(garage, through, rules)


def turn(garage: Garage, day: date, rules: Rules) -> Step:
    """A new UTC day begins: what has ended is put away, and who did not leave for too long is looked into."""
    midnight = datetime.combine(day, time(), UTC)
    stale, cases = {}, {}
    for one in garage.sessions.values():
        if one.is_inside and midnight - one.entered_at >= rules.settings.stale_after:
            stale[one.id] = replace(one, state=SessionState.STALE)
            case = _stale_case(one, rules, midnight)
            cases[case.id] = case
    open_about = {one.session for one in garage.cases.values() if one.state is CaseState.OPEN}
    before = midnight - KEPT_FOR
    sessions = [
        one.id for one in garage.sessions.values() if one.id not in open_about and _is_over(one, before)
    ]
    old = [
        one.id for one in garage.cases.values() if one.state is not CaseState.OPEN and _ended(one) < before
    ]
    # Whoever stands at a barrier at this moment is seen anew: so a day can be told from its own beginning.
    nobody: dict[AccessPointId, Standing | None] = dict.fromkeys(garage.standing)
    return Step(sessions=stale, cases=cases, standing=nobody, put_away=(*sessions, *old), turned=day)


def _is_over(session: Session, before: datetime) -> bool:
    return session.left_at is not None and session.left_at < before and not session.owed


def _ended(case: Case) -> datetime:
    return case.gone_at or (case.resolved.at if case.resolved is not None else case.opened_at)


def _stale_case(session: Session, rules: Rules, midnight: datetime) -> Case:
    return Case(
        id=rules.naming.named(f"{CaseKind.MISSING_EXIT.value}|{session.id}"),
        site=session.site,
        kind=CaseKind.MISSING_EXIT,
        opened_at=midnight,
        lane=session.lane,
        who=session.who,
        session=session.id,
        record=session.entry,
    )


_FOLDS: dict[type[GarageHappening], Callable[[Garage, Any, Rules], Step]] = {
    Entered: entered,
    Left: left,
    Stood: stood,
    TurnedBack: turned_back,
    LetThrough: _let_through,
    AskedForHelp: lambda _, happening, rules: asked_for_help(happening, rules),
    CameLate: lambda _, happening, rules: came_late(happening, rules),
    Paid: paid,
    Refunded: refunded,
    Validated: validated,
    Corrected: corrected,
}
