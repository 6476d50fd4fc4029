"""Browse the journal, and prove of an entry that it is in it. Reading the journal is in it, too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from postern.journal import browse, checkpoints
from postern.journal.browse import Wanted
from postern.journal.checkpoint import SIGNING_KEY, Checkpoint, key_of
from postern.journal.checkpoints import Inclusion
from postern.journal.model import Act, NumberedEntry
from postern.journal.tree import includes
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.sealing import signing

MOST_ROWS = 100


@dataclass(frozen=True, kw_only=True, slots=True)
class Head:
    """The newest checkpoint as signed (None before the first), its size, and the journal's public key."""

    note: str | None
    size: int
    key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Proof:
    """An entry's proof; `holds`: whether its path leads to the checkpoint's root."""

    inclusion: Inclusion
    root: bytes
    holds: bool


async def entries(
    services: Services, actor: Actor, wanted: Wanted, *, before: int | None, limit: int
) -> Sequence[NumberedEntry]:
    """The entries that are like `wanted`, latest first."""
    require(actor, Duty.READ_JOURNAL)
    asked = (
        wanted.actor,
        wanted.act.value if wanted.act else None,
        str(wanted.day) if wanted.day else None,
        wanted.purpose,
    )
    async with services.database.transaction(actor.tenant) as tx:
        found = await browse.find(
            tx, services.keyring, actor.tenant, wanted, before=before, limit=min(limit, MOST_ROWS)
        )
        detail = ", ".join(one for one in asked if one)
        await trace(services, tx, actor, Act.LOOKED, purpose="journal", detail=detail)
    return found


async def head(services: Services, actor: Actor) -> Head:
    """What an auditor compares with what they saw before. It tells nothing of what the journal says."""
    require(actor, Duty.READ_JOURNAL)
    public = signing.public_of(await services.keyring.signing_key(actor.tenant, SIGNING_KEY))
    async with services.database.transaction(actor.tenant) as tx:
        note = await checkpoints.newest(tx, actor.tenant)
    size = Checkpoint.parse(note.text).size if note is not None else 0
    return Head(note=str(note) if note is not None else None, size=size, key=key_of(public).text)


async def proof(services: Services, actor: Actor, index: int) -> Proof:
    """The proof that the newest checkpoint covers entry `index`. Raises NotFound while none does."""
    require(actor, Duty.READ_JOURNAL)
    async with services.database.transaction(actor.tenant) as tx:
        found = await checkpoints.inclusion(tx, actor.tenant, index)
    root = Checkpoint.parse(found.checkpoint).root
    holds = includes(root, found.size, index=found.index, leaf=found.leaf, proof=found.path)
    return Proof(inclusion=found, root=root, holds=holds)
