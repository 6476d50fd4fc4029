"""Payments that drivers were asked for: one row each, kept for the receipt; see migration 0016."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

from postern import documents
from postern.errors import BadInput, Conflict, NotFound
from postern.ids import SiteId, TenantId, new_id
from postern.money import Money
from postern.operations.parking.books import OwedLine
from postern.postgres.pool import Transaction
from postern.sealed_rows import Row, Table, open_document, seal_document
from postern.sealing.envelope import Context, Key, open_sealed, seal
from postern.sealing.keyring import Keyring
from postern.sealing.tags import blind_index

_ATTEMPT = Table(name="payment_attempt", thing="payment", scope="site_id")
_LINK_BYTES = 16
LINK_LASTS = timedelta(days=90)
UNPAID_KEPT = timedelta(days=30)
_COLUMNS = "id, version, state, provider, amount, currency, sealed"


class AttemptState(StrEnum):
    """WRONG: money came, but not what was asked for; an attendant looks at it."""

    ASKED = "asked"
    PAID = "paid"
    EXPIRED = "expired"
    WRONG = "wrong"


@dataclass(frozen=True, kw_only=True, slots=True)
class AttemptDetails:
    """What is sealed. `lines`, `vat` and the times are the quote that was paid: the receipt.

    `left`: the vehicle had left when it was asked for.
    """

    session: UUID
    started: datetime
    good_until: datetime
    entered: datetime
    at: datetime
    lines: tuple[OwedLine, ...]
    total: Money
    vat: Money
    vat_percent: str
    checkout: str | None = None
    url: str | None = None
    payment: str | None = None
    paid_at: datetime | None = None
    refunded: Money | None = None
    left: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Attempt:
    """One payment that was asked for. `reference` is what its provider is told."""

    id: UUID
    tenant: TenantId
    site: SiteId
    state: AttemptState
    provider: str
    amount: Money
    details: AttemptDetails
    version: int = 1

    @property
    def reference(self) -> str:
        return f"{self.site}-{self.id.hex}"

    @property
    def vat_percent(self) -> Decimal:
        return Decimal(self.details.vat_percent)

    def as_(self, state: AttemptState, **details: object) -> Attempt:
        """The next version, in `state` and with some details changed."""
        changed = replace(self.details, **details)  # type: ignore[arg-type]  # the names and types are details'
        return replace(self, state=state, details=changed, version=self.version + 1)


def parse_reference(reference: str) -> tuple[SiteId, UUID]:
    """Site and attempt of a reference. Raises BadInput for what is none of ours."""
    number, dash, rest = reference.partition("-")
    good = dash and number.isascii() and number.isdigit() and len(number) <= 9 and len(rest) == 32
    try:
        if good:
            return SiteId(int(number)), UUID(hex=rest)
    except ValueError:
        pass
    raise BadInput("this is no reference of a payment of ours")


async def add(tx: Transaction, keyring: Keyring, attempt: Attempt) -> None:
    """Keep a new one."""
    await tx.execute(
        "INSERT INTO payment_attempt (site_id, id, version, state, provider, amount, currency, session_tag,"
        " sealed) VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s)",
        (
            attempt.site,
            attempt.id,
            attempt.version,
            attempt.state,
            attempt.provider,
            attempt.amount.amount,
            attempt.amount.currency,
            await _session_tag(keyring, attempt.tenant, attempt.details.session),
            await _sealed(keyring, attempt),
        ),
    )


async def update(tx: Transaction, keyring: Keyring, attempt: Attempt) -> None:
    """Replace the version before. Raises Conflict when somebody else was faster."""
    cursor = await tx.execute(
        "UPDATE payment_attempt SET version = %s, state = %s, sealed = %s"
        " WHERE site_id = %s AND id = %s AND version = %s",
        (
            attempt.version,
            attempt.state,
            await _sealed(keyring, attempt),
            attempt.site,
            attempt.id,
            attempt.version - 1,
        ),
    )
    if cursor.rowcount != 1:
        raise Conflict("this payment was changed meanwhile; look at it again")


async def get(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, id: UUID) -> Attempt:
    """The attempt. Raises NotFound."""
    found = await _select(tx, keyring, tenant, site, "id = %s", id)
    if not found:
        raise NotFound("there is no such payment")
    return found[0]


async def asked(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> list[Attempt]:
    """Those that neither were paid nor expired yet."""
    return await _select(tx, keyring, tenant, site, "state = %s", AttemptState.ASKED)


async def answered(tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId) -> list[Attempt]:
    """Those of which the provider has said what came of them."""
    return await _select(tx, keyring, tenant, site, "state <> %s", AttemptState.ASKED)


async def of_session(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, session: UUID
) -> list[Attempt]:
    """All that were asked for one session."""
    tag = await _session_tag(keyring, tenant, session)
    return await _select(tx, keyring, tenant, site, "session_tag = %s", tag)


async def forget_unpaid(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, at: datetime
) -> int:
    """Delete what was never paid and ended UNPAID_KEPT ago or earlier; how many. Receipts stay."""
    expired = await _select(tx, keyring, tenant, site, "state = %s", AttemptState.EXPIRED)
    old = [one.id for one in expired if one.details.good_until < at - UNPAID_KEPT]
    await tx.execute("DELETE FROM payment_attempt WHERE site_id = %s AND id = ANY(%s)", (site, old))
    return len(old)


async def _select(  # noqa: PLR0917 - the place, then the condition
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, condition: str, value: object
) -> list[Attempt]:
    cursor = await tx.execute(
        f"SELECT {_COLUMNS} FROM payment_attempt WHERE site_id = %s AND {condition} ORDER BY id",  # noqa: S608 - our own words
        (site, value),
    )
    key = await _key(keyring, tenant)
    return [_opened(key, tenant, site, row) for row in await cursor.fetchall()]


def _opened(key: Key, tenant: TenantId, site: SiteId, row: tuple[object, ...]) -> Attempt:
    id, version, state, provider, amount, currency, sealed = row
    stored = Row(scope=site, id=UUID(str(id)), version=int(str(version)), sealed=bytes(sealed))  # type: ignore[call-overload]  # bytea
    return Attempt(
        id=stored.id,
        tenant=tenant,
        site=site,
        state=AttemptState(str(state)),
        provider=str(provider),
        amount=Money(int(str(amount)), str(currency)),
        details=open_document(key, tenant, _ATTEMPT, stored, AttemptDetails),
        version=stored.version,
    )


async def _sealed(keyring: Keyring, attempt: Attempt) -> bytes:
    key = await _key(keyring, attempt.tenant)
    return seal_document(key, attempt.tenant, _ATTEMPT, attempt.id, attempt.details)


async def _key(keyring: Keyring, tenant: TenantId) -> Key:
    return await keyring.purpose_key(tenant, "payments")


async def _session_tag(keyring: Keyring, tenant: TenantId, session: UUID) -> bytes:
    return blind_index(await keyring.purpose_key(tenant, "index/payment_attempt.session"), session.hex)


# Links to pay afterwards.


@dataclass(frozen=True, kw_only=True, slots=True)
class _Linked:
    session: UUID
    made: datetime


async def new_link(
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, *, session: UUID, at: datetime
) -> str:
    """The secret part of a link by which whoever holds it may pay for the session: `site-…`."""
    secret = secrets.token_urlsafe(_LINK_BYTES)
    digest = hashlib.sha256(secret.encode()).digest()
    sealed = seal(
        await _key(keyring, tenant),
        documents.to_bytes(_Linked(session=session, made=at)),
        _link_context(tenant, digest),
    )
    await tx.execute(
        "INSERT INTO payment_link (site_id, digest, sealed) VALUES (%s, %s, %s)", (site, digest, sealed)
    )
    return f"{site}-{secret}"


async def linked(  # noqa: PLR0917 - the place, then the secret
    tx: Transaction, keyring: Keyring, tenant: TenantId, site: SiteId, secret: str, at: datetime
) -> UUID:
    """The session that a link's secret opens. Raises NotFound, also when it is older than LINK_LASTS."""
    digest = hashlib.sha256(secret.encode()).digest()
    cursor = await tx.execute(
        "SELECT sealed FROM payment_link WHERE site_id = %s AND digest = %s", (site, digest)
    )
    row = await cursor.fetchone()
    if row is None:
        raise NotFound("this link is not good (any more)")
    plaintext = open_sealed(await _key(keyring, tenant), bytes(row[0]), _link_context(tenant, digest))
    found = documents.from_bytes(_Linked, plaintext)
    if at > found.made + LINK_LASTS:
        raise NotFound("this link is not good (any more)")
    return found.session


def _link_context(tenant: TenantId, digest: bytes) -> Context:
    return Context(tenant=tenant, table="payment_link", column="sealed", row=digest)


def new_attempt_id() -> UUID:
    """Random: it is in the address to which the driver returns, and opens the receipt."""
    return new_id()
