"""Import people, vehicles or visits from CSV: each line is judged before any is taken.

Both the judgement and the taking are journalled, with whom of the registry they looked at: a judgement tells
whether a line says what is held. It never tells what is held.
"""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Mapping

from postern.errors import BadInput, Conflict
from postern.journal.model import Act
from postern.operations.insiders.budget import Opening, looking, open_subjects
from postern.operations.people.import_lines import (
    ImportKind,
    ImportReport,
    LineReport,
    Outcome,
    Plan,
    Rows,
    read_rows,
)
from postern.operations.people.import_people import plan_people
from postern.operations.people.import_vehicles import plan_vehicles
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operations.visitors.import_visits import plan_visits
from postern.operators.model import Actor
from postern.postgres.pool import Transaction

__all__ = ["ImportKind", "ImportReport", "LineReport", "Outcome", "apply_import", "check_import"]

_PLANNERS: Mapping[ImportKind, Callable[[Services, Transaction, Actor, Rows], Awaitable[Plan]]] = {
    ImportKind.PEOPLE: plan_people,
    ImportKind.VEHICLES: plan_vehicles,
    ImportKind.VISITS: plan_visits,
}


async def check_import(services: Services, actor: Actor, *, kind: ImportKind, data: bytes) -> ImportReport:
    """A dry run: what would become of each line, and why of those that are refused. Nothing is changed."""
    async with looking(services, actor) as tx:
        plan = await _PLANNERS[kind](services, tx, actor, read_rows(data, kind))
        await open_subjects(services, tx, actor, _opening(kind, plan, "dry run"))
    return ImportReport(lines=plan.lines, mark=_mark(data, plan))


async def apply_import(
    services: Services,
    actor: Actor,
    *,
    kind: ImportKind,
    data: bytes,
    skip_bad: bool = False,
    as_checked: str | None = None,
) -> ImportReport:
    """Take in the file's lines in one transaction. Raises BadInput while a line is bad, unless `skip_bad`.

    `as_checked`: the mark of a dry run, of which exactly what it said is done; Conflict when it would be
    something else by now.
    """
    async with looking(services, actor) as tx:
        plan = await _PLANNERS[kind](services, tx, actor, read_rows(data, kind))
        if as_checked is not None and as_checked != _mark(data, plan):
            raise Conflict("the registry changed since this file was checked; check it again")
        done = ImportReport(lines=plan.lines)
        if done.bad and not skip_bad:
            raise BadInput(
                f"{len(done.bad)} of {len(done.lines)} lines are refused; "
                "correct them, or skip them on purpose"
            )
        taken = await plan.take()
        await mark_stale(services, tx, actor.tenant)
        # Last: everybody else's entries wait from here to the commit.
        await open_subjects(services, tx, actor, _opening(kind, plan, "as it is taken in"))
        for act, subjects in ((Act.ADDED, taken.added), (Act.CHANGED, taken.changed)):
            if subjects:
                await trace(services, tx, actor, act, purpose=_why(kind), subjects=subjects)
    return ImportReport(lines=plan.lines, applied=len(taken.added) + len(taken.changed))


def _opening(kind: ImportKind, plan: Plan, detail: str) -> Opening:
    return Opening(
        act=Act.LOOKED,
        purpose=_why(kind),
        subjects=list(plan.known),
        detail=detail,
        # Nothing that is held leaves, only whether a line differs from it; and a staff list is longer than
        # any budget.
        own_desk=True,
    )


def _why(kind: ImportKind) -> str:
    return f"import of {kind.value}"


def _mark(data: bytes, plan: Plan) -> str:
    """Stands for the file, what becomes of its lines, and the rows that this rests on as they are."""
    known = sorted((one.hex, versions) for one, versions in plan.known.items())
    return hashlib.sha256(hashlib.sha256(data).digest() + repr((plan.lines, known)).encode()).hexdigest()
