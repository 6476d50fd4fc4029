"""A visit and terms for the tests of their rules."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from postern.ids import AccessLevelId, CredentialId, SiteId, TenantId, VisitId
from postern.spans import Span
from postern.visitors.model import Terms, Visit, VisitDetails, VisitState

NINE = datetime(2026, 3, 4, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)
LEVEL = AccessLevelId(UUID(int=5))
DETAILS = VisitDetails(
    site=SiteId(1), name="Mei Tanaka", valid=Span(start=NINE, end=NINE + 8 * HOUR), level=LEVEL
)
TERMS = Terms(site=SiteId(1), number=2, since=NINE, by="admin", english="Keep quiet.", chinese="请保持安静。")


def visit(**fields: Any) -> Visit:
    """An invited visitor, from nine to five."""
    plain = Visit(
        id=VisitId(UUID(int=1)),
        tenant=TenantId(1),
        details=DETAILS,
        state=VisitState.EXPECTED,
        code="P1.drawn",
        credential=CredentialId(UUID(int=2)),
        made_at=NINE - 24 * HOUR,
        made_by="admin",
    )
    return replace(plain, **fields)
