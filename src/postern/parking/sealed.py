"""Sessions and cases as they lie in the projection: a document under the site's key of its day, and inside
it, who it was, under the vehicle's own movement key when it is registered.

So ending a day's retention, or erasing a vehicle, closes copies in backups, too. The plaintext is
`length of the outer document (4) ‖ outer document ‖ tag (16) and inner sealed field, if any`; the tag is the
vehicle's of that site and day, as in the archive.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from typing import TypeVar
from uuid import UUID

from postern import documents
from postern.clock import utc_day
from postern.ids import TenantId
from postern.parking.cases import Case
from postern.parking.session import NOBODY, Session, Who
from postern.sealing.envelope import Context, Key, key_id, open_sealed, seal
from postern.sealing.tags import DAY_TAG_BYTES, day_tag

_LENGTH = 4
Kept = TypeVar("Kept", Session, Case)


def day_of(thing: Session | Case) -> date:
    """The day under whose key it is sealed: the one it began on."""
    return utc_day(thing.entered_at if isinstance(thing, Session) else thing.opened_at)


def seal_kept(thing: Session | Case, *, tenant: TenantId, site_day: Key, movement: Key | None) -> bytes:
    """The sealed column. A registered vehicle whose movement key is gone is left out."""
    inner = b""
    outer = thing
    if thing.who.vehicle is not None:
        outer = replace(thing, who=NOBODY)
        if movement is not None:
            tag = day_tag(site_day, thing.who.vehicle.bytes)
            inner = tag + seal(movement, documents.to_bytes(thing.who), _context(tenant, thing.id, "who"))
    document = documents.to_bytes(outer)
    plaintext = len(document).to_bytes(_LENGTH) + document + inner
    return seal(site_day, plaintext, _context(tenant, thing.id, "sealed"))


@dataclass(frozen=True, kw_only=True, slots=True)
class HalfOpened:
    """The outer part of something kept, and the tag of the vehicle whose key opens the rest."""

    outer: bytes
    inner: bytes

    @property
    def tag(self) -> bytes | None:
        """Whose it is, to whoever knows the vehicles of the site's day."""
        return self.inner[:DAY_TAG_BYTES] if self.inner else None


def open_outer(sealed: bytes, *, tenant: TenantId, id: UUID, site_day: Key) -> HalfOpened:
    """Raises CannotOpen for another key or another row."""
    plaintext = open_sealed(site_day, sealed, _context(tenant, id, "sealed"))
    length = int.from_bytes(plaintext[:_LENGTH])
    return HalfOpened(outer=plaintext[_LENGTH:][:length], inner=plaintext[_LENGTH + length :])


def open_kept(
    half: HalfOpened, kind: type[Kept], *, tenant: TenantId, id: UUID, movement: Key | None
) -> Kept:
    """The session or case; without the movement key, without who it was."""
    thing = documents.from_bytes(kind, half.outer)
    sealed = half.inner[DAY_TAG_BYTES:]
    if not sealed or movement is None or key_id(sealed) != movement.id:
        return thing
    who = documents.from_bytes(Who, open_sealed(movement, sealed, _context(tenant, id, "who")))
    return replace(thing, who=who)


def key_of(sealed: bytes, keys: Mapping[bytes, Key]) -> Key | None:
    """The key that opens it, of those at hand."""
    return keys.get(key_id(sealed))


def _context(tenant: TenantId, id: UUID, column: str) -> Context:
    return Context(tenant=tenant, table="projection", column=column, row=id.bytes)
