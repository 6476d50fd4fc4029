"""What an operator, a key or an agent opened in a span, from the whole journal: for the duty to tell.

It names people and vehicles by their random ids: whoever must be told is looked up one by one, as ever.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from uuid import UUID

from postern.clock import aware
from postern.errors import BadInput
from postern.journal import store as journal
from postern.journal.model import Act, NumberedEntry
from postern.operations.privacy.texts import organisation
from postern.operations.reasons import stated
from postern.operations.services import Services
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require

HOURS_TO_TELL = 72
LONGEST_SPAN = timedelta(days=366)
_PAGE = 500
_SLACK = timedelta(days=1)
"""Entries stand in the order in which they were written; clocks of several programs may differ by less."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Whose deeds, as the journal names them (empty: everybody's), from and until which UTC day, and on
    which day of `zone` the breach was noticed."""

    by: str
    since: date
    until: date
    noticed: date
    zone: tzinfo = UTC


@dataclass(frozen=True, kw_only=True, slots=True)
class Concerned:
    """A person or vehicle that was touched: by its random id, how often, by whom, first and last when."""

    subject: UUID
    count: int
    by: tuple[str, ...]
    first: datetime
    last: datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class Breach:
    """What the journal tells, as of `made_at`; `due` is the end of the authority's 72 hours."""

    wanted: Wanted
    organisation: str
    made_at: datetime
    due: datetime
    entries: Sequence[NumberedEntry]
    acts: Sequence[tuple[Act, int]]
    concerned: Sequence[Concerned]

    @property
    def since(self) -> datetime | None:
        """When the first of it was done."""
        return min((one.entry.at for one in self.entries), default=None)

    @property
    def actors(self) -> Sequence[str]:
        """Who did it, by name."""
        return sorted({one.entry.actor for one in self.entries})


async def breach(services: Services, actor: Actor, wanted: Wanted, *, purpose: str) -> Breach:
    """The report. Raises BadInput for a span that cannot be, CannotOpen when the journal has a gap."""
    require(actor, Duty.KEEP_PRIVACY)
    purpose = stated(purpose)
    if wanted.until < wanted.since or wanted.until - wanted.since > LONGEST_SPAN:
        raise BadInput("the last day must not lie before the first, nor more than a year after it")
    entries = await _entries(services, actor, wanted)
    detail = f"{wanted.by or 'everybody'} {wanted.since} {wanted.until}"
    async with services.database.transaction(actor.tenant) as tx:
        await trace(services, tx, actor, Act.LOOKED, purpose=purpose, case="breach", detail=detail)
    return Breach(
        wanted=wanted,
        organisation=await organisation(services, actor.tenant),
        made_at=services.clock.now(),
        due=aware(datetime.combine(wanted.noticed, time.min, wanted.zone)) + timedelta(hours=HOURS_TO_TELL),
        entries=entries,
        acts=Counter(one.entry.act for one in entries).most_common(),
        concerned=_concerned(entries),
    )


async def note_draft(services: Services, actor: Actor, *, kind: str, language: str) -> None:
    """Write down that a draft of a notice was taken out."""
    require(actor, Duty.KEEP_PRIVACY)
    async with services.database.transaction(actor.tenant) as tx:
        await trace(services, tx, actor, Act.EXPORTED, purpose="breach notice", detail=f"{kind} {language}")


async def _entries(services: Services, actor: Actor, wanted: Wanted) -> list[NumberedEntry]:
    """Every entry of the span, oldest first. The journal is read without a gap, so that none is left out."""
    start = datetime.combine(wanted.since, time.min, UTC)
    end = datetime.combine(wanted.until, time.min, UTC) + timedelta(days=1)
    found: list[NumberedEntry] = []
    before: int | None = None
    async with services.database.transaction(actor.tenant) as tx:
        while True:
            page = await journal.read(tx, services.keyring, actor.tenant, before=before, limit=_PAGE)
            found += [
                one for one in page if start <= one.entry.at < end and wanted.by in ("", one.entry.actor)
            ]
            if len(page) < _PAGE or page[-1].entry.at < start - _SLACK:
                return found[::-1]
            before = page[-1].index


def _concerned(entries: Sequence[NumberedEntry]) -> list[Concerned]:
    touched: dict[UUID, list[NumberedEntry]] = {}
    for one in entries:
        for subject in one.entry.subjects:
            touched.setdefault(subject, []).append(one)
    every = [
        Concerned(
            subject=subject,
            count=len(those),
            by=tuple(sorted({one.entry.actor for one in those})),
            first=min(one.entry.at for one in those),
            last=max(one.entry.at for one in those),
        )
        for subject, those in touched.items()
    ]
    return sorted(every, key=lambda one: (-one.count, one.first))
