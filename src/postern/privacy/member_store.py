"""Members in the database: how they sign in, links, logins. All is sealed under the person's own key."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from postern import documents
from postern import sealed_rows as rows
from postern.errors import KeyDestroyed
from postern.ids import PersonId, TenantId, new_id
from postern.postgres.pool import Transaction
from postern.privacy.member import Member, MemberLink, MemberLogin, MemberSecrets
from postern.sealed_rows import Row, Table
from postern.sealing.envelope import Context, open_sealed, seal
from postern.sealing.keyring import Keyring, Purpose

MEMBER = Table(name="member", thing="member", id="person_id")


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownMember:
    """A member and how they prove it; `version` 0: they have chosen nothing yet."""

    member: Member
    secrets: MemberSecrets
    version: int


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownLogin:
    """A login and whose it is."""

    member: Member
    login: MemberLogin


async def by_name(tx: Transaction, keyring: Keyring, name: str) -> KnownMember | None:
    """Who signs in with that name, in any tenant; None for nobody, also after an erasure."""
    cursor = await tx.execute(
        "SELECT tenant_id, person_id, version, sealed FROM member WHERE name = %s", (name,)
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    tenant, person, version, sealed = found
    member = Member(tenant=TenantId(tenant), person=PersonId(person), name=name)
    try:
        return await _known(keyring, member, version, bytes(sealed))
    except KeyDestroyed:
        return None


async def get(tx: Transaction, keyring: Keyring, tenant: TenantId, person: PersonId) -> KnownMember | None:
    """The person as a member, if they ever chose how to sign in."""
    cursor = await tx.execute(
        "SELECT name, version, sealed FROM member WHERE tenant_id = %s AND person_id = %s", (tenant, person)
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    name, version, sealed = found
    return await _known(keyring, Member(tenant=tenant, person=person, name=name), version, bytes(sealed))


async def _known(keyring: Keyring, member: Member, version: int, sealed: bytes) -> KnownMember:
    key = await keyring.subject_key(member.tenant, member.person, Purpose.IDENTITY)
    row = Row(scope=member.tenant, id=member.person, version=version, sealed=sealed)
    secrets = rows.open_document(key, member.tenant, MEMBER, row, MemberSecrets)
    return KnownMember(member=member, secrets=secrets, version=version)


async def put(tx: Transaction, keyring: Keyring, known: KnownMember, secrets: MemberSecrets) -> None:
    """Keep how they sign in from now on. Conflict when somebody else was faster."""
    member = known.member
    key = await keyring.subject_key(member.tenant, member.person, Purpose.IDENTITY)
    sealed = rows.seal_document(key, member.tenant, MEMBER, member.person, secrets)
    if known.version == 0:
        await tx.execute(
            "INSERT INTO member (tenant_id, person_id, name, version, sealed) VALUES (%s, %s, %s, 1, %s)",
            (member.tenant, member.person, member.name, sealed),
        )
        return
    row = Row(scope=member.tenant, id=member.person, version=known.version + 1, sealed=sealed)
    await rows.update(tx, MEMBER, row)


async def add_link(tx: Transaction, keyring: Keyring, member: Member, digest: bytes, until: datetime) -> None:
    """A link for that person; an earlier one is void."""
    await tx.execute(
        "DELETE FROM member_link WHERE tenant_id = %s AND person_id = %s", (member.tenant, member.person)
    )
    id = new_id()
    sealed = await _sealed(keyring, member, "member_link", id, MemberLink(good_until=until))
    await tx.execute(
        "INSERT INTO member_link (tenant_id, id, digest, person_id, sealed) VALUES (%s, %s, %s, %s, %s)",
        (member.tenant, id, digest, member.person, sealed),
    )


async def link_owner(
    tx: Transaction, keyring: Keyring, digest: bytes, at: datetime
) -> tuple[TenantId, PersonId] | None:
    """Whose link it is, while it is good; held until `tx` ends."""
    cursor = await tx.execute(
        "SELECT tenant_id, id, person_id, sealed FROM member_link WHERE digest = %s FOR UPDATE", (digest,)
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    tenant, id, person, sealed = found
    try:
        key = await keyring.subject_key(TenantId(tenant), person, Purpose.IDENTITY)
    except KeyDestroyed:
        return None
    plain = open_sealed(key, bytes(sealed), _context(tenant, "member_link", id))
    if documents.from_bytes(MemberLink, plain).good_until <= at:
        return None
    return TenantId(tenant), PersonId(person)


async def spend_link(tx: Transaction, digest: bytes) -> None:
    """The link is good no more."""
    await tx.execute("DELETE FROM member_link WHERE digest = %s", (digest,))


async def add_login(
    tx: Transaction, keyring: Keyring, member: Member, digest: bytes, login: MemberLogin
) -> UUID:
    """A new login by the digest of its secret; its id."""
    id = new_id()
    sealed = await _sealed(keyring, member, "member_login", id, login)
    await tx.execute(
        "INSERT INTO member_login (tenant_id, id, digest, person_id, sealed) VALUES (%s, %s, %s, %s, %s)",
        (member.tenant, id, digest, member.person, sealed),
    )
    return id


async def login_of(tx: Transaction, keyring: Keyring, digest: bytes) -> KnownLogin | None:
    """The login with that secret's digest, however old; None for none, also after an erasure."""
    cursor = await tx.execute(
        "SELECT l.tenant_id, l.id, l.person_id, l.sealed, m.name FROM member_login l"
        " JOIN member m ON m.tenant_id = l.tenant_id AND m.person_id = l.person_id WHERE l.digest = %s",
        (digest,),
    )
    found = await cursor.fetchone()
    if found is None:
        return None
    tenant, id, person, sealed, name = found
    try:
        key = await keyring.subject_key(TenantId(tenant), person, Purpose.IDENTITY)
    except KeyDestroyed:
        return None
    plain = open_sealed(key, bytes(sealed), _context(tenant, "member_login", id))
    member = Member(tenant=TenantId(tenant), person=PersonId(person), name=name, login=id)
    return KnownLogin(member=member, login=documents.from_bytes(MemberLogin, plain))


async def change_login(tx: Transaction, keyring: Keyring, member: Member, login: MemberLogin) -> None:
    """It was used."""
    if member.login is None:
        return
    sealed = await _sealed(keyring, member, "member_login", member.login, login)
    await tx.execute(
        "UPDATE member_login SET sealed = %s WHERE tenant_id = %s AND id = %s",
        (sealed, member.tenant, member.login),
    )


async def end_login(tx: Transaction, tenant: TenantId, id: UUID) -> None:
    """It is over, whether it was there or not."""
    await tx.execute("DELETE FROM member_login WHERE tenant_id = %s AND id = %s", (tenant, id))


async def end_logins(tx: Transaction, tenant: TenantId, person: PersonId) -> int:
    """All of the person's are over; how many there were."""
    cursor = await tx.execute(
        "DELETE FROM member_login WHERE tenant_id = %s AND person_id = %s", (tenant, person)
    )
    return cursor.rowcount


async def forget(tx: Transaction, tenant: TenantId, person: PersonId) -> None:
    """Nothing of the person as a member is left: they are erased."""
    for statement in (
        "DELETE FROM member_login WHERE tenant_id = %s AND person_id = %s",
        "DELETE FROM member_link WHERE tenant_id = %s AND person_id = %s",
        "DELETE FROM member_request WHERE tenant_id = %s AND person_id = %s",
        "DELETE FROM member WHERE tenant_id = %s AND person_id = %s",
    ):
        await tx.execute(statement, (tenant, person))


async def _sealed(keyring: Keyring, member: Member, table: str, id: UUID, document: object) -> bytes:
    key = await keyring.subject_key(member.tenant, member.person, Purpose.IDENTITY)
    return seal(key, documents.to_bytes(document), _context(member.tenant, table, id))


def _context(tenant: int, table: str, id: UUID) -> Context:
    return Context(tenant=tenant, table=table, column="sealed", row=id.bytes)
