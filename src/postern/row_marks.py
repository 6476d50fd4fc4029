"""Whether a row is as this hub wrote it last: its database cannot be asked, so the keystore remembers.

A seal proves that a row was written here, for this place. It does not prove that the row was not replaced
since by its own older self, and a row in clear proves nothing. So of every row by which somebody may come in,
at a door or at the console, the keystore keeps the digest, its form: whoever writes in the data's database
alone can take a row away, but give nobody a right.

The two databases commit one after the other. A form is noted before its row is committed, and those before it
are forgotten when it has been seen there, so that a crash between the two leaves either row good.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from typing import Protocol
from uuid import UUID

from postern.errors import NotInForce
from postern.ids import TenantId
from postern.sealing.framing import frame
from postern.sealing.keyring import Keyring

DIGEST_BYTES = 32


class RowMarks(Protocol):
    """The forms in force. `kind` names a table, or what of its rows is written on its own."""

    async def note(self, tenant: TenantId, kind: str, forms: Mapping[UUID, bytes]) -> None:
        """These rows are written so: to be called while the transaction that does it holds them."""

    async def forget(self, tenant: TenantId, kind: str, ids: Collection[UUID]) -> None:
        """These rows are removed; whatever stands in their places from now on is not in force."""

    async def standing(self, tenant: TenantId, kind: str, forms: Mapping[UUID, bytes]) -> frozenset[UUID]:
        """Those whose form is the newest that was seen, or newer. Seeing one forgets those before it."""

    async def seen(self, tenant: TenantId, kind: str) -> frozenset[UUID]:
        """Every row that was found in its database and not removed since."""

    async def are_kept(self) -> bool:
        """Whether every row was marked, so that one without a mark is nobody's."""

    async def keep(self) -> None:
        """From now on every row is."""

    async def forget_all(self) -> None:
        """Of no row it is known any more what is in force, until they are marked anew and `keep` says so."""


class MarkingKeyring(Keyring, Protocol):
    """A keyring beside which the forms of rows are kept."""

    @property
    def marks(self) -> RowMarks:
        """Where they are."""


def form(*parts: bytes) -> bytes:
    """The digest of what a row says (SHA-256 of its parts, each by its length)."""
    return hashlib.sha256(frame(*parts)).digest()


async def require(keyring: MarkingKeyring, tenant: TenantId, kind: str, forms: Mapping[UUID, bytes]) -> None:
    """Raises NotInForce unless each of these rows is as it was written last."""
    if set(forms) - await keyring.marks.standing(tenant, kind, forms):
        raise NotInForce(
            f"a row of the database ({kind}) is not as this hub wrote it last: it was put back, or somebody "
            "else wrote it, and nothing is done by it. Restore a backup; if you wrote it yourself, run "
            "`postern keys accept-rows`"
        )
