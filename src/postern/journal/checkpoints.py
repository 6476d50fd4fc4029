"""Checkpoints in the database: sign what is new, prove what was signed, keep what witnesses answer."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from postern.errors import BadInput, CannotVerify, NotFound
from postern.ids import TenantId
from postern.journal.checkpoint import Checkpoint, key_of, signed, trusted
from postern.journal.findings import Finding, JournalTampered, What
from postern.journal.nodes import TreeState, leaves, load_state, put_nodes, span_hashes
from postern.journal.notes import Note, NoteKey, Signature
from postern.journal.tree import EMPTY_ROOT, Span, consistency_spans, inclusion_spans
from postern.journal.witness import Offer
from postern.postgres.pool import Transaction
from postern.sealing import signing

MOST_AT_ONCE = 10_000
"""Entries that one checkpoint adds at most, so that catching up holds no transaction open for long."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """The tree as it is signed now, keep it for the next time; `waiting`: entries not covered yet."""

    state: TreeState
    signed: Checkpoint | None
    waiting: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Inclusion:
    """The proof that an entry is in the journal: its leaf hash, the path, and the signed checkpoint."""

    index: int
    leaf: bytes
    path: tuple[bytes, ...]
    checkpoint: str
    size: int


async def length(tx: Transaction, tenant: TenantId) -> int:
    """How many entries the journal has."""
    cursor = await tx.execute(
        "SELECT coalesce(max(idx) + 1, 0) FROM journal_entry WHERE tenant_id = %s", (tenant,)
    )
    found = await cursor.fetchone()
    return int(found[0]) if found is not None else 0


async def newest(tx: Transaction, tenant: TenantId) -> Note | None:
    """The newest checkpoint as signed, with the signatures of its witnesses."""
    cursor = await tx.execute(
        "SELECT size, note FROM journal_checkpoint WHERE tenant_id = %s ORDER BY size DESC LIMIT 1",
        (tenant,),
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    cursor = await tx.execute(
        "SELECT line FROM journal_cosignature WHERE tenant_id = %s AND size = %s ORDER BY witness",
        (tenant, found[0]),
    )
    lines = tuple(Signature.parse(line) for (line,) in await cursor.fetchall())
    note = Note.parse(found[1])
    return Note(text=note.text, signatures=note.signatures + lines)


async def advance(
    tx: Transaction, tenant: TenantId, private: bytes, known: TreeState | None, *, at: datetime
) -> Progress:
    """Sign a checkpoint over what was written since the last one, if anything was.

    `known` is the state that the last call returned, once its transaction was committed; None after a
    start. Raises JournalTampered when the database no longer holds what was signed: nothing is signed then.
    """
    # 1. What was signed last, by our own key.
    key = key_of(signing.public_of(private))
    last = await _last(tx, tenant, key)
    count = await length(tx, tenant)
    covered = last.size if last is not None else 0
    _require_whole(known, covered=covered, count=count)
    # 2. The tree that we remember, or after a start the stored one, leads to that very root.
    state = known or await load_state(tx, tenant, covered)
    state = await _grown(tx, tenant, state, covered)
    if state.frontier.root != (last.root if last is not None else EMPTY_ROOT):
        raise _tampered(
            What.CHANGED, f"The journal's first {covered} entries are not those that were signed."
        )
    if count == covered:
        return Progress(state=state, signed=None, waiting=0)
    # 3. It grows by what is new, and is signed.
    size = min(count, covered + MOST_AT_ONCE)
    state = await _grown(tx, tenant, state, size)
    note = signed(size, state.frontier.root, private)
    await tx.execute(
        "INSERT INTO journal_key (tenant_id, name, public) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
        (tenant, key.name, key.text),
    )
    await tx.execute(
        "INSERT INTO journal_checkpoint (tenant_id, size, at, note) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (tenant, size, at, str(note)),
    )
    return Progress(state=state, signed=Checkpoint.parse(note.text), waiting=count - size)


async def _last(tx: Transaction, tenant: TenantId, key: NoteKey) -> Checkpoint | None:
    note = await newest(tx, tenant)
    try:
        return trusted(str(note), key) if note is not None else None
    except (CannotVerify, BadInput) as fault:
        raise _tampered(What.NOT_SIGNED, "The journal's newest checkpoint is not one we signed.") from fault


def _require_whole(known: TreeState | None, *, covered: int, count: int) -> None:
    if count < covered:
        raise _tampered(
            What.TRUNCATED, f"The journal ends after {count} entries, but {covered} of them were signed."
        )
    if known is not None and covered < known.frontier.size:
        raise _tampered(
            What.ROLLED_BACK,
            f"The journal's newest checkpoint covers {covered} entries, but this hub signed one over "
            f"{known.frontier.size}: an older copy was put back.",
        )


async def _grown(tx: Transaction, tenant: TenantId, state: TreeState, size: int) -> TreeState:
    """The state with the entries up to `size`. Raises JournalTampered when the last known is another now."""
    begin = state.frontier.size
    if begin == size:
        return state
    # The last known entry is read again: whoever cut off the end and wrote another one has changed it.
    read = await leaves(tx, tenant, Span(max(begin - 1, 0), size))
    if begin > 0 and read.pop(0) != state.last_leaf:
        raise _tampered(What.FORKED, f"Entry {begin - 1} of the journal is not the one that was signed.")
    growth = state.frontier.grow(read)
    await put_nodes(tx, tenant, growth.completed)
    return TreeState(frontier=growth.frontier, last_leaf=read[-1])


async def offer(tx: Transaction, tenant: TenantId, seen: int) -> Offer | None:
    """The newest checkpoint, if any, and the proof for a witness that saw one over `seen` entries.

    When the journal has become shorter than that, there is no proof, and the witness will say so.
    """
    note = await newest(tx, tenant)
    if note is None:
        return None
    size = Checkpoint.parse(note.text).size
    spans = consistency_spans(seen, size) if 0 <= seen <= size else []
    return Offer(checkpoint=str(note), proof=await span_hashes(tx, tenant, spans))


async def inclusion(tx: Transaction, tenant: TenantId, index: int) -> Inclusion:
    """The proof of an entry. Raises NotFound when no checkpoint covers it (yet)."""
    note = await newest(tx, tenant)
    size = Checkpoint.parse(note.text).size if note is not None else 0
    if note is None or not 0 <= index < size:
        raise NotFound("no checkpoint covers this entry yet; one is signed every second")
    (leaf,) = await leaves(tx, tenant, Span(index, index + 1))
    path = await span_hashes(tx, tenant, inclusion_spans(index, size))
    return Inclusion(index=index, leaf=leaf, path=path, checkpoint=str(note), size=size)


async def noted(tx: Transaction, tenant: TenantId, size: int) -> Note:
    """The checkpoint over `size` entries. Raises NotFound."""
    cursor = await tx.execute(
        "SELECT note FROM journal_checkpoint WHERE tenant_id = %s AND size = %s", (tenant, size)
    )
    found = await cursor.fetchone()
    if found is None:
        raise NotFound(f"no checkpoint was signed over {size} entries")
    return Note.parse(found[0])


async def add_cosignature(tx: Transaction, tenant: TenantId, size: int, cosignature: Signature) -> None:
    """Keep a witness's signature; verify it first. Its first one of a checkpoint stays."""
    await tx.execute(
        "INSERT INTO journal_cosignature (tenant_id, size, witness, line) VALUES (%s, %s, %s, %s)"
        " ON CONFLICT DO NOTHING",
        (tenant, size, cosignature.name, cosignature.line),
    )


async def tenant_of(tx: Transaction, name: str) -> TenantId:
    """Whose journal bears that name. Raises NotFound."""
    cursor = await tx.execute("SELECT tenant_id FROM journal_key WHERE name = %s", (name,))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no journal of this name here")
    return TenantId(found[0])


async def public_keys(tx: Transaction) -> dict[TenantId, NoteKey]:
    """The public key of every journal that has a checkpoint."""
    cursor = await tx.execute("SELECT tenant_id, public FROM journal_key ORDER BY tenant_id")
    return {TenantId(tenant): NoteKey.parse(public) for tenant, public in await cursor.fetchall()}


def _tampered(what: What, words: str) -> JournalTampered:
    return JournalTampered(Finding(what=what, words=words))
