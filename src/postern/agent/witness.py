"""The agent as a witness of its tenant's journal: it remembers what it saw, and cosigns what continues it.

Its memory is one line in the agent's folder, on disk before the cosignature leaves. What it refuses it keeps
beside it as evidence and alarms about, here and at the hub, until somebody has looked and moved it away.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from postern.agent.files import write_private
from postern.agent.hub import Hub, ShownCheckpoint
from postern.clock import Clock
from postern.errors import PosternError
from postern.journal.checkpoint import trusted, witness_key
from postern.journal.findings import Finding
from postern.journal.notes import Note, NoteKey, cosign
from postern.journal.witness import Seen, judge, line_of, read_offer, read_seen
from postern.operations.archive.wire import JOURNAL_KEY_PURPOSE
from postern.sealing import signing

log = structlog.get_logger(__name__)

EVERY = timedelta(seconds=10)
STALE = timedelta(days=2)
"""A journal grows at least daily, by the policies that are published: one that does not is kept from us."""


@dataclass(frozen=True, kw_only=True, slots=True)
class WitnessFiles:
    """Where it keeps what it saw, and what it refused."""

    folder: Path

    @property
    def seen(self) -> Path:
        """One line, as `postern journal verify --witness` takes it."""
        return self.folder / "journal.witness"

    @property
    def refused(self) -> Path:
        """The checkpoint that was refused first, and why."""
        return self.folder / "journal.witness.refused"


class Witness:
    """One agent's memory of the journal."""

    def __init__(self, files: WitnessFiles, hub: Hub, clock: Clock) -> None:
        self._files = files
        self._hub = hub
        self._clock = clock
        self._seen: Seen | None = None
        self._advanced_at = clock.now()
        self._cosignature: str | None = None
        self._refusal: str | None = None
        self._load()

    @property
    def alarms(self) -> tuple[str, ...]:
        """What an operator must know of the journal, in words."""
        if self._refusal is not None:
            return (f"as a witness, this agent refuses the journal: {self._refusal}",)
        if self._seen is not None and self._clock.now() - self._advanced_at > STALE:
            return ("the hub has shown this agent no new checkpoint of the journal for days",)
        return ()

    async def run(self) -> None:
        """For ever. The hub may be away, and nothing else at the site waits for this."""
        while True:
            try:
                await self.once()
            except PosternError as fault:
                log.info("no checkpoint", detail=str(fault))
            await asyncio.sleep(EVERY.total_seconds())

    async def once(self) -> None:
        """Ask for the newest checkpoint; judge, remember, cosign it. Raises PosternError when that fails."""
        if await self._look():
            await self._look()  # at once, so that the cosignature stands on the newest

    async def _look(self) -> bool:
        """Whether there is a new cosignature to hand over."""
        seen = self._seen.head if self._seen is not None else None
        shown = await self._hub.checkpoint(
            seen=seen.size if seen is not None else 0, cosignature=self._cosignature, refused=self._refusal
        )
        self._cosignature = None
        if shown is None:
            return False
        key = self._key(shown)
        offer = read_offer(shown.offer)
        finding = judge(seen, offer, key)
        if finding is not None:
            await self._refuse(finding, offer.checkpoint)
            return False
        if self._refusal is not None or (
            seen is not None and trusted(offer.checkpoint, key).size == seen.size
        ):
            return False
        await self._accept(Seen(at=self._clock.now(), key=key.text, checkpoint=offer.checkpoint))
        return True

    def _key(self, shown: ShownCheckpoint) -> NoteKey:
        """The key that it saw first. Raises CannotVerify when the policy key does not vouch for that."""
        if self._seen is not None:
            return NoteKey.parse(self._seen.key)
        trusted_key = self._hub.identity.policy_public
        signing.verify(trusted_key, shown.key.encode(), shown.key_signature, purpose=JOURNAL_KEY_PURPOSE)
        return NoteKey.parse(shown.key)

    async def _accept(self, seen: Seen) -> None:
        # On disk first: after a power cut it must not have signed for more than it remembers.
        await asyncio.to_thread(write_private, self._files.seen, line_of(seen))
        self._seen, self._advanced_at = seen, seen.at
        private = self._hub.identity.sign_private
        name = witness_key(signing.public_of(private)).name
        self._cosignature = cosign(Note.parse(seen.checkpoint).text, private, name, seen.at).line

    async def _refuse(self, finding: Finding, checkpoint: str) -> None:
        if self._refusal is not None:
            return
        log.error("journal refused", what=finding.what.value, detail=finding.words)
        self._refusal = finding.words
        evidence = f"{finding.words}\n\n{checkpoint}".encode()
        await asyncio.to_thread(write_private, self._files.refused, evidence)

    def _load(self) -> None:
        try:
            if self._files.seen.exists():
                self._seen = read_seen(self._files.seen.read_bytes())[-1]
                self._advanced_at = self._seen.at
            if self._files.refused.exists():
                self._refusal = self._files.refused.read_text("utf-8").partition("\n")[0]
        except (PosternError, OSError, IndexError):
            # Doors do not wait for this: it goes on without a memory it could trust, and says so.
            self._refusal = f"{self._files.seen} cannot be read; keep it as evidence and move it away"
