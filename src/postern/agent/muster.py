"""A muster held by the agent itself, while the hub is away: the roll, marks, and what is kept of both.

Names lie here sealed under the key that only the muster code makes. Where everybody is, the agent knows from
its own doors and from what the hub said last; that is sealed under the site key.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

import structlog

from postern import documents
from postern.access.model import SubjectKind
from postern.access.muster_code import key_of
from postern.access.policy import Policy
from postern.access.presence import Muster, Whereabouts, on_roll
from postern.agent.files import write_private
from postern.agent.hub import Hub
from postern.agent.presence_book import PresenceBook
from postern.agent.spool import Spool
from postern.clock import Clock, utc_day
from postern.errors import BadInput, CannotOpen, CannotVerify, NotFound, Refused
from postern.operations.presence.muster_news import INFO, SIGNED, News, SealedNews, news_aad, open_roll
from postern.records.model import PresenceDeed, PresenceRecord, kind_of
from postern.records.sealed import encode
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.hybrid import open_from
from postern.sealing.signing import verify

log = structlog.get_logger(__name__)

LONGEST_NAME = 60
"""Characters of a warden's name."""


class NamelessWarden(BadInput):
    """Nobody is let in without a name."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kept:
    """The roll as it lies on disk, under the site key once more."""

    digest: str = ""
    salt: bytes | None = None
    roll: bytes | None = None


class MusterDesk:
    """What the agent's muster page asks. One for each agent."""

    def __init__(
        self,
        *,
        book: PresenceBook,
        spool: Spool,
        hub: Hub,
        clock: Clock,
        policy: Callable[[], Policy | None],
        file: Path,
        key: Key,
    ) -> None:
        self._book = book
        self._spool = spool
        self._hub = hub
        self._clock = clock
        self._policy = policy
        self._file = file
        self._key = key
        self._kept = self._load()
        self._hashing = asyncio.Lock()

    @property
    def has_roll(self) -> bool:
        """Whether there are names that a code can open."""
        return self._kept.roll is not None

    @property
    def policy(self) -> Policy | None:
        """The site, with its areas and doors."""
        return self._policy()

    @property
    def muster(self) -> Muster | None:
        """The muster that runs."""
        return self._book.muster

    def inside(self) -> list[Whereabouts]:
        """Everybody inside, as far as the agent knows."""
        return self._book.inside()

    async def fetch(self) -> None:
        """Take what the hub has that is new. A hub of before has nothing; what is not for us is left."""
        try:
            sealed = await self._hub.muster(self._kept.digest or None)
            if sealed is not None:
                await self._take(sealed)
        except (Refused, CannotOpen, CannotVerify, BadInput) as fault:
            log.warning("no news for musters", detail=str(fault))

    async def _take(self, told: SealedNews) -> None:
        identity = self._hub.identity
        aad = news_aad(site=identity.site, agent=identity.agent, digest=told.digest)
        verify(identity.policy_public, aad + told.sealed, told.signature, purpose=SIGNED)
        news = documents.from_bytes(News, open_from(identity.hpke_private, told.sealed, info=INFO, aad=aad))
        await self._spool.beside(lambda database: self._book.merge(database, news.known, news.calls))
        await self._keep(_Kept(digest=told.digest, salt=news.salt, roll=news.roll))

    async def forget(self, subject: UUID) -> None:
        """An erased subject: neither whereabouts nor name are left. The roll is fetched anew."""
        await self._spool.beside(lambda database: self._book.forget(database, subject))
        await self._keep(_Kept())

    def holds(self, subject: UUID) -> bool:
        """Whether whereabouts of that subject are left, in memory or on disk."""
        return self._book.holds(subject)

    async def unlock(self, code: str, by: str) -> Mapping[UUID, str]:
        """The names, for whoever has the code; it is on record before they are shown.

        Raises Refused for another code, or while there is no roll; BadInput for what can be no code.
        """
        by = warden(by)
        kept = self._kept
        if kept.salt is None or kept.roll is None:
            raise Refused("this agent has no roll of names; make a muster code in the console first")
        salt, roll = kept.salt, kept.roll
        async with self._hashing:  # 64 MiB each
            key = await asyncio.to_thread(key_of, code, salt)
        identity = self._hub.identity
        try:
            opened = open_roll(key, roll, identity.tenant, identity.site)
        except CannotOpen:
            await self._record(PresenceDeed.ROLL_REFUSED, by)
            raise Refused("this is not the site's muster code; look at the card again") from None
        await self._record(PresenceDeed.ROLL_OPENED, by)
        return {one.subject: one.name for one in opened.names}

    async def call(self, by: str, *, drill: bool) -> None:
        """Begin a muster, or go on with the one that runs."""
        if self.muster is None:
            await self._record(PresenceDeed.CALLED, by, drill=drill)

    async def end(self, by: str) -> None:
        """End the muster."""
        if self.muster is not None:
            await self._record(PresenceDeed.ENDED, by)

    async def mark(self, subject: UUID, by: str, *, safe: bool, place: int | None = None) -> None:
        """Somebody was seen safe, or not after all. NotFound for whoever is not inside.

        `place`: of those aboard the subject whom nobody named.
        """
        inside = self.inside()
        found = next((one for one in inside if one.subject == subject), None)
        is_vehicle = found is not None and found.kind is SubjectKind.VEHICLE
        if found is None or is_vehicle is not (place is not None) or not on_roll(inside, subject, place):
            raise NotFound("nobody of that number is on the roll; reload it")
        deed = PresenceDeed.SAFE if safe else PresenceDeed.NOT_SAFE
        await self._record(deed, by, subject=subject, subject_kind=found.kind, place=place)

    async def _record(
        self,
        deed: PresenceDeed,
        by: str,
        *,
        drill: bool = False,
        subject: UUID | None = None,
        subject_kind: SubjectKind | None = None,
        place: int | None = None,
    ) -> None:
        told = PresenceRecord(
            at=self._clock.now(),
            deed=deed,
            by=by,
            drill=drill,
            subject=subject,
            subject_kind=subject_kind,
            place=place,
        )
        await self._spool.append(kind=kind_of(told), day=utc_day(told.at), plaintext=encode(told))

    async def _keep(self, kept: _Kept) -> None:
        sealed = seal(self._key, documents.to_bytes(kept), _PLACE)
        await asyncio.to_thread(write_private, self._file, sealed)
        self._kept = kept

    def _load(self) -> _Kept:
        try:
            return documents.from_bytes(_Kept, open_sealed(self._key, self._file.read_bytes(), _PLACE))
        except (FileNotFoundError, CannotOpen, BadInput):
            return _Kept()


_PLACE = Context(tenant=0, table="agent", column="muster", row=b"")


def warden(name: str) -> str:
    """A warden's name as it is recorded. Raises NamelessWarden without one."""
    name = " ".join(name.split())
    if not name or len(name) > LONGEST_NAME or not name.isprintable():
        raise NamelessWarden("write your name, so that it is known who saw whom")
    return name
