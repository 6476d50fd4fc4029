"""What a person asks for about themself: to put something right, or to be erased; and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from postern.ids import PersonId, TenantId

LONGEST_TEXT = 2000


class RequestKind(StrEnum):
    """What is asked for."""

    RECTIFY = "rectify"
    ERASE = "erase"


class RequestState(StrEnum):
    """How far it is."""

    WAITING = "waiting"
    DONE = "done"
    DECLINED = "declined"


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnRequest:
    """One request. `answer`: what the person is told; sealed under their own key, it goes with them."""

    id: UUID
    tenant: TenantId
    person: PersonId
    kind: RequestKind
    text: str
    asked_at: datetime
    state: RequestState = RequestState.WAITING
    decided_at: datetime | None = None
    decided_by: str = ""
    answer: str = ""
    version: int = 1
