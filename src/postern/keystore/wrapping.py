"""Keys wrapped under their tenant's key: sealed fields whose content is another key's id and secret."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import date
from typing import TypeVar
from uuid import UUID

from postern.errors import CannotOpen
from postern.ids import SiteId, TenantId
from postern.keystore.store import WrappedKey
from postern.sealing.envelope import KEY_ID_BYTES, Context, Key, key_id, open_sealed, seal
from postern.sealing.keyring import Purpose

Name = TypeVar("Name")


def of_subject(tenant: TenantId, subject: UUID, purpose: Purpose) -> Context:
    """The place of a subject's key for one purpose."""
    row = subject.bytes + int(purpose).to_bytes(2)
    return Context(tenant=tenant, table="subject_key", column="wrapped", row=row)


def of_site_day(tenant: TenantId, site: SiteId, day: date) -> Context:
    """The place of a site's key for one UTC day."""
    row = site.to_bytes(8) + day.toordinal().to_bytes(4)
    return Context(tenant=tenant, table="site_day_key", column="wrapped", row=row)


def of_signing(tenant: TenantId, name: str) -> Context:
    """The place of a tenant's private signing key."""
    return Context(tenant=tenant, table="signing_key", column="wrapped", row=name.encode())


def of_derivation(tenant: TenantId, version: int) -> Context:
    """The place of what a version of the tenant's purpose keys derives from."""
    return Context(tenant=tenant, table="derivation_key", column="wrapped", row=version.to_bytes(4))


class Unknown(CannotOpen):
    """It names a key that is not held here: a rotation was faster, or the row was changed."""


def wrap(under: Key, key: Key, context: Context) -> WrappedKey:
    """`key` as it is stored. Its id lies inside as well, so that changing the clear one changes nothing."""
    return WrappedKey(id=key.id, wrapped=seal(under, key.id + key.secret, context))


async def wrap_all(under: Key, keys: Mapping[Name, tuple[Context, Key]]) -> dict[Name, WrappedKey]:
    """Many at once, off the event loop so that thousands delay nobody's door."""
    if len(keys) < 100:
        return _wrap_each(under, keys)
    return await asyncio.to_thread(_wrap_each, under, keys)


def _wrap_each(under: Key, keys: Mapping[Name, tuple[Context, Key]]) -> dict[Name, WrappedKey]:
    return {name: wrap(under, key, context) for name, (context, key) in keys.items()}


def opened(under: Mapping[bytes, Key], wrapped: bytes, context: Context) -> bytes:
    """What was sealed under one of the keys `under`, by their id. Unknown for another's, CannotOpen when the
    row was changed or moved."""
    key = under.get(key_id(wrapped))
    if key is None:
        raise Unknown(
            "It is wrapped under a tenant key that is not held; restore the keystore from its backup."
        )
    return open_sealed(key, wrapped, context)


def unwrap(under: Mapping[bytes, Key], stored: WrappedKey, context: Context) -> Key:
    """The key. CannotOpen as for `opened`."""
    return key_of(opened(under, stored.wrapped, context))


async def unwrap_all(
    under: Mapping[bytes, Key], stored: Mapping[Name, tuple[Context, WrappedKey]]
) -> dict[Name, Key]:
    """Many at once, about 8 µs each, off the event loop so that thousands delay nobody's door."""
    if len(stored) < 100:
        return _unwrap_each(under, stored)
    return await asyncio.to_thread(_unwrap_each, under, stored)


def _unwrap_each(
    under: Mapping[bytes, Key], stored: Mapping[Name, tuple[Context, WrappedKey]]
) -> dict[Name, Key]:
    return {name: unwrap(under, key, context) for name, (context, key) in stored.items()}


def key_of(opened: bytes) -> Key:
    """A key from the content of a wrapped one."""
    if len(opened) != KEY_ID_BYTES + 32:
        raise CannotOpen("A wrapped key has a content that is none; restore the keystore from its backup.")
    return Key(id=opened[:KEY_ID_BYTES], secret=opened[KEY_ID_BYTES:])
