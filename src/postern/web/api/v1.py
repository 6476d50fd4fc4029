"""The JSON API: /api/v1, with its description at /api/v1/openapi.json."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from postern.web.api import (
    access,
    attendance,
    employments,
    garage,
    happenings,
    hours,
    imports,
    insiders,
    keys,
    muster,
    operators,
    papers,
    people,
    places,
    privacy,
    rights,
    vehicles,
    visits,
)
from postern.web.api.models import PROBLEMS
from postern.web.login import SignedIn

LOCAL_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9](:[0-5][0-9](\.[0-9]{1,6})?)?$"

router = APIRouter(prefix="/api/v1", responses=PROBLEMS)
PARTS = (
    places,
    people,
    employments,
    vehicles,
    imports,
    access,
    happenings,
    insiders,
    privacy,
    rights,
    papers,
    operators,
    keys,
    garage,
    muster,
    attendance,
    hours,
    visits,
)
for part in PARTS:
    router.include_router(part.router)


class LoginState(BaseModel):
    """Who is signed in. Send `form_key` as the header `Postern-Form-Key` with every changing request."""

    operator: str
    role: str
    form_key: str


@router.get("/login", tags=["login"])
async def login(caller: SignedIn) -> LoginState:
    """Whose login the cookie is."""
    return LoginState(operator=caller.actor.name, role=caller.actor.role.value, form_key=caller.form_key)


@router.get("/openapi.json", include_in_schema=False)
async def description(request: Request, caller: SignedIn) -> Response:
    """This API's description by OpenAPI 3.1."""
    del caller
    document = get_openapi(
        title="Postern",
        version="1",
        description="Sign in at /sign-in; the login's cookie and its form key carry every request.",
        routes=request.app.routes,
    )
    _as_local_times(document)
    return JSONResponse(document)


def _as_local_times(document: object) -> None:
    """Times of day are a site's own: by JSON Schema's word a "time" has an offset, and ours have none."""
    if isinstance(document, dict):
        if document.get("format") == "time":
            del document["format"]
            document["pattern"] = LOCAL_TIME
        for part in document.values():
            _as_local_times(part)
    elif isinstance(document, list):
        for part in document:
            _as_local_times(part)
