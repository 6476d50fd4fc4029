"""What is known of a subject as it lies in the projection: under its own movement key, and around that, with
the tag by which the subject is found, under the site's key of the day.

So erasing the subject, or ending the day's retention, closes copies in backups, too. The outer plaintext is
`tag (16) ‖ inner sealed field`.
"""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from postern import documents
from postern.access.presence import Call, Known
from postern.ids import TenantId
from postern.sealing.envelope import Context, Key, key_id, open_sealed, seal
from postern.sealing.tags import DAY_TAG_BYTES, day_tag


@dataclass(frozen=True, kw_only=True, slots=True)
class HalfOpened:
    """The tag of whose row it is, and what only the subject's key opens."""

    tag: bytes
    inner: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class _Calls:
    calls: tuple[Call, ...] = ()


def seal_known(known: Known, *, tenant: TenantId, row: UUID, site_day: Key, movement: Key) -> bytes:
    """The sealed column."""
    inner = seal(movement, documents.to_bytes(known), inner_context(tenant, row))
    return seal(site_day, day_tag(site_day, known.subject.bytes) + inner, _context(tenant, row, "sealed"))


def open_outer(sealed: bytes, *, tenant: TenantId, row: UUID, site_day: Key) -> HalfOpened:
    """Raises CannotOpen for another key or another row."""
    plaintext = open_sealed(site_day, sealed, _context(tenant, row, "sealed"))
    return HalfOpened(tag=plaintext[:DAY_TAG_BYTES], inner=plaintext[DAY_TAG_BYTES:])


def open_known(half: HalfOpened, *, tenant: TenantId, row: UUID, movement: Key) -> Known | None:
    """What is known; None with a key that is not its subject's."""
    if key_id(half.inner) != movement.id:
        return None
    return documents.from_bytes(Known, open_sealed(movement, half.inner, inner_context(tenant, row)))


def seal_calls(calls: set[Call], *, tenant: TenantId, row: UUID, site_day: Key) -> bytes:
    """The calls to muster at a site, under the key of the latest one's day."""
    document = _Calls(calls=tuple(sorted(calls, key=lambda one: one.order)))
    return seal(site_day, documents.to_bytes(document), _context(tenant, row, "sealed"))


def open_calls(sealed: bytes, *, tenant: TenantId, row: UUID, site_day: Key) -> set[Call]:
    """What `seal_calls` sealed. Raises CannotOpen."""
    plaintext = open_sealed(site_day, sealed, _context(tenant, row, "sealed"))
    return set(documents.from_bytes(_Calls, plaintext).calls)


def inner_context(tenant: TenantId, row: UUID) -> Context:
    """Where the subject's own part belongs."""
    return _context(tenant, row, "who")


def _context(tenant: TenantId, row: UUID, column: str) -> Context:
    return Context(tenant=tenant, table="projection", column=column, row=row.bytes)
