"""The stored hashes of the journal's tree: a root or proof takes a few hundred of them at most."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from postern.ids import TenantId
from postern.journal.findings import Finding, JournalTampered, What
from postern.journal.tree import (
    Frontier,
    Node,
    Run,
    Span,
    nodes_of,
    run_hash,
    span_hash,
    stored_run,
)
from postern.postgres.pool import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class TreeState:
    """The tree as it was last signed; `last_leaf` is the hash of its last entry, None while it is empty."""

    frontier: Frontier
    last_leaf: bytes | None = None


async def leaves(tx: Transaction, tenant: TenantId, span: Span) -> list[bytes]:
    """The leaf hashes of these entries. Raises JournalTampered when one is missing."""
    cursor = await tx.execute(
        "SELECT leaf FROM journal_entry WHERE tenant_id = %s AND idx >= %s AND idx < %s ORDER BY idx",
        (tenant, span.begin, span.end),
    )
    found = [bytes(leaf) for (leaf,) in await cursor.fetchall()]
    if len(found) != span.end - span.begin:
        raise _missing(f"Of the journal's entries {span.begin} to {span.end - 1} some are missing.")
    return found


async def put_nodes(tx: Transaction, tenant: TenantId, completed: Mapping[Node, bytes]) -> None:
    """Store what became perfect. A second hub that found the same changes nothing."""
    async with tx.cursor() as cursor:
        await cursor.executemany(
            "INSERT INTO journal_node (tenant_id, level, position, hash) VALUES (%s, %s, %s, %s)"
            " ON CONFLICT DO NOTHING",
            [(tenant, node.level, node.position, hash_) for node, hash_ in completed.items()],
        )


async def span_hashes(tx: Transaction, tenant: TenantId, spans: Sequence[Span]) -> tuple[bytes, ...]:
    """The hash of each span, in order; all must lie within the newest checkpoint.

    Raises JournalTampered when hashes or entries are missing.
    """
    hashes = await _hashes(tx, tenant, [node for span in spans for node in nodes_of(span)])
    return tuple(span_hash(span, hashes) for span in spans)


async def load_state(tx: Transaction, tenant: TenantId, size: int) -> TreeState:
    """The tree of the first `size` entries. Raises JournalTampered when hashes or entries are missing."""
    nodes = nodes_of(Span(0, size))
    hashes = await _hashes(tx, tenant, nodes)
    last = await leaves(tx, tenant, Span(size - 1, size)) if size else [None]
    frontier = Frontier(size=size, hashes=tuple(hashes[node] for node in nodes))
    return TreeState(frontier=frontier, last_leaf=last[0])


async def _hashes(tx: Transaction, tenant: TenantId, nodes: Iterable[Node]) -> dict[Node, bytes]:
    runs = {node: stored_run(node) for node in nodes}
    stored = await _stored(tx, tenant, set(runs.values()))
    return {
        node: run_hash([stored[Node(run.level, run.first + n)] for n in range(run.count)])
        for node, run in runs.items()
    }


async def _stored(tx: Transaction, tenant: TenantId, runs: set[Run]) -> dict[Node, bytes]:
    """The stored hashes in the runs, by level: each a look-up by key, whatever the planner believes."""
    wanted: dict[int, list[int]] = {}
    for run in runs:
        wanted.setdefault(run.level, []).extend(range(run.first, run.first + run.count))
    found: dict[Node, bytes] = {}
    for level, positions in wanted.items():
        cursor = await tx.execute(
            "SELECT idx, leaf FROM journal_entry WHERE tenant_id = %s AND idx = ANY(%s)"
            if level == 0
            else "SELECT position, hash FROM journal_node WHERE tenant_id = %s AND position = ANY(%s)"
            " AND level = %s",
            (tenant, positions) if level == 0 else (tenant, positions, level),
        )
        found |= {Node(level, position): bytes(hash_) for position, hash_ in await cursor.fetchall()}
    if len(found) != sum(run.count for run in runs):
        raise _missing("Entries of the journal, or hashes over them, are missing.")
    return found


def _missing(words: str) -> JournalTampered:
    return JournalTampered(Finding(what=What.DELETED, words=words))
