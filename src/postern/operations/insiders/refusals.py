"""What was refused is in the journal, too: trying doors is how a curious insider begins."""

from __future__ import annotations

from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor


async def refuse(services: Services, actor: Actor, what: str) -> None:
    """Write down that the actor asked for `what`, which names no person, and did not get it."""
    async with services.database.transaction(actor.tenant) as tx:
        await trace(services, tx, actor, Act.REFUSED, purpose=what)
