"""Where a hub process keeps the presence of sites between two questions."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from uuid import UUID

from postern.access.presence import Presence
from postern.ids import AgentId, SiteId, TenantId, new_id
from postern.records.cursor import Cursor


@dataclass(kw_only=True)
class Shelf:
    """One site's presence as committed: as of `cursors` and of a `version`. None: it must be read again."""

    presence: Presence | None = None
    rows: dict[UUID, UUID] = field(default_factory=dict)
    calls_row: UUID = field(default_factory=new_id)
    cursors: dict[AgentId, Cursor] = field(default_factory=dict)
    version: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(kw_only=True)
class PresenceShelves:
    """Every site's, in one hub process."""

    _shelves: dict[tuple[TenantId, SiteId], Shelf] = field(default_factory=dict)

    def of(self, tenant: TenantId, site: SiteId) -> Shelf:
        """The site's shelf; empty at first."""
        return self._shelves.setdefault((tenant, site), Shelf())
