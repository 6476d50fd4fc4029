"""Operators: the first one through a one-time link, new ones, and what each may do."""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, replace
from datetime import timedelta

from postern.errors import BadInput, Conflict, NotFound
from postern.ids import OperatorId, TenantId, new_id
from postern.journal.model import Act
from postern.operations.keys.mark_rows import put_back
from postern.operations.services import Services
from postern.operations.trace import trace, trace_as
from postern.operators import provider_store as providers
from postern.operators import store
from postern.operators.model import Actor, Operator, Role, SignInSecrets
from postern.operators.passwords import (
    hash_password,
    new_recovery_codes,
    new_totp_secret,
    recovery_hash,
    totp_step,
    totp_uri,
)
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction, confine

LINK_GOOD_FOR = timedelta(hours=24)
_LOGIN_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{1,63}")


@dataclass(frozen=True, kw_only=True, slots=True)
class Link:
    """A one-time link's owner, and a secret for an authenticator app to try before the link is spent."""

    operator: Operator
    totp_secret: str
    totp_uri: str


def actor_of(operator: Operator) -> Actor:
    """The operator as somebody who asks for an operation."""
    return Actor(tenant=operator.tenant, name=operator.login_name, role=operator.role, operator=operator.id)


async def first_link(
    services: Services, tenant: TenantId, *, login_name: str = "administrator"
) -> str | None:
    """A fresh link for the first operator; None once somebody can sign in. `postern up` prints it.

    An older link of the same operator ends.
    """
    async with services.database.transaction(tenant) as tx:
        everyone = await store.operators(tx, tenant)
        for one in everyone:
            kept = await store.secrets(tx, services.keyring, one)
            linked = await providers.link_of(tx, services.keyring, one)
            if kept.password_hash is not None or kept.passkeys or linked is not None:
                return None
        first = everyone[0] if everyone else None
        if first is None:
            first = Operator(
                id=OperatorId(new_id()),
                tenant=tenant,
                login_name=_checked_name(login_name),
                role=Role.ADMINISTRATOR,
            )
            await store.add(tx, services.keyring, first)
        secret = await _new_link(services, tx, first)
        await trace_as(services, tx, tenant, "job:setup", Act.ADDED, purpose="first operator", detail="link")
    return secret


async def _new_link(services: Services, tx: Transaction, operator: Operator) -> str:
    secret = secrets.token_urlsafe(32)
    await store.add_link(
        tx, services.keyring, operator, _digest(secret), services.clock.now() + LINK_GOOD_FOR
    )
    return f"{services.public_url}/first/{secret}"


async def add_operator(services: Services, actor: Actor, *, login_name: str, role: Role) -> str:
    """A new operator; returns the link, good for 24 hours, with which they set how they sign in."""
    require(actor, Duty.CHANGE_OPERATORS)
    operator = Operator(
        id=OperatorId(new_id()), tenant=actor.tenant, login_name=_checked_name(login_name), role=role
    )
    async with services.database.transaction(actor.tenant) as tx:
        await store.add(tx, services.keyring, operator)
        link = await _new_link(services, tx, operator)
        await trace(
            services, tx, actor, Act.ADDED, purpose="operators", detail=f"{login_name} as {role.value}"
        )
    return link


async def renew_link(services: Services, actor: Actor, id: OperatorId) -> str:
    """A link for an operator who lost what they sign in with; their logins end at once."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with services.database.transaction(actor.tenant) as tx:
        operator = await store.get(tx, services.keyring, actor.tenant, id)
        await store.end_logins(tx, services.keyring, actor.tenant, id)
        link = await _new_link(services, tx, operator)
        await trace(
            services, tx, actor, Act.CHANGED, purpose="operators", detail=f"link for {operator.login_name}"
        )
    return link


async def change_operator(services: Services, actor: Actor, operator: Operator) -> Operator:
    """Change role, language, or disable. Raises Conflict when stale or it would leave no administrator."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with services.database.transaction(actor.tenant) as tx:
        others = [one for one in await store.operators(tx, actor.tenant) if one.id != operator.id]
        rest = [*others, operator]
        if not any(one.role is Role.ADMINISTRATOR and not one.disabled for one in rest):
            raise Conflict("one administrator must stay; make somebody else administrator first")
        await store.get(tx, services.keyring, actor.tenant, operator.id)  # what is changed is in force
        changed = await store.change(tx, services.keyring, replace(operator, tenant=actor.tenant))
        if changed.disabled:
            await store.end_logins(tx, services.keyring, actor.tenant, operator.id)
        await trace(
            services, tx, actor, Act.CHANGED, purpose="operators", detail=f"{operator.login_name} changed"
        )
    await put_back(services, actor.tenant)  # the row of before is good no more, from now on
    return changed


async def operators(services: Services, actor: Actor) -> list[Operator]:
    """Everyone who may sign in, by login name."""
    require(actor, Duty.CHANGE_OPERATORS)
    async with services.database.transaction(actor.tenant) as tx:
        return await store.operators(tx, actor.tenant)


async def look_at_link(services: Services, secret: str) -> Link:
    """Whose link it is. Opening it does not spend it. Raises NotFound when it is not good (any more)."""
    async with services.database.transaction() as tx:
        operator = await _link_owner(services, tx, secret)
    totp = new_totp_secret()
    return Link(operator=operator, totp_secret=totp, totp_uri=totp_uri(totp, operator.login_name))


async def spend_link(
    services: Services, secret: str, *, password: str, totp_secret: str, totp_code: str
) -> tuple[Operator, tuple[str, ...]]:
    """Set the operator's password and authenticator, and spend the link; returns their recovery codes.

    Raises BadInput for a weak password or a wrong code, and then the link stays good.
    """
    async with services.database.transaction() as tx:
        operator = await _link_owner(services, tx, secret)
        await confine(tx, operator.tenant)
        password_hash = hash_password(password, operator.login_name)
        step = _first_step(services, totp_secret, totp_code)
        codes = new_recovery_codes()
        changed = SignInSecrets(
            password_hash=password_hash,
            totp_secret=totp_secret,
            totp_last_step=step,
            recovery_hashes=tuple(recovery_hash(code) for code in codes),
        )
        await store.put_secrets(tx, services.keyring, operator, changed)
        await providers.remove_link(tx, services.keyring, operator.tenant, operator.id)
        await store.end_logins(tx, services.keyring, operator.tenant, operator.id)
        await store.spend_link(tx, services.keyring, operator, _digest(secret))
        await trace(
            services,
            tx,
            actor_of(operator),
            Act.CHANGED,
            purpose="set how to sign in",
            detail="password and code",
        )
    return operator, codes


def _first_step(services: Services, totp_secret: str, totp_code: str) -> int:
    try:
        step = totp_step(totp_secret, totp_code, services.clock.now(), after=0)
    except ValueError as fault:
        raise BadInput("scan the QR code again; its secret was changed on the way") from fault
    if step is None:
        raise BadInput(
            "the code from the authenticator is wrong; check the phone's clock and type the next one"
        )
    return step


async def _link_owner(services: Services, tx: Transaction, secret: str) -> Operator:
    operator = await store.link_owner(tx, services.keyring, _digest(secret), services.clock.now())
    if operator is None or operator.disabled:
        raise NotFound("this link is not good (any more); ask for a new one, or run `postern link`")
    return operator


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def _checked_name(login_name: str) -> str:
    name = login_name.strip().lower()
    if not _LOGIN_NAME.fullmatch(name):
        raise BadInput("a login name has 2 to 64 small letters, digits, dots, dashes or @")
    return name
