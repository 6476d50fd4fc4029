"""Show the journal's newest checkpoint to those who watch over it: agents as witnesses, and auditors."""

from __future__ import annotations

from dataclasses import dataclass

from postern.clock import utc_day
from postern.errors import NotFound
from postern.journal import checkpoints as store
from postern.journal.checkpoint import Checkpoint, witness_key
from postern.journal.model import Act
from postern.journal.notes import Signature, verify
from postern.journal.witness import written
from postern.operations.archive.wire import JOURNAL_KEY_PURPOSE, POLICY_PURPOSE
from postern.operations.services import Services
from postern.operations.sites.agents import KnownAgent
from postern.operations.trace import trace_as
from postern.postgres.pool import Transaction, confine
from postern.records.alarms import AlarmKind, put_alarm_of_day
from postern.sealing import signing

NAME = "postern-journal/"
_SHORTER = "it has seen {} entries, more than there are: the end was cut off, or an older copy was put back"


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessWord:
    """What an agent says as a witness: how much it has seen, its signature for that, and what it refuses."""

    seen: int
    cosignature: str | None = None
    refused: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Shown:
    """The journal's public key, vouched for by the policy key that agents trust, and the offer as text."""

    key: str
    key_signature: bytes
    offer: str


async def show_to_agent(services: Services, known: KnownAgent, word: WitnessWord) -> Shown | None:
    """The newest checkpoint, with the proof for this agent; None while there is none.

    Keeps its signature, and raises the alarm for what it refuses. Raises CannotVerify when the signature
    is not its own.
    """
    tenant = known.tenant
    async with services.database.transaction(known.tenant) as tx:
        if word.cosignature is not None:
            await _keep(tx, known, word.seen, word.cosignature)
        newest = await store.newest(tx, tenant)
        shorter = newest is None or Checkpoint.parse(newest.text).size < word.seen
        if word.refused is not None or (shorter and word.seen > 0):
            await _alarm(services, tx, known, word.refused or _SHORTER.format(word.seen))
        offer = await store.offer(tx, tenant, word.seen)
        keys = await store.public_keys(tx)
    if offer is None:
        return None
    key = keys[tenant].text
    private = await services.keyring.signing_key(tenant, POLICY_PURPOSE)
    return Shown(
        key=key,
        key_signature=signing.sign(private, key.encode(), purpose=JOURNAL_KEY_PURPOSE),
        offer=written(word.seen, offer),
    )


async def _keep(tx: Transaction, known: KnownAgent, size: int, line: str) -> None:
    try:
        note = await store.noted(tx, known.tenant, size)
    except NotFound:
        return  # the checkpoint is gone: that is told by the agent's refusal of what stands there instead
    cosignature = Signature.parse(line)
    verify(note.text, [cosignature], witness_key(known.agent.sign_public))
    await store.add_cosignature(tx, known.tenant, size, cosignature)


async def _alarm(services: Services, tx: Transaction, known: KnownAgent, words: str) -> None:
    day, kind = utc_day(services.clock.now()), AlarmKind.JOURNAL_TAMPERED
    if await put_alarm_of_day(tx, known.agent.site, kind, day=day, agent=known.agent.id):
        await trace_as(
            services,
            tx,
            known.tenant,
            known.name,
            Act.ALARMED,
            purpose="as a witness, refused the journal's newest checkpoint",
            detail=words,
        )


async def show_to_auditor(services: Services, journal: str, *, seen: int) -> str:
    """The newest checkpoint, and the proof for who has seen `seen` entries, in C2SP tlog-witness text.

    For whoever knows the journal's key: hashes and the count of entries tell nothing else. Raises NotFound.
    """
    async with services.database.transaction() as tx:
        tenant = await store.tenant_of(tx, NAME + journal)
        await confine(tx, tenant)
        offer = await store.offer(tx, tenant, seen)
    if offer is None:
        raise NotFound("this journal has no checkpoint yet")
    return written(seen, offer)
