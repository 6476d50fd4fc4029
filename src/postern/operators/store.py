"""Operators, their one-time links, logins, failed sign-ins and passkey challenges in the database."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from psycopg.errors import UniqueViolation

from postern import documents
from postern.errors import Conflict, NotFound
from postern.ids import LoginId, OperatorId, TenantId
from postern.operators.model import Login, Operator, Role, SignInSecrets
from postern.postgres.pool import Transaction
from postern.row_marks import MarkingKeyring, form, require
from postern.sealing.envelope import Context, open_sealed, seal

OPERATOR, SECRETS, LINK, LOGIN = "operator", "operator.secrets", "operator_link", "login"
"""What is marked of operators (`row_marks.py`)."""
_SELECT = "SELECT tenant_id, id, login_name, role, language, disabled, version FROM operator"


async def add(tx: Transaction, keyring: MarkingKeyring, operator: Operator) -> None:
    """Store a new operator who cannot sign in yet. Conflict when the login name is taken."""
    sealed = await _sealed(keyring, operator.tenant, operator.id, SignInSecrets())
    try:
        async with tx.transaction():
            await tx.execute(
                "INSERT INTO operator (tenant_id, id, login_name, role, language, disabled, version, secrets)"
                " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    operator.tenant,
                    operator.id,
                    operator.login_name,
                    operator.role.value,
                    operator.language,
                    operator.disabled,
                    operator.version,
                    sealed,
                ),
            )
    except UniqueViolation as fault:
        raise Conflict("this login name is taken; choose another") from fault
    await keyring.marks.note(operator.tenant, OPERATOR, {operator.id: _form(operator)})
    await keyring.marks.note(operator.tenant, SECRETS, {operator.id: form(sealed)})


async def change(tx: Transaction, keyring: MarkingKeyring, operator: Operator) -> Operator:
    """Replace role, language and whether disabled. Conflict when `operator.version` is stale."""
    cursor = await tx.execute(
        "UPDATE operator SET role = %s, language = %s, disabled = %s, version = version + 1"
        " WHERE tenant_id = %s AND id = %s AND version = %s",
        (
            operator.role.value,
            operator.language,
            operator.disabled,
            operator.tenant,
            operator.id,
            operator.version,
        ),
    )
    if cursor.rowcount != 1:
        raise Conflict("this operator was changed meanwhile; reload and try again")
    changed = replace(operator, version=operator.version + 1)
    await keyring.marks.note(operator.tenant, OPERATOR, {operator.id: _form(changed)})
    return changed


async def operators(tx: Transaction, tenant: TenantId) -> list[Operator]:
    """The tenant's operators, by login name."""
    cursor = await tx.execute(_SELECT + " WHERE tenant_id = %s ORDER BY login_name", (tenant,))
    return [_operator(row) for row in await cursor.fetchall()]


async def get(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, id: OperatorId) -> Operator:
    """The operator. Raises NotFound, or NotInForce when the row is not as it was written here."""
    cursor = await tx.execute(_SELECT + " WHERE tenant_id = %s AND id = %s", (tenant, id))
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such operator")
    operator = _operator(found)
    await require_in_force(keyring, operator)
    return operator


async def require_in_force(keyring: MarkingKeyring, operator: Operator) -> None:
    """Raises NotInForce unless their row is as it was written here last."""
    await require(keyring, operator.tenant, OPERATOR, {operator.id: _form(operator)})


async def by_login_name(tx: Transaction, login_name: str) -> Operator | None:
    """The operator of that name, of whichever tenant; whether the row is in force was not looked at."""
    cursor = await tx.execute(_SELECT + " WHERE login_name = %s", (login_name,))
    found = await cursor.fetchone()
    return None if found is None else _operator(found)


async def stand_in(tx: Transaction) -> Operator | None:
    """Any operator, always the same: for doing as much about a name that nobody has. None on a fresh hub."""
    cursor = await tx.execute(_SELECT + " ORDER BY tenant_id, id LIMIT 1")
    found = await cursor.fetchone()
    return None if found is None else _operator(found)


def _operator(row: tuple[Any, ...]) -> Operator:
    tenant, id, login_name, role, language, disabled, version = row
    return Operator(
        id=OperatorId(id),
        tenant=TenantId(tenant),
        login_name=login_name,
        role=Role(role),
        language=language,
        disabled=disabled,
        version=version,
    )


def _form(operator: Operator) -> bytes:
    return form(documents.to_bytes(operator))


async def forms(tx: Transaction, tenant: TenantId) -> dict[str, dict[UUID, bytes]]:
    """What is marked of the tenant's operators, as it stands: the forms by kind and id."""
    cursor = await tx.execute("SELECT id, secrets FROM operator WHERE tenant_id = %s", (tenant,))
    sealed = {id: form(bytes(kept)) for id, kept in await cursor.fetchall()}
    cursor = await tx.execute(
        "SELECT operator_id, digest, good_until FROM operator_link WHERE tenant_id = %s", (tenant,)
    )
    links = {id: _link_form(bytes(digest), until) for id, digest, until in await cursor.fetchall()}
    cursor = await tx.execute(
        "SELECT id, digest, operator_id, started_at FROM login WHERE tenant_id = %s", (tenant,)
    )
    logins = {id: _login_form(bytes(digest), who, at) for id, digest, who, at in await cursor.fetchall()}
    own = {one.id: _form(one) for one in await operators(tx, tenant)}
    return {OPERATOR: {**own}, SECRETS: sealed, LINK: links, LOGIN: logins}


async def secrets(tx: Transaction, keyring: MarkingKeyring, operator: Operator) -> SignInSecrets:
    """How the operator proves who they are; held until `tx` ends, so that a code is spent only once."""
    cursor = await tx.execute(
        "SELECT secrets FROM operator WHERE tenant_id = %s AND id = %s FOR UPDATE",
        (operator.tenant, operator.id),
    )
    found = await cursor.fetchone()
    if found is None:
        raise NotFound("there is no such operator")
    sealed = bytes(found[0])
    await require(keyring, operator.tenant, SECRETS, {operator.id: form(sealed)})
    key = await keyring.purpose_key(operator.tenant, "operators")
    data = open_sealed(key, sealed, _context(operator.tenant, operator.id))
    return documents.from_bytes(SignInSecrets, data)


async def put_secrets(
    tx: Transaction, keyring: MarkingKeyring, operator: Operator, changed: SignInSecrets
) -> None:
    """Replace them."""
    sealed = await _sealed(keyring, operator.tenant, operator.id, changed)
    await tx.execute(
        "UPDATE operator SET secrets = %s WHERE tenant_id = %s AND id = %s",
        (sealed, operator.tenant, operator.id),
    )
    await keyring.marks.note(operator.tenant, SECRETS, {operator.id: form(sealed)})


async def _sealed(keyring: MarkingKeyring, tenant: TenantId, id: OperatorId, kept: SignInSecrets) -> bytes:
    key = await keyring.purpose_key(tenant, "operators")
    return seal(key, documents.to_bytes(kept), _context(tenant, id))


def _context(tenant: TenantId, id: UUID) -> Context:
    return Context(tenant=tenant, table="operator", column="secrets", row=id.bytes)


async def add_link(
    tx: Transaction, keyring: MarkingKeyring, operator: Operator, digest: bytes, good_until: datetime
) -> None:
    """Let whoever has the link set how the operator signs in; older links of theirs end."""
    await tx.execute(
        "DELETE FROM operator_link WHERE tenant_id = %s AND operator_id = %s", (operator.tenant, operator.id)
    )
    await tx.execute(
        "INSERT INTO operator_link (tenant_id, digest, operator_id, good_until) VALUES (%s, %s, %s, %s)",
        (operator.tenant, digest, operator.id, good_until),
    )
    # By the operator's id: the form of a newer link takes the place of an older one's.
    await keyring.marks.note(operator.tenant, LINK, {operator.id: _link_form(digest, good_until)})


async def link_owner(
    tx: Transaction, keyring: MarkingKeyring, digest: bytes, at: datetime
) -> Operator | None:
    """Whose link it is, while it is good; held until `tx` ends."""
    cursor = await tx.execute(
        "SELECT tenant_id, operator_id, good_until FROM operator_link"
        " WHERE digest = %s AND good_until > %s FOR UPDATE",
        (digest, at),
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    tenant, operator, good_until = TenantId(found[0]), OperatorId(found[1]), found[2]
    await require(keyring, tenant, LINK, {operator: _link_form(digest, good_until)})
    return await get(tx, keyring, tenant, operator)


async def spend_link(tx: Transaction, keyring: MarkingKeyring, owner: Operator, digest: bytes) -> None:
    """The link is good no more."""
    await tx.execute("DELETE FROM operator_link WHERE digest = %s", (digest,))
    await keyring.marks.forget(owner.tenant, LINK, [owner.id])


def _moment(at: datetime) -> bytes:
    return at.astimezone(UTC).isoformat().encode()


def _link_form(digest: bytes, good_until: datetime) -> bytes:
    return form(digest, _moment(good_until))


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownLogin:
    """A login and the operator whose it is."""

    login: Login
    operator: Operator


async def add_login(tx: Transaction, keyring: MarkingKeyring, login: Login, digest: bytes) -> None:
    """Store a new login by the digest of its secret."""
    await tx.execute(
        "INSERT INTO login (tenant_id, id, digest, operator_id, started_at, last_used_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        (login.tenant, login.id, digest, login.operator, login.started_at, login.last_used_at),
    )
    await keyring.marks.note(
        login.tenant, LOGIN, {login.id: _login_form(digest, login.operator, login.started_at)}
    )


def _login_form(digest: bytes, operator: UUID, started_at: datetime) -> bytes:
    return form(digest, operator.bytes, _moment(started_at))


async def login_of(tx: Transaction, keyring: MarkingKeyring, digest: bytes) -> KnownLogin | None:
    """The login with that secret's digest, however old. NotInForce when it was not begun here, or ended."""
    cursor = await tx.execute(
        "SELECT tenant_id, id, operator_id, started_at, last_used_at FROM login WHERE digest = %s", (digest,)
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    tenant, id, operator, started_at, last_used_at = found
    login = Login(
        id=LoginId(id),
        operator=OperatorId(operator),
        tenant=TenantId(tenant),
        started_at=started_at,
        last_used_at=last_used_at,
    )
    await require(
        keyring, login.tenant, LOGIN, {login.id: _login_form(digest, login.operator, login.started_at)}
    )
    return KnownLogin(login=login, operator=await get(tx, keyring, login.tenant, login.operator))


async def touch_login(tx: Transaction, login: Login, at: datetime) -> None:
    """It was used now."""
    await tx.execute(
        "UPDATE login SET last_used_at = %s WHERE tenant_id = %s AND id = %s", (at, login.tenant, login.id)
    )


async def end_login(tx: Transaction, keyring: MarkingKeyring, tenant: TenantId, id: LoginId) -> None:
    """It is over, whether it was there or not."""
    await tx.execute("DELETE FROM login WHERE tenant_id = %s AND id = %s", (tenant, id))
    await keyring.marks.forget(tenant, LOGIN, [id])


async def end_logins(
    tx: Transaction,
    keyring: MarkingKeyring,
    tenant: TenantId,
    operator: OperatorId,
    *,
    but: LoginId | None = None,
) -> int:
    """All of the operator's are over, except `but`; returns how many there were."""
    cursor = await tx.execute(
        "DELETE FROM login WHERE tenant_id = %s AND operator_id = %s AND id IS DISTINCT FROM %s RETURNING id",
        (tenant, operator, but),
    )
    ended = [id for (id,) in await cursor.fetchall()]
    await keyring.marks.forget(tenant, LOGIN, ended)
    return len(ended)


async def logins(tx: Transaction, operator: Operator) -> list[Login]:
    """Where the operator is signed in, latest first; some may be over by their age."""
    cursor = await tx.execute(
        "SELECT id, started_at, last_used_at FROM login WHERE tenant_id = %s AND operator_id = %s"
        " ORDER BY last_used_at DESC",
        (operator.tenant, operator.id),
    )
    return [
        Login(
            id=LoginId(id),
            operator=operator.id,
            tenant=operator.tenant,
            started_at=started_at,
            last_used_at=last_used_at,
        )
        for id, started_at, last_used_at in await cursor.fetchall()
    ]


@dataclass(frozen=True, kw_only=True, slots=True)
class Failures:
    """Failed sign-ins in a row, and when the last was."""

    count: int
    last_at: datetime


async def failures(tx: Transaction, subject: bytes) -> Failures | None:
    """The failures of what was tried, if any."""
    cursor = await tx.execute("SELECT failures, last_at FROM sign_in_failure WHERE subject = %s", (subject,))
    found = await cursor.fetchone()
    return None if found is None else Failures(count=found[0], last_at=found[1])


async def count_failure(tx: Transaction, subject: bytes, at: datetime) -> None:
    """One more."""
    await tx.execute(
        "INSERT INTO sign_in_failure (subject, failures, last_at) VALUES (%s, 1, %s)"
        " ON CONFLICT (subject) DO UPDATE"
        " SET failures = sign_in_failure.failures + 1, last_at = excluded.last_at",
        (subject, at),
    )


async def forget_failures(tx: Transaction, subject: bytes, *, before: datetime) -> None:
    """None for this one, and old ones of everybody go too."""
    await tx.execute("DELETE FROM sign_in_failure WHERE subject = %s OR last_at < %s", (subject, before))


async def put_challenge(tx: Transaction, digest: bytes, challenge: bytes, good_until: datetime) -> None:
    """Remember what a passkey was asked to sign."""
    await tx.execute(
        "INSERT INTO passkey_challenge (digest, challenge, good_until) VALUES (%s, %s, %s)",
        (digest, challenge, good_until),
    )


async def take_challenge(tx: Transaction, digest: bytes, at: datetime) -> bytes | None:
    """What was asked, once, while it is good; forgotten ones go too."""
    cursor = await tx.execute(
        "DELETE FROM passkey_challenge WHERE digest = %s OR good_until <= %s"
        " RETURNING digest, challenge, good_until",
        (digest, at),
    )
    rows = await cursor.fetchall()
    return next((bytes(asked) for own, asked, until in rows if bytes(own) == digest and until > at), None)
