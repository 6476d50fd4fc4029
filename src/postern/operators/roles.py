"""What each role may do, as roles.yaml has it. Whatever is not written there is refused."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from importlib import resources
from typing import Any

import yaml

from postern.errors import Refused
from postern.operators.model import Actor, Role


class Duty(StrEnum):
    """Something an operation needs its caller to be charged with."""

    SEE_SITES = "see-sites"
    CHANGE_SITES = "change-sites"
    SEE_PEOPLE = "see-people"
    KEEP_PEOPLE = "keep-people"
    CHANGE_PEOPLE = "change-people"
    SEE_EMPLOYMENTS = "see-employments"
    CHANGE_EMPLOYMENTS = "change-employments"
    ENROL = "enrol"
    CHANGE_VEHICLES = "change-vehicles"
    SEE_VEHICLES = "see-vehicles"
    KEEP_VEHICLES = "keep-vehicles"
    CHANGE_ACCESS = "change-access"
    WATCH = "watch"
    OPEN_EVIDENCE = "open-evidence"
    SEARCH = "search"
    OPEN_DOOR = "open-door"
    SEE_OCCUPANCY = "see-occupancy"
    MUSTER = "muster"
    LOCK_DOWN = "lock-down"
    SET_UP_MUSTER = "set-up-muster"
    CHANGE_AGENTS = "change-agents"
    CHANGE_OPERATORS = "change-operators"
    CHANGE_API_KEYS = "change-api-keys"
    SEE_KEYS = "see-keys"
    ROTATE_KEYS = "rotate-keys"
    READ_JOURNAL = "read-journal"
    TRY_PICTURE = "try-picture"
    EXPORT = "export"
    APPROVE = "approve"
    ERASE = "erase"
    SEE_SIGN_INS = "see-sign-ins"
    SEE_INSIDER_ALARMS = "see-insider-alarms"
    PLANT_BAIT = "plant-bait"
    SEE_GARAGE = "see-garage"
    ANSWER_CALLS = "answer-calls"
    ANSWER_CASES = "answer-cases"
    READ_LEDGER = "read-ledger"
    TAKE_MONEY = "take-money"
    CHANGE_KIOSKS = "change-kiosks"
    CHANGE_TARIFFS = "change-tariffs"
    KEEP_PERMITS = "keep-permits"
    GIVE_OWN_PAGE = "give-own-page"
    SEE_HOURS = "see-hours"
    SEE_ALL_HOURS = "see-all-hours"
    KEEP_HOURS = "keep-hours"
    CLOSE_HOURS = "close-hours"
    CHANGE_ATTENDANCE = "change-attendance"
    SEE_VISITS = "see-visits"
    INVITE = "invite"
    CHANGE_VISIT_RULES = "change-visit-rules"
    KEEP_PRIVACY = "keep-privacy"


class Door(StrEnum):
    """What stands before an address that needs no duty."""

    ANYONE = "anyone"
    AGENTS = "agents"
    KIOSKS = "kiosks"
    MEMBERS = "members"
    ANY_LOGIN = "any-login"


Need = Duty | Door


@dataclass(frozen=True, kw_only=True, slots=True)
class Endpoint:
    """An address of the console or the API: its method and its path as the routes spell it."""

    method: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleTable:
    """roles.yaml: the duties of each role, and what each endpoint needs."""

    duties: Mapping[Role, frozenset[Duty]]
    needs: Mapping[Endpoint, Need]


def read_table(text: str) -> RoleTable:
    """The table of that YAML text. Raises ValueError for an unknown word, a duty without a line, and an
    endpoint that stands there twice."""
    document: dict[str, Any] = yaml.safe_load(text)
    duties: dict[str, dict[str, list[str]]] = document["duties"]
    if set(duties) != {duty.value for duty in Duty} or set(document) != {"duties", *Door}:
        raise ValueError("the table has a line for every duty, and for nothing else")
    lines: list[tuple[Need, str]] = [(door, line) for door in Door for line in document[door.value]]
    lines += [(Duty(duty), line) for duty, row in duties.items() for line in row["endpoints"]]
    needs: dict[Endpoint, Need] = {}
    for need, line in lines:
        method, _, path = line.partition(" ")
        endpoint = Endpoint(method=method, path=path)
        if endpoint in needs:
            raise ValueError(f"{line} stands in the table twice")
        needs[endpoint] = need
    roles = {duty: {Role(role) for role in row["roles"]} for duty, row in duties.items()}
    return RoleTable(
        duties={
            role: frozenset(Duty(duty) for duty, charged in roles.items() if role in charged) for role in Role
        },
        needs=needs,
    )


TABLE = read_table((resources.files("postern.operators") / "roles.yaml").read_text("utf-8"))
DUTIES = TABLE.duties


def may(actor: Actor, duty: Duty) -> bool:
    """Whether the actor's role is charged with `duty`, and the key that acts for them covers it."""
    return duty in DUTIES[actor.role] and (actor.scopes is None or duty.value in actor.scopes)


def require(actor: Actor, duty: Duty) -> None:
    """Raises Refused unless the actor may do what `duty` names."""
    if may(actor, duty):
        return
    if duty in DUTIES[actor.role]:
        raise Refused(f"this API key does not cover {duty.value}; make one that does")
    raise Refused(
        f"the role {actor.role.value} may not do this ({duty.value}); ask an administrator for another role"
    )
