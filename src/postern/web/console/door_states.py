"""How the doors of a site stand, as far as they last told; pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from postern.operations.look import DoorNews, Row
from postern.records.model import DoorCondition
from postern.sites.model import ControllerKind, Door
from postern.sites.store import SitePlan
from postern.web.i18n import Words

TONES = {
    DoorCondition.CLOSED: "good",
    DoorCondition.ONLINE: "good",
    DoorCondition.FORCED: "bad",
    DoorCondition.HELD_OPEN: "warn",
    DoorCondition.OFFLINE: "bad",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class DoorLine:
    """A door with its state in words."""

    id: UUID
    site_id: int
    name: str
    site: str
    kind: str
    controller: str
    simulated: bool
    tone: str
    state: str


def door_lines(plan: SitePlan, rows: Sequence[Row], t: Words) -> tuple[DoorLine, ...]:
    """The site's doors; a door's state is the last thing it reported among `rows`, newest first."""
    said: dict[str, DoorCondition] = {}
    for row in rows:
        if isinstance(row, DoorNews) and row.condition is not None:
            said.setdefault(row.door, row.condition)
    return tuple(_line(door, plan, said.get(door.name), t) for door in plan.doors)


def _line(door: Door, plan: SitePlan, condition: DoorCondition | None, t: Words) -> DoorLine:
    return DoorLine(
        id=door.id,
        site_id=plan.site.id,
        name=door.name,
        site=plan.site.name,
        kind=door.kind.value,
        controller=door.controller.kind.value,
        simulated=door.controller.kind is ControllerKind.SIMULATED,
        tone=TONES[condition] if condition else "",
        state=t(f"door-state.{condition.value}") if condition else t("door-state.unknown"),
    )
