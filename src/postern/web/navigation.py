"""The console's map: what the menu shows to whom."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from postern.operators.model import Actor
from postern.operators.roles import Duty, may


@dataclass(frozen=True, kw_only=True, slots=True)
class Item:
    """One page of the menu; `count` is shown beside it when something waits there."""

    key: str
    href: str
    icon: str
    duty: Duty
    count: int = 0


@dataclass(frozen=True, kw_only=True, slots=True)
class Part:
    """Items that belong together under a heading."""

    key: str
    items: tuple[Item, ...]

    @property
    def waiting(self) -> int:
        """What waits on its pages together, for where they are folded away."""
        return sum(item.count for item in self.items)


PARTS = (
    Part(
        key="now",
        items=(
            Item(key="wall", href="/wall", icon="wall", duty=Duty.WATCH),
            Item(key="alarms", href="/alarms", icon="bell", duty=Duty.WATCH),
            Item(key="doors", href="/doors", icon="door", duty=Duty.SEE_SITES),
            Item(key="search", href="/search", icon="search", duty=Duty.SEARCH),
            Item(key="occupancy", href="/occupancy", icon="people", duty=Duty.SEE_OCCUPANCY),
            Item(key="muster", href="/muster", icon="check", duty=Duty.MUSTER),
            Item(key="lockdown", href="/lockdown", icon="shield", duty=Duty.LOCK_DOWN),
        ),
    ),
    Part(
        key="garage",
        items=(
            Item(key="garage", href="/garage", icon="garage", duty=Duty.SEE_GARAGE),
            Item(key="cases", href="/garage/cases", icon="cases", duty=Duty.ANSWER_CASES),
            Item(key="tariffs", href="/garage/tariffs", icon="tag", duty=Duty.SEE_GARAGE),
            Item(key="money", href="/garage/money", icon="money", duty=Duty.READ_LEDGER),
            Item(key="desk", href="/garage/desk", icon="money", duty=Duty.TAKE_MONEY),
            Item(key="permits", href="/garage/permits", icon="card", duty=Duty.KEEP_PERMITS),
            Item(key="merchants", href="/garage/merchants", icon="site", duty=Duty.KEEP_PERMITS),
            Item(key="kiosks", href="/garage/kiosks", icon="help", duty=Duty.SEE_GARAGE),
        ),
    ),
    Part(
        key="who",
        items=(
            Item(key="people", href="/people", icon="people", duty=Duty.SEE_PEOPLE),
            Item(key="teams", href="/teams", icon="people", duty=Duty.SEE_EMPLOYMENTS),
            Item(key="visits", href="/visits", icon="card", duty=Duty.SEE_VISITS),
            Item(key="vehicles", href="/vehicles", icon="vehicle", duty=Duty.SEE_VEHICLES),
            Item(key="levels", href="/access-levels", icon="key", duty=Duty.CHANGE_ACCESS),
            Item(key="schedules", href="/schedules", icon="clock", duty=Duty.CHANGE_ACCESS),
        ),
    ),
    Part(
        key="hours",
        items=(
            Item(key="hours", href="/hours", icon="clock", duty=Duty.SEE_HOURS),
            Item(key="hours-contractors", href="/hours/contractors", icon="people", duty=Duty.SEE_ALL_HOURS),
            Item(key="hours-periods", href="/hours/periods", icon="done", duty=Duty.SEE_ALL_HOURS),
            Item(key="hours-setup", href="/hours/setup", icon="gear", duty=Duty.CHANGE_ATTENDANCE),
        ),
    ),
    Part(
        key="where",
        items=(
            Item(key="sites", href="/sites", icon="site", duty=Duty.SEE_SITES),
            Item(key="agents", href="/agents", icon="agent", duty=Duty.CHANGE_AGENTS),
            Item(key="try", href="/try", icon="eye", duty=Duty.TRY_PICTURE),
        ),
    ),
    Part(
        key="trust",
        items=(
            Item(key="journal", href="/journal", icon="journal", duty=Duty.READ_JOURNAL),
            Item(key="approvals", href="/approvals", icon="check", duty=Duty.APPROVE),
            Item(key="privacy", href="/privacy", icon="eye", duty=Duty.READ_JOURNAL),
            Item(key="operators", href="/operators", icon="shield", duty=Duty.CHANGE_OPERATORS),
            Item(key="sign-ins", href="/sign-ins", icon="passkey", duty=Duty.SEE_SIGN_INS),
            Item(key="roles", href="/roles", icon="people", duty=Duty.SEE_SITES),
            Item(key="keys", href="/keys", icon="key", duty=Duty.SEE_KEYS),
            Item(key="settings", href="/settings", icon="gear", duty=Duty.CHANGE_SITES),
        ),
    ),
)
TABS = ("wall", "doors", "people", "vehicles")


NOTHING: Mapping[str, int] = {}


def menu(actor: Actor, counts: Mapping[str, int] = NOTHING) -> tuple[Part, ...]:
    """The parts and items that the actor's role has something to do with, with what waits there."""
    parts = (
        Part(
            key=part.key,
            items=tuple(
                replace(item, count=counts.get(item.key, 0)) for item in part.items if may(actor, item.duty)
            ),
        )
        for part in PARTS
    )
    return tuple(part for part in parts if part.items)


def tabs(actor: Actor) -> tuple[Item, ...]:
    """The few pages at the bottom of a phone."""
    return tuple(item for part in menu(actor) for item in part.items if item.key in TABS)


def first_page(actor: Actor) -> str:
    """Where a login begins."""
    return next((item.href for part in menu(actor) for item in part.items), "/profile")


def section(path: str) -> str:
    """The page of the menu to which an address belongs: the one with the longest beginning in common."""
    above = [item.href for part in PARTS for item in part.items if f"{path}/".startswith(f"{item.href}/")]
    return max(above, key=len, default="/" + path.strip("/").partition("/")[0])
