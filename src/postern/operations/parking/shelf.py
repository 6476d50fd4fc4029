"""Where a hub process keeps the books of garages open between two runs."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from postern.ids import AgentId, SiteId, TenantId
from postern.operations.parking.rules import KeptRules
from postern.parking.books import Books
from postern.records.cursor import Cursor

if TYPE_CHECKING:
    from postern.operations.parking.settle_read import Joining


@dataclass(kw_only=True)
class Shelf:
    """One site's books as of `cursors` and of a `version` of the garage. None: they must be read again.

    What is on a shelf is what is committed: it is dropped whenever a transaction fails.
    """

    books: Books | None = None
    joining: Joining | None = None
    cursors: dict[AgentId, Cursor] = field(default_factory=dict)
    version: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    def drop(self) -> None:
        """Nothing on it can be relied on."""
        self.books, self.joining, self.cursors = None, None, {}


@dataclass(kw_only=True)
class Shelves:
    """Every site's, and the rules they go by."""

    rules: KeptRules = field(default_factory=KeptRules)
    _shelves: dict[tuple[TenantId, SiteId], Shelf] = field(default_factory=dict)

    def of(self, tenant: TenantId, site: SiteId) -> Shelf:
        """The site's shelf; empty at first, and for ever for a tenant whose site it is not."""
        return self._shelves.setdefault((tenant, site), Shelf())
