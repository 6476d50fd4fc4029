"""Take in what an agent recorded, exactly once, and say so only when it is durable.

Each entry is sealed to the hub and signed by its agent. Here it is opened in memory, sealed again under the
site's key of the day and its subject's movement key, and stored; only after PostgreSQL has committed and the
pictures survive a power cut is it acknowledged.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from postern.clock import utc_day
from postern.errors import BadInput
from postern.ids import SiteId
from postern.operations.agents import KnownAgent
from postern.operations.ports import SealedPicture
from postern.operations.services import Services
from postern.operations.wire import MOST_ENTRIES, SPOOL_INFO, SPOOL_PURPOSE, spool_aad, spool_message
from postern.records import store as records
from postern.records.model import DecisionRecord, Happening, Kind, RecordKey, SealedRecord, kind_of
from postern.records.sealed import anonymous, decode, seal_happening
from postern.sealing.envelope import Key
from postern.sealing.hybrid import open_from
from postern.sealing.keyring import Purpose
from postern.sealing.signing import verify
from postern.vehicles.plates import comparison_form

_PICTURE_NAME = re.compile(r"[0-9a-f]{32}")
LARGEST_PICTURE = 8 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class SpooledEntry:
    """An entry of an agent's spool as sent; `digest` is the SHA-256 of `entry`."""

    seq: int
    day: date
    kind: Kind
    entry: bytes
    digest: bytes
    signature: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class Received:
    """What is durable at the hub now. A quarantined entry contradicts one stored before."""

    acknowledged: tuple[int, ...]
    quarantined: tuple[int, ...]


async def receive(
    services: Services,
    known: KnownAgent,
    entries: Sequence[SpooledEntry],
    pictures: Sequence[SealedPicture] = (),
) -> Received:
    """Store a batch of one agent. Raises CannotVerify, CannotOpen or BadInput; then nothing was stored."""
    if len(entries) > MOST_ENTRIES:
        raise BadInput(f"a batch has at most {MOST_ENTRIES} entries")
    hub_key = await services.keyring.hub_key()
    opened = [(one, _opened(known, one, hub_key)) for one in entries]
    _check_pictures(pictures, [happening for _, happening in opened])
    sealed = await _sealed_again(services, known, opened)
    await asyncio.gather(*(services.pictures.put(one.name, one.sealed) for one in pictures))
    async with services.database.transaction() as tx:
        result = await records.append(tx, known.agent.site, sealed)
        await services.database.notify(tx, wall_channel(known.agent.site), str(known.agent.id))
    return Received(
        acknowledged=tuple(sorted(result.stored | result.already)),
        quarantined=tuple(sorted(result.quarantined)),
    )


def wall_channel(site: SiteId) -> str:
    """The NOTIFY channel on which a site's live wall is told that something is new."""
    return f"postern_wall_{site}"


def _opened(known: KnownAgent, one: SpooledEntry, hub_key: bytes) -> Happening:
    """The happening, if the entry is whole, this agent's, and what it says it is."""
    site, agent = known.agent.site, known.agent.id
    if hashlib.sha256(one.entry).digest() != one.digest:
        raise BadInput(f"entry {one.seq} does not have the digest it states; send it again")
    message = spool_message(site=site, agent=agent, seq=one.seq, digest=one.digest)
    verify(known.agent.sign_public, message, one.signature, purpose=SPOOL_PURPOSE)
    aad = spool_aad(site=site, agent=agent, seq=one.seq, day=one.day, kind=one.kind)
    happening = decode(open_from(hub_key, one.entry, info=SPOOL_INFO, aad=aad))
    if kind_of(happening) is not one.kind or utc_day(happening.at) != one.day:
        raise BadInput(f"entry {one.seq} is of another kind or day than it states; upgrade the agent")
    return happening


def _check_pictures(pictures: Sequence[SealedPicture], happenings: Sequence[Happening]) -> None:
    """Only pictures that an entry of the batch refers to, with names that cannot lead anywhere else."""
    named = {
        one.picture.name for one in happenings if isinstance(one, DecisionRecord) and one.picture is not None
    }
    for picture in pictures:
        if not _PICTURE_NAME.fullmatch(picture.name) or picture.name not in named:
            raise BadInput("a picture in the batch belongs to none of its entries; send them together")
        if len(picture.sealed) > LARGEST_PICTURE:
            raise BadInput("a picture is larger than 8 MiB; make the agent's evidence smaller")


async def _sealed_again(
    services: Services, known: KnownAgent, opened: Sequence[tuple[SpooledEntry, Happening]]
) -> list[SealedRecord]:
    site = known.agent.site
    days = {one.day: await services.keyring.site_day_key(site, one.day) for one, _ in opened}
    subjects = {h.subject for _, h in opened if isinstance(h, DecisionRecord) and h.subject is not None}
    movements = await services.keyring.subject_keys(known.tenant, list(subjects), Purpose.MOVEMENT)
    return [_sealed(known, one, happening, days, movements) for one, happening in opened]


def _sealed(
    known: KnownAgent,
    one: SpooledEntry,
    happening: Happening,
    days: Mapping[date, Key],
    movements: Mapping[UUID, Key],
) -> SealedRecord:
    """The archive's row. Whoever was erased meanwhile is left out: nobody holds the key any more."""
    key = RecordKey(site=known.agent.site, day=one.day, agent=known.agent.id, seq=one.seq)
    subject = happening.subject if isinstance(happening, DecisionRecord) else None
    movement = movements.get(subject) if subject is not None else None
    if subject is not None and movement is None:
        happening = anonymous(happening)
    plate = happening.plate if isinstance(happening, DecisionRecord) else None
    sealed, tag = seal_happening(
        happening,
        tenant=known.tenant,
        key=key,
        site_day=days[one.day],
        movement=movement,
        compared_plate=comparison_form(plate) if plate and movement is None else None,
    )
    return SealedRecord(
        site=key.site,
        day=key.day,
        agent=key.agent,
        seq=key.seq,
        kind=one.kind,
        tag=tag,
        digest=one.digest,
        sealed=sealed,
    )
