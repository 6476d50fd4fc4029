"""Standing at a barrier: what a person found out about a vehicle counts when it drives on."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from uuid import UUID

from postern.parking.cases import Case, CaseKind, CaseState
from postern.parking.garage import Garage, Standing, Step
from postern.parking.happenings import AskedForHelp, CameLate, Seen, Stood, TurnedBack
from postern.parking.rules import Rules
from postern.parking.session import NOBODY, Who

STANDS_AT_MOST = timedelta(minutes=15)
"""Whoever stands longer has reversed out, unseen."""


def is_standing(before: Standing | None, at: datetime, who: Who) -> bool:
    """Whether it is the vehicle that stood at the lane: it reads the same, not long afterwards."""
    if before is None or not isinstance(before.seen, Stood):
        return False
    same = who.reads_like(before.raw) or (not who.plate and not before.raw.plate)
    return same and at - before.seen.at <= STANDS_AT_MOST


def stood(garage: Garage, happening: Stood, rules: Rules) -> Step:
    """A vehicle stands at the barrier; where a person has to answer, that is a case."""
    before = garage.standing.get(happening.lane)
    if before is not None and is_standing(before, happening.at, happening.who):
        if before.case is not None or not happening.waiting:
            return Step(standing={happening.lane: replace(before, seen=happening)})
        now = replace(before, seen=happening)
    else:
        now = Standing(seen=happening, raw=happening.who)
    cases = gone(garage, before, happening) if now.case is None and before is not None else {}
    if not happening.waiting:
        return Step(standing={happening.lane: now}, cases=cases)
    case = Case(
        id=rules.naming.of(happening.key, CaseKind.WAITING.value),
        site=rules.settings.site,
        kind=CaseKind.WAITING,
        opened_at=happening.at,
        lane=happening.lane,
        way_out=happening.way_out,
        who=happening.who,
        record=happening.key,
    )
    return Step(standing={happening.lane: replace(now, case=case.id)}, cases={**cases, case.id: case})


def gone(garage: Garage, before: Standing | None, happening: Seen) -> dict[UUID, Case]:
    """The case of whoever stood at the lane before: nobody waits for its answer any more."""
    case = garage.cases.get(before.case) if before is not None and before.case is not None else None
    if case is None or case.gone_at is not None:
        return {}
    state = CaseState.SETTLED if case.state is CaseState.OPEN else case.state
    return {case.id: replace(case, state=state, gone_at=happening.at)}


def turned_back(garage: Garage, happening: TurnedBack, rules: Rules) -> Step:
    """The barrier opened and nobody drove through: no session begins or ends by it."""
    before = garage.standing.get(happening.lane)
    case = Case(
        id=rules.naming.of(happening.key, CaseKind.REVERSED_OUT.value),
        site=rules.settings.site,
        kind=CaseKind.REVERSED_OUT,
        opened_at=happening.at,
        state=CaseState.NOTED,
        lane=happening.lane,
        way_out=happening.way_out,
        who=happening.who,
        record=happening.key,
    )
    cases = gone(garage, before, happening)
    return Step(standing={happening.lane: None}, cases={**cases, case.id: case})


def asked_for_help(happening: AskedForHelp, rules: Rules) -> Step:
    """Somebody pressed the button."""
    lane = rules.lanes.get(happening.lane) if happening.lane is not None else None
    case = Case(
        id=rules.naming.of(happening.key, CaseKind.HELP.value),
        site=rules.settings.site,
        kind=CaseKind.HELP,
        opened_at=happening.at,
        lane=happening.lane,
        way_out=lane.way_out if lane is not None else False,
        session=happening.session,
        who=NOBODY,
    )
    return Step(cases={case.id: case})


def came_late(happening: CameLate, rules: Rules) -> Step:
    """Its day is closed: nothing is charged or ended by it."""
    case = Case(
        id=rules.naming.of(happening.key, CaseKind.TOO_LATE.value),
        site=rules.settings.site,
        kind=CaseKind.TOO_LATE,
        opened_at=happening.at,
        lane=happening.lane,
        way_out=happening.way_out,
        who=happening.who,
        record=happening.key,
    )
    return Step(cases={case.id: case})
