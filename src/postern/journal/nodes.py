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
    low = [run for run in runs if run.level == 0]
    high = [run for run in runs if run.level > 0]
    found: dict[Node, bytes] = {}
    cursor = await tx.execute(
        "SELECT 0, entry.idx, entry.leaf FROM unnest(%(first)s::bigint[], %(count)s::bigint[])"
        " AS run (first, count)"
        " JOIN journal_entry entry ON entry.tenant_id = %(tenant)s"
        " AND entry.idx >= run.first AND entry.idx < run.first + run.count",
        {"tenant": tenant, "first": [run.first for run in low], "count": [run.count for run in low]},
    )
    found |= {Node(level, position): bytes(hash_) for level, position, hash_ in await cursor.fetchall()}
    cursor = await tx.execute(
        "SELECT node.level, node.position, node.hash"
        " FROM unnest(%(level)s::smallint[], %(first)s::bigint[], %(count)s::bigint[])"
        " AS run (level, first, count)"
        " JOIN journal_node node ON node.tenant_id = %(tenant)s AND node.level = run.level"
        " AND node.position >= run.first AND node.position < run.first + run.count",
        {
            "tenant": tenant,
            "level": [run.level for run in high],
            "first": [run.first for run in high],
            "count": [run.count for run in high],
        },
    )
    found |= {Node(level, position): bytes(hash_) for level, position, hash_ in await cursor.fetchall()}
    if len(found) != sum(run.count for run in runs):
        raise _missing("Entries of the journal, or hashes over them, are missing.")
    return found


def _missing(words: str) -> JournalTampered:
    return JournalTampered(Finding(what=What.DELETED, words=words))
