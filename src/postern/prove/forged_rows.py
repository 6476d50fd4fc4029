"""What a writer in the hub's database may try to come in by: rows of their own, changed ones, and old ones.

Each forgery is done as the tables' owner, whom no operation and no row-level security stops, and returns
whether it let anybody in.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from postern.clock import utc_day
from postern.errors import PosternError
from postern.ids import OperatorId, new_id
from postern.operations.operators import api_keys, operators, sign_in
from postern.operations.operators.api_keys import MadeKey, NewKey
from postern.operations.sites import agents
from postern.operations.sites.publish_policy import publish
from postern.operators import provider_store, store
from postern.operators.model import Operator, Role, SignInSecrets
from postern.operators.provider_store import ProviderSubject
from postern.operators.roles import Duty
from postern.prove.copied_rows import copied, write
from postern.prove.scratch import DrawnSite, enrolled
from postern.sealing import hybrid, signing


async def _somebody(site: DrawnSite, role: Role = Role.ATTENDANT) -> Operator:
    made = Operator(
        id=OperatorId(new_id()), tenant=site.demo.tenant, login_name=f"op-{secrets.token_hex(4)}", role=role
    )
    async with site.hub.database.transaction(made.tenant) as tx:
        await store.add(tx, site.hub.keyring, made)
    return made


async def _signed_in(site: DrawnSite, operator: Operator) -> str:
    async with site.hub.database.transaction(operator.tenant) as tx:
        made = await sign_in.start_login(site.hub, tx, operator, detail="password")
    await sign_in.who(site.hub, made.secret)
    return made.secret


async def _is_signed_in(site: DrawnSite, secret: str, role: Role) -> bool:
    try:
        return (await sign_in.who(site.hub, secret)).role is role
    except PosternError:
        return False


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


async def a_login_that_nobody_began(site: DrawnSite) -> bool:
    """Of an administrator, for a secret of one's own."""
    administrator, secret = await _somebody(site, Role.ADMINISTRATOR), secrets.token_urlsafe(32)
    now = site.clock.now()
    await write(
        site,
        "INSERT INTO login (tenant_id, id, digest, operator_id, started_at, last_used_at)"
        " VALUES (%s, %s, %s, %s, %s, %s)",
        *(administrator.tenant, new_id(), _digest(secret), administrator.id, now, now),
    )
    return await _is_signed_in(site, secret, Role.ADMINISTRATOR)


async def a_login_turned_into_anothers(site: DrawnSite) -> bool:
    """One's own, made an administrator's."""
    administrator = await _somebody(site, Role.ADMINISTRATOR)
    secret = await _signed_in(site, await _somebody(site))
    await write(
        site, "UPDATE login SET operator_id = %s WHERE digest = %s", administrator.id, _digest(secret)
    )
    return await _is_signed_in(site, secret, Role.ADMINISTRATOR)


async def a_login_that_ended(site: DrawnSite) -> bool:
    """Put back after the sign-out."""
    operator = await _somebody(site)
    secret = await _signed_in(site, operator)
    actor = await sign_in.who(site.hub, secret)
    kept = await copied(site, "login", tenant_id=operator.tenant, id=actor.login)
    await sign_in.sign_out(site.hub, actor)
    await kept.put_back(site)
    return await _is_signed_in(site, secret, operator.role)


async def a_role_of_ones_own_choice(site: DrawnSite) -> bool:
    """Written into one's own row while signed in."""
    operator = await _somebody(site)
    secret = await _signed_in(site, operator)
    await write(site, "UPDATE operator SET role = 'administrator' WHERE id = %s", operator.id)
    return await _is_signed_in(site, secret, Role.ADMINISTRATOR)


async def an_operator_who_was_disabled(site: DrawnSite) -> bool:
    """Both rows, the operator's and the login's, as they were before."""
    operator = await _somebody(site)
    secret = await _signed_in(site, operator)
    login = (await sign_in.who(site.hub, secret)).login
    rows = (
        await copied(site, "operator", tenant_id=operator.tenant, id=operator.id),
        await copied(site, "login", tenant_id=operator.tenant, id=login),
    )
    await operators.change_operator(site.hub, site.admin, replace(operator, disabled=True))
    for row in rows:
        await row.put_back(site)
    return await _is_signed_in(site, secret, operator.role)


async def a_password_that_was_changed(site: DrawnSite) -> bool:
    """The sealed secrets of before."""
    operator = await _somebody(site)
    old, new = SignInSecrets(password_hash="old"), SignInSecrets(password_hash="new")  # noqa: S106
    for kept in (old, new):
        row = await copied(site, "operator", tenant_id=operator.tenant, id=operator.id)
        async with site.hub.database.transaction(operator.tenant) as tx:
            await store.put_secrets(tx, site.hub.keyring, operator, kept)
        async with site.hub.database.transaction(operator.tenant) as tx:
            await store.secrets(tx, site.hub.keyring, operator)
    await row.put_back(site)
    async with site.hub.database.transaction(operator.tenant) as tx:
        try:
            return await store.secrets(tx, site.hub.keyring, operator) == old
        except PosternError:
            return False


async def a_one_time_link_of_ones_own(site: DrawnSite) -> bool:
    """To set how an administrator signs in."""
    administrator, digest = await _somebody(site, Role.ADMINISTRATOR), secrets.token_bytes(32)
    await write(
        site,
        "INSERT INTO operator_link (tenant_id, digest, operator_id, good_until) VALUES (%s, %s, %s, %s)",
        *(administrator.tenant, digest, administrator.id, site.clock.now() + timedelta(days=1)),
    )
    return await _owns_link(site, digest)


async def a_one_time_link_that_was_spent(site: DrawnSite) -> bool:
    """Put back after its use."""
    operator, digest = await _somebody(site), secrets.token_bytes(32)
    async with site.hub.database.transaction(operator.tenant) as tx:
        until = site.clock.now() + timedelta(days=1)
        await store.add_link(tx, site.hub.keyring, operator, digest, until)
    kept = await copied(site, "operator_link", tenant_id=operator.tenant, digest=digest)
    async with site.hub.database.transaction(operator.tenant) as tx:
        await store.spend_link(tx, site.hub.keyring, operator, digest)
    await kept.put_back(site)
    return await _owns_link(site, digest)


async def _owns_link(site: DrawnSite, digest: bytes) -> bool:
    async with site.hub.database.transaction(site.demo.tenant) as tx:
        try:
            return await store.link_owner(tx, site.hub.keyring, digest, site.clock.now()) is not None
        except PosternError:
            return False


async def an_identity_of_ones_own_at_the_provider(site: DrawnSite) -> bool:
    """Linked with an administrator."""
    administrator = await _somebody(site, Role.ADMINISTRATOR)
    whose = ProviderSubject(issuer="https://id.example.org", subject=secrets.token_hex(8), name="me")
    await write(
        site,
        "INSERT INTO provider_link (tenant_id, operator_id, digest, version, sealed)"
        " VALUES (%s, %s, %s, 1, %s)",
        *(administrator.tenant, administrator.id, whose.digest, b"anything"),
    )
    async with site.hub.database.transaction(site.demo.tenant) as tx:
        try:
            return await provider_store.operator_of(tx, site.hub.keyring, whose) is not None
        except PosternError:
            return False


async def _a_key(site: DrawnSite) -> MadeKey:
    operator = await _somebody(site, Role.ADMINISTRATOR)
    wanted = NewKey(
        name="a key",
        operator=operator.id,
        scopes=(Duty.SEE_SITES,),
        last_day=utc_day(site.clock.now()),
    )
    made = await api_keys.make_key(site.hub, site.admin, wanted)
    await api_keys.who(site.hub, made.secret)
    return made


async def _key_opens(site: DrawnSite, secret: str) -> bool:
    try:
        await api_keys.who(site.hub, secret)
    except PosternError:
        return False
    return True


async def a_key_under_a_secret_of_ones_own(site: DrawnSite) -> bool:
    """The digest of another secret in a good key's row."""
    made, secret = await _a_key(site), api_keys.PREFIX + secrets.token_urlsafe(32)
    await write(site, "UPDATE api_key SET digest = %s WHERE id = %s", _digest(secret), made.id)
    return await _key_opens(site, secret)


async def a_key_that_was_ended(site: DrawnSite) -> bool:
    """Its row of before."""
    made = await _a_key(site)
    kept = await copied(site, "api_key", tenant_id=site.demo.tenant, id=made.id)
    await api_keys.end_key(site.hub, site.admin, made.id)
    await kept.put_back(site)
    return await _key_opens(site, made.secret)


async def a_key_that_ran_out(site: DrawnSite) -> bool:
    """With another last day."""
    made = await _a_key(site)
    last = utc_day(site.clock.now()) + timedelta(days=30)
    await write(site, "UPDATE api_key SET last_day = %s WHERE id = %s", last, made.id)
    site.clock.advance(timedelta(days=2))
    try:
        return await _key_opens(site, made.secret)
    finally:
        site.clock.advance(-timedelta(days=2))


async def an_agents_signing_key(site: DrawnSite) -> bool:
    """Replaced by one's own: what it signs would be records of doors."""
    agent = await enrolled(site.hub, site.admin, site.demo)
    private = signing.generate()
    await write(
        site,
        "UPDATE agent SET sign_public = %s WHERE id = %s",
        *(signing.public_of(private), agent.enrolled.agent),
    )
    return await _is_heard(site, replace(agent, sign_private=private))


async def _is_heard(site: DrawnSite, agent: Any) -> bool:
    try:
        await agents.verify_request(site.hub, agent.request())
    except PosternError:
        return False
    return True


async def an_agents_policy_key(site: DrawnSite) -> bool:
    """Replaced by one's own: the next policy would be sealed to it, faces, cards and all."""
    agent = await enrolled(site.hub, site.admin, site.demo)
    private = hybrid.generate()
    await write(
        site,
        "UPDATE agent SET hpke_public = %s WHERE id = %s",
        *(hybrid.public_of(private), agent.enrolled.agent),
    )
    before = await copied(site, "bundle", site_id=site.demo.site, agent_id=agent.enrolled.agent)
    await publish(site.hub, site.demo.tenant, site.demo.site)
    return before != await copied(site, "bundle", site_id=site.demo.site, agent_id=agent.enrolled.agent)


async def an_agent_that_was_shut_out(site: DrawnSite) -> bool:
    """Its row of before the theft was told."""
    agent = await enrolled(site.hub, site.admin, site.demo)
    await agent.known()
    kept = await copied(site, "agent", site_id=site.demo.site, id=agent.enrolled.agent)
    await agents.retire(site.hub, site.admin, site=site.demo.site, agent=agent.enrolled.agent)
    await kept.put_back(site)
    return await _is_heard(site, agent)


async def an_enrolment_code_of_ones_own(site: DrawnSite) -> bool:
    """An agent that nobody let enrol would be given the policy."""
    code = f"{site.demo.site}-{secrets.token_urlsafe(18)}"
    await write(
        site,
        "INSERT INTO enrolment_code (site_id, digest, good_until) VALUES (%s, %s, %s)",
        *(site.demo.site, _digest(code), site.clock.now() + timedelta(hours=1)),
    )
    try:
        await agents.enrol(
            site.hub,
            code=code,
            sign_public=signing.public_of(signing.generate()),
            hpke_public=hybrid.public_of(hybrid.generate()),
        )
    except PosternError:
        return False
    return True


OF_OPERATORS_AND_AGENTS: tuple[Callable[[DrawnSite], Awaitable[bool]], ...] = (
    a_login_that_nobody_began,
    a_login_turned_into_anothers,
    a_login_that_ended,
    a_role_of_ones_own_choice,
    an_operator_who_was_disabled,
    a_password_that_was_changed,
    a_one_time_link_of_ones_own,
    a_one_time_link_that_was_spent,
    an_identity_of_ones_own_at_the_provider,
    a_key_under_a_secret_of_ones_own,
    a_key_that_was_ended,
    a_key_that_ran_out,
    an_agents_signing_key,
    an_agents_policy_key,
    an_agent_that_was_shut_out,
    an_enrolment_code_of_ones_own,
)
