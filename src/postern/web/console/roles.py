"""The table of roles as a page: read from the one table that the program enforces."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.operators.model import Role
from postern.operators.roles import TABLE, Duty
from postern.web.login import SignedIn
from postern.web.pages import page

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class DutyLine:
    """A duty, the roles charged with it, and the addresses of the console and the API that need it."""

    duty: str
    roles: tuple[Role, ...]
    endpoints: tuple[str, ...]


def duty_lines() -> tuple[DutyLine, ...]:
    """Every duty, in the table's order."""
    return tuple(
        DutyLine(
            duty=duty.value,
            roles=tuple(role for role in Role if duty in TABLE.duties[role]),
            endpoints=tuple(
                f"{endpoint.method} {endpoint.path}" for endpoint, need in TABLE.needs.items() if need is duty
            ),
        )
        for duty in Duty
    )


@router.get("/roles")
async def table(request: Request, caller: SignedIn) -> Response:
    """Who may do what."""
    return page(request, "trust/roles.html", lines=duty_lines(), roles=tuple(Role), mine=caller.actor.role)
