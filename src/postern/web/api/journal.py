"""The journal's newest checkpoint for auditors, who need no login: they know the journal's key."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import PlainTextResponse

from postern.operations.journal import witnessing
from postern.web.login import Hub

router = APIRouter(prefix="/journal/v1", include_in_schema=False)


@router.get("/{journal}")
async def checkpoint(
    hub: Hub, journal: str, old: Annotated[int, Query(ge=0, lt=2**63)] = 0
) -> PlainTextResponse:
    """The checkpoint, with the proof that it continues the one over `old` entries. 404 for any other name."""
    text = await witnessing.show_to_auditor(hub, journal, seen=old)
    return PlainTextResponse(text, headers={"Cache-Control": "no-store"})
