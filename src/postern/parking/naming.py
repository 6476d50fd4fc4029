"""Ids of what is derived: the same whenever it is made from the same records, random to anyone else."""

from __future__ import annotations

from dataclasses import dataclass, field
from uuid import UUID

from postern.records.model import RecordKey
from postern.sealing.envelope import Key
from postern.sealing.tags import blind_index


@dataclass(frozen=True, kw_only=True, slots=True)
class Naming:
    """Names things by the record they follow from, under a key of the tenant."""

    key: Key = field(repr=False)

    def of(self, record: RecordKey, what: str) -> UUID:
        """The id of the `what` that follows from this record."""
        return self.named(f"{what}|{record.to_bytes().hex()}")

    def named(self, text: str) -> UUID:
        """An id for that text."""
        return UUID(bytes=blind_index(self.key, text)[:16], version=4)
