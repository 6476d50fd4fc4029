"""Where keys come from. The one real keyring is `postern.keystore`; nobody else hands out keys."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date
from enum import IntEnum
from typing import Protocol
from uuid import UUID

from postern.ids import SiteId, TenantId
from postern.sealing.envelope import Key


class Purpose(IntEnum):
    """What a subject's key opens. Destroying one purpose's key destroys that and nothing else."""

    IDENTITY = 1
    FACE = 2
    MOVEMENT = 3
    STATUTORY = 4


ALL_PURPOSES = tuple(Purpose)
ERASABLE = (Purpose.IDENTITY, Purpose.FACE, Purpose.MOVEMENT)
"""What an erasure destroys; STATUTORY (hours, receipts: tax and labour law) stays until its legal date."""


class Keyring(Protocol):
    """Hands out keys by what they are for. Ask again for every use: a kept key outlives its destruction."""

    async def subject_key(self, tenant: TenantId, subject: UUID, purpose: Purpose) -> Key:
        """The key of a person, vehicle or visit. KeyDestroyed when none is held (any more)."""

    async def subject_keys(
        self, tenant: TenantId, subjects: Sequence[UUID], purpose: Purpose
    ) -> dict[UUID, Key]:
        """Many at once, in one query; subjects whose key is destroyed are absent."""

    async def new_subject_keys(
        self, tenant: TenantId, subject: UUID, purposes: Sequence[Purpose] = ALL_PURPOSES
    ) -> None:
        """Make the keys that the subject lacks; keys that exist stay as they are."""

    async def new_keys_of_all(
        self, tenant: TenantId, subjects: Sequence[UUID], purposes: Sequence[Purpose] = ALL_PURPOSES
    ) -> None:
        """The same for many subjects: all of their keys are there afterwards, or none was made."""

    async def destroy_subject_keys(
        self, tenant: TenantId, subject: UUID, purposes: Sequence[Purpose]
    ) -> tuple[bytes, ...]:
        """Destroy for good; the destroyed keys' ids, for all who hold copies (agents, witnesses)."""

    async def add_site(self, tenant: TenantId, site: SiteId) -> None:
        """State whose a site is, before its first record; Conflict when it holds another tenant's keys."""

    async def site_day_key(self, site: SiteId, day: date) -> Key:
        """Made on first use. KeyDestroyed after its retention; NotFound before `add_site`."""

    async def site_day_keys(
        self, sites: Sequence[SiteId], *, first: date, last: date
    ) -> dict[tuple[SiteId, date], Key]:
        """All that exist from `first` to `last` inclusive, in one query; none is made."""

    async def destroy_site_day_keys(self, site: SiteId, *, before: date) -> tuple[bytes, ...]:
        """End the retention of every day before `before`; returns the destroyed keys' ids."""

    async def destroyed_keys(self, tenant: TenantId) -> frozenset[bytes]:
        """The ids of all keys of the tenant that were destroyed, as the keystore knows them."""

    async def destroy_again(self, tenant: TenantId, keys: Collection[bytes]) -> tuple[bytes, ...]:
        """Destroy keys by id that an older keystore brought back; the ids of those that were there."""

    async def purpose_key(self, tenant: TenantId, name: str, *, version: int = 1) -> Key:
        """A key derived from the tenant's for one use: "index/person.employee_number", "operators", …"""

    async def signing_key(self, tenant: TenantId, name: str) -> bytes:
        """The Ed25519 private key of that name ("journal", "policy"), made on first use."""

    async def hub_key(self) -> bytes:
        """The X25519 private key to which agents seal what they send."""
