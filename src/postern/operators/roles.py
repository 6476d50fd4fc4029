"""What each role may do. Whatever is not written here is refused."""

from __future__ import annotations

from enum import StrEnum

from postern.errors import Refused
from postern.operators.model import Actor, Role


class Duty(StrEnum):
    """Something an operation needs its caller to be charged with."""

    SEE_SITES = "see-sites"
    CHANGE_SITES = "change-sites"
    SEE_PEOPLE = "see-people"
    CHANGE_PEOPLE = "change-people"
    ENROL = "enrol"
    CHANGE_VEHICLES = "change-vehicles"
    SEE_VEHICLES = "see-vehicles"
    CHANGE_ACCESS = "change-access"
    WATCH = "watch"
    OPEN_EVIDENCE = "open-evidence"
    SEARCH = "search"
    OPEN_DOOR = "open-door"
    CHANGE_AGENTS = "change-agents"
    CHANGE_OPERATORS = "change-operators"
    READ_JOURNAL = "read-journal"
    TRY_PICTURE = "try-picture"


_D = Duty
DUTIES: dict[Role, frozenset[Duty]] = {
    Role.ADMINISTRATOR: frozenset(Duty),
    Role.SECURITY: frozenset(
        {
            _D.SEE_SITES,
            _D.SEE_PEOPLE,
            _D.CHANGE_PEOPLE,
            _D.ENROL,
            _D.SEE_VEHICLES,
            _D.CHANGE_VEHICLES,
            _D.CHANGE_ACCESS,
            _D.WATCH,
            _D.OPEN_EVIDENCE,
            _D.SEARCH,
            _D.OPEN_DOOR,
            _D.TRY_PICTURE,
        }
    ),
    Role.ATTENDANT: frozenset({_D.SEE_SITES, _D.WATCH, _D.OPEN_EVIDENCE, _D.OPEN_DOOR}),
    Role.HR: frozenset({_D.SEE_SITES, _D.SEE_PEOPLE, _D.CHANGE_PEOPLE, _D.ENROL}),
    Role.GARAGE: frozenset(
        {_D.SEE_SITES, _D.SEE_VEHICLES, _D.CHANGE_VEHICLES, _D.WATCH, _D.OPEN_EVIDENCE, _D.OPEN_DOOR}
    ),
    Role.PRIVACY_OFFICER: frozenset({_D.SEE_SITES, _D.SEE_PEOPLE, _D.READ_JOURNAL}),
    Role.AUDITOR: frozenset({_D.SEE_SITES, _D.READ_JOURNAL}),
    Role.INSTALLER: frozenset({_D.SEE_SITES, _D.CHANGE_SITES, _D.CHANGE_AGENTS, _D.TRY_PICTURE}),
}


def may(actor: Actor, duty: Duty) -> bool:
    """Whether the actor's role is charged with `duty`."""
    return duty in DUTIES.get(actor.role, frozenset())


def require(actor: Actor, duty: Duty) -> None:
    """Raises Refused unless the actor's role is charged with `duty`."""
    if not may(actor, duty):
        raise Refused(
            f"the role {actor.role.value} may not do this ({duty.value}); "
            "ask an administrator for another role"
        )
