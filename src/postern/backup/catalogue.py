"""What can be restored: lives, their bases, and the unbroken log after each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from postern.backup.keys import RestoreKeys
from postern.backup.objects import Opened, open_object
from postern.backup.targets import Target
from postern.errors import CannotOpen, CannotVerify, NotFound

_PIECE = re.compile(r"[0-9A-F]{8}\.(?P<start>[0-9A-F]{16})-(?P<end>[0-9A-F]{16})-[0-9a-f]{8}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Piece:
    """A piece of a log, as its name has it."""

    name: str
    start: int
    end: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Chain:
    """A base and the log's pieces that follow it, in order, none of them verified yet."""

    name: str
    base: Opened
    pieces: tuple[Piece, ...]

    @property
    def begins(self) -> int:
        """From where the log is needed: the beginning of the file in which the base began."""
        return self.base.head.start // self.base.head.segment_bytes * self.base.head.segment_bytes

    @property
    def reaches(self) -> int:
        """How far the pieces follow each other without a gap."""
        position = self.begins
        for piece in self.pieces:
            if piece.start <= position:
                position = max(position, piece.end)
        return position


@dataclass(frozen=True, kw_only=True, slots=True)
class Plan:
    """What a restore takes."""

    life: str
    data: Chain
    keystore: Chain


class Catalogue:
    """The names at a target, once listed."""

    def __init__(self, target: Target, keys: RestoreKeys) -> None:
        self._target = target
        self._keys = keys
        self._names = target.names()
        self.warnings: list[str] = []

    def opened(self, name: str) -> Opened:
        """The object, verified and opened."""
        return open_object(name, self._target.get(name), self._keys)

    def of(self, chain: str, kind: str, *, life: str | None = None) -> list[str]:
        """Names of that kind, in order; of every life unless one is given."""
        wanted = f"/{chain}/{kind}/"
        return [one for one in self._names if wanted in one and life in (None, one.partition("/")[0])]

    def bases(self, chain: str) -> list[str]:
        """The lists of parts, the newest first."""
        return [one for one in self.of(chain, "base") if one.endswith("/list")][::-1]

    def plan(self, *, until: datetime | None = None, base: str | None = None) -> Plan:
        """The newest restorable state, or that of `until`; `base` is the name of the data's list of parts.

        Raises NotFound when there is none, saying what stood in the way.
        """
        wanted = [one for one in self.bases("data") if base in (None, one)]
        for name in wanted:
            life = name.partition("/")[0]
            data = self._base(name, until)
            keystore = self._keystore_base(life, data) if data is not None else None
            if data is not None and keystore is not None:
                chains = self._chain("data", data, life), self._chain("keystore", keystore, life)
                short = [one.name for one in chains if one.reaches < one.base.head.end]
                if not short:
                    return Plan(life=life, data=chains[0], keystore=chains[1])
                self.warnings.append(f"after {name} log of {' and '.join(short)} is missing")
        reasons = "; ".join(self.warnings[:3]) or "none of both databases is whole there"
        raise NotFound(f"no backup can be restored from there: {reasons}")

    def _keystore_base(self, life: str, data: Opened) -> Opened | None:
        """The keystore's base that belongs to the data's, made in the same round or before."""
        for name in self.bases("keystore"):
            found = self._base(name, data.head.at) if name.startswith(f"{life}/") else None
            if found is not None:
                return found
        return None

    def _base(self, name: str, until: datetime | None) -> Opened | None:
        try:
            found = self.opened(name)
        except (CannotVerify, CannotOpen, NotFound) as fault:
            self.warnings.append(str(fault))
            return None
        return found if until is None or found.head.at <= until else None

    def _chain(self, chain: str, base: Opened, life: str) -> Chain:
        pieces = []
        for name in self.of(chain, "wal", life=life):
            found = _PIECE.fullmatch(name.rpartition("/")[2])
            if found is not None:
                pieces.append(Piece(name=name, start=int(found["start"], 16), end=int(found["end"], 16)))
        return Chain(
            name=chain, base=base, pieces=tuple(sorted(pieces, key=lambda one: (one.start, one.end)))
        )
