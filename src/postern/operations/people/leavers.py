"""What is left of everybody's access once their employments end.

It is clipped in the policy itself, so that an agent that cannot reach its hub keeps the minute, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from postern.access.model import Holding
from postern.ids import TenantId
from postern.operations.services import Services
from postern.people.employment import access_spans, has_left, within
from postern.postgres.pool import Transaction
from postern.spans import Span


@dataclass(frozen=True, kw_only=True, slots=True)
class Staying:
    """Until when doors may open to whom; who is not named has no employment, and no end by one."""

    spans: Mapping[UUID, tuple[Span, ...]]
    doubtful: frozenset[UUID] = frozenset()
    """Whose employments somebody else wrote, put back or removed: no door opens to them."""

    def clipped(self, holding: Holding) -> Holding:
        """The holding, its grants no longer than the employments. What is over by then says so at the door:
        a grant that is cut to nothing would be refused as if it had never been given."""
        if holding.subject in self.doubtful:
            return replace(holding, grants=())
        spans = self.spans.get(holding.subject)
        if spans is None:
            return holding
        grants = tuple(
            replace(grant, valid=valid) for grant in holding.grants for valid in within(grant.valid, spans)
        )
        return replace(holding, grants=grants)

    def gone(self, subjects: Iterable[UUID], at: datetime) -> set[UUID]:
        """Who of these has left for good by then: their faces have no business at a site any more."""
        return {one for one in subjects if has_left(self.spans.get(one, ()), at)}


async def staying(services: Services, tx: Transaction, tenant: TenantId) -> Staying:
    """Of people by their own employments, and of vehicles by their keepers'."""
    every = await services.registry.employments.all(tx, tenant)
    spans = {person: access_spans(one.every) for person, one in every.items() if one.every}
    doubtful = await services.registry.employments.doubtful(tx, tenant)
    if not spans and not doubtful:
        return Staying(spans={})
    vehicles = await services.registry.vehicles.all(tx, tenant)
    kept = {
        id: spans[one.details.keeper]
        for id, one in vehicles.items()
        if one.details.keeper is not None and one.details.keeper in spans
    }
    kept_by_doubtful = {id for id, one in vehicles.items() if one.details.keeper in doubtful}
    return Staying(spans=spans | kept, doubtful=doubtful | kept_by_doubtful)
