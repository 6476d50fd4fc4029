"""Tell what is wrong with entries by themselves: missing, out of place, or not what their leaf hash says."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from postern.ids import TenantId
from postern.journal.findings import Finding, What
from postern.journal.leaves import Row, leaf_of

MOST_NAMED = 200
"""Entries that are told one by one; more are only counted."""


@dataclass(kw_only=True)
class Order:
    """Entries as they come by, compared with what each says of itself."""

    tenant: TenantId
    next: int = 0
    _gaps: list[tuple[int, int]] = field(default_factory=list)
    _late: list[int] = field(default_factory=list)
    _unlike: list[Row] = field(default_factory=list)
    _unlike_count: int = 0
    _proven: int = 0

    @property
    def is_sound(self) -> bool:
        """Whether every entry so far was the next one."""
        return not self._gaps and not self._late

    @property
    def is_explained(self) -> bool:
        """Whether entries are named here that make every root from now on another one."""
        return any(row.index >= self._proven for row in self._unlike)

    def take(self, row: Row) -> bytes:
        """The entry's leaf hash, computed from its content."""
        if row.index < self.next:
            self._late.append(row.index)
        elif row.index > self.next:
            self._gaps.append((self.next, row.index - 1))
        self.next = max(self.next, row.index + 1)
        leaf = leaf_of(self.tenant, row)
        if leaf != row.leaf:
            self._unlike_count += 1
            if len(self._unlike) < MOST_NAMED:
                self._unlike.append(row)
        return leaf

    def proven(self, size: int) -> None:
        """A signed root covers the content of the first `size` entries, whatever is stored beside them."""
        self._proven = size

    def findings(self) -> Iterator[Finding]:
        """What there is to tell, at the end."""
        yield from self._missing()
        if self._were_renumbered():
            first = self._unlike[0].index
            yield Finding(
                what=What.DELETED,
                words=f"Before entry {first} something was removed: from there on every entry bears the "
                "number of an earlier one.",
            )
        else:
            yield from (self._about(row) for row in self._unlike)
        if self._unlike_count > MOST_NAMED:
            words = f"In all, {self._unlike_count} entries are not what their leaf hash says."
            yield Finding(what=What.CHANGED, words=words)

    def _missing(self) -> Iterator[Finding]:
        for first, last in self._gaps:
            late = [index for index in self._late if first <= index <= last]
            count = last - first + 1 - len(late)
            which = f"Entry {first} is" if first == last else f"Entries {first} to {last} are"
            if late and count:
                which = f"Of the entries {first} to {last}, {count} are"
            if count:
                yield Finding(what=What.DELETED, words=f"{which} missing.")
        for index in self._late:
            yield Finding(what=What.REORDERED, words=f"Entry {index} does not stand in its place.")

    def _were_renumbered(self) -> bool:
        """From the first entry that is unlike its hash to the last, all are some other, later entry."""
        if len(self._unlike) < 2 or self._unlike_count != self.next - self._unlike[0].index:
            return False
        return all(self._came_from(row, _later(row)) is not None for row in self._unlike)

    def _about(self, row: Row) -> Finding:
        if row.index < self._proven:
            return Finding(
                what=What.CHANGED,
                words=f"The hash stored beside entry {row.index} was changed; the entry itself was not.",
            )
        origin = self._came_from(row, [other.index for other in self._unlike])
        if origin is not None:
            words = f"What stands as entry {row.index} was written as entry {origin}."
            return Finding(what=What.REORDERED, words=words)
        return Finding(what=What.CHANGED, words=f"Entry {row.index} was changed after it was written.")

    def _came_from(self, row: Row, candidates: list[int]) -> int | None:
        """Under which other number its content has a leaf hash that is stored somewhere here."""
        stored = {other.leaf for other in self._unlike}
        return next((n for n in candidates if leaf_of(self.tenant, replace(row, index=n)) in stored), None)


def _later(row: Row) -> list[int]:
    """Numbers that it may have had when few entries were removed before it."""
    return list(range(row.index + 1, row.index + 20))
