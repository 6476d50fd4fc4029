"""What kiosk and attendant tell each other till their browsers connect: WebRTC's offer, answer, candidates.

It travels as the database's notices, so that the two may be connected to different hubs. Notices are sealed,
since they name addresses in the site's network, and kept nowhere. Sound goes from browser to browser.
"""

from __future__ import annotations

import base64
import zlib
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import StrEnum

from postern import documents
from postern.errors import BadInput
from postern.ids import KioskId, TenantId
from postern.operations.services import Services
from postern.sealing.envelope import Context, open_sealed, seal

LONGEST = 16_000
"""Characters of one message; an offer for sound has about 3,000."""
_LONGEST_NOTICE = 7_900
"""PostgreSQL carries less than 8,000 bytes in a notice."""


class Side(StrEnum):
    """Who speaks."""

    KIOSK = "kiosk"
    ATTENDANT = "attendant"


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """The line between one kiosk and whoever answers it."""

    tenant: TenantId
    kiosk: KioskId

    @property
    def channel(self) -> str:
        """Where its notices are told."""
        return f"call_{self.kiosk.hex}"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Said:
    side: Side
    text: str


async def say(services: Services, line: Line, side: Side, text: str) -> None:
    """Tell the other side. Raises BadInput for a message that is too long."""
    if len(text) > LONGEST:
        raise BadInput(f"a message of a call has at most {LONGEST} characters")
    key = await services.keyring.purpose_key(line.tenant, "calls")
    packed = zlib.compress(documents.to_bytes(_Said(side=side, text=text)), 9)
    notice = base64.b64encode(seal(key, packed, _context(line))).decode()
    if len(notice) > _LONGEST_NOTICE:
        raise BadInput("this message of a call does not fit into a notice; offer fewer ways to connect")
    async with services.database.transaction(line.tenant) as tx:
        await services.database.notify(tx, line.channel, notice)


async def hear(services: Services, line: Line, side: Side) -> AsyncGenerator[str | None, None]:
    """What the other side says, as it comes; None whenever listening begins (anew)."""
    key = await services.keyring.purpose_key(line.tenant, "calls")
    async for notice in services.database.listen(line.channel):
        if notice is None:
            yield None
            continue
        packed = open_sealed(key, base64.b64decode(notice), _context(line))
        said = documents.from_bytes(_Said, zlib.decompress(packed))
        if said.side is not side:
            yield said.text


def _context(line: Line) -> Context:
    return Context(tenant=line.tenant, table="call", column="notice", row=line.kiosk.bytes)
