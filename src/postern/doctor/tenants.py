"""Whether PostgreSQL keeps tenants apart: the role that the hub works as is bound and owns nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import psycopg

from postern.doctor.finding import Finding, danger, ok
from postern.postgres.isolation import RUNTIME, RoleReach, as_runtime_role, reach_of, unguarded
from postern.settings import Settings

NAME = "tenants"
_READ = "see docs/isolation.md"


def judge(reach: RoleReach | None, unguarded_tables: Sequence[str]) -> list[Finding]:
    """What the hub's role may do that it should not, and tables that nothing guards."""
    findings = []
    if unguarded_tables:
        message = (
            f"row-level security does not guard {_some(unguarded_tables)}: tenants reach each other's rows"
        )
        cure = "restart Postern, which puts it back, and find out who took it off"
        findings.append(danger(NAME, message, cure))
    if reach is None:
        message = f"the server does not know the role {RUNTIME} that the hub works as"
        cure = f"as the server's administrator: CREATE ROLE {RUNTIME}; then GRANT it, {_READ}"
        return [*findings, danger(NAME, message, cure)]
    role = f"the hub's role {reach.name}"
    if reach.exempt:
        message = f"{role} is a superuser or bypasses row-level security: it sees every tenant's rows"
        cure = f"as the server's administrator: ALTER ROLE {reach.name} NOSUPERUSER NOBYPASSRLS"
        findings.append(danger(NAME, message, cure))
    elif reach.owns:
        message = f"{role} owns {_some(reach.owns)}, or may act as their owner: the policies do not bind it"
        cure = f"ALTER TABLE … OWNER TO another role, or REVOKE the owner's role FROM {reach.name}; {_READ}"
        findings.append(danger(NAME, message, cure))
    else:
        findings += _privileges(reach, role)
    return findings


def _privileges(reach: RoleReach, role: str) -> list[Finding]:
    findings = []
    if reach.rewrites:
        message = f"{role} may change or delete rows of {_some(reach.rewrites)}, which may only be added to"
        cure = f"REVOKE UPDATE, DELETE, TRUNCATE ON {', '.join(reach.rewrites)} FROM {reach.name}"
        findings.append(danger(NAME, message, cure))
    if reach.creates:
        message = f"{role} may make tables of its own, which nothing guards"
        cure = f"REVOKE CREATE ON SCHEMA public FROM PUBLIC, {reach.name}"
        findings.append(danger(NAME, message, cure))
    return findings


def _some(names: Sequence[str]) -> str:
    more = len(names) - 3
    return ", ".join(names[:3]) + (f" and {more} more" if more > 0 else "")


async def examine(settings: Settings, servers: Mapping[str, str]) -> list[Finding]:
    """The running data database, as the role that the hub uses there; nothing when none runs."""
    owner = servers.get("data")
    if owner is None:
        return []
    try:
        async with await psycopg.AsyncConnection.connect(owner, connect_timeout=5) as connection:
            bare = await unguarded(connection)
            reach = await reach_of(connection, RUNTIME)
        if settings.database_runtime_url is not None:
            reach = await _at_work(settings.database_runtime_url.get_secret_value())
        elif settings.database_url is not None and reach is not None:
            reach = await _at_work(as_runtime_role(owner))
    except psycopg.Error as fault:
        message = f"the hub's role cannot be looked at ({type(fault).__name__})"
        cure = f"check POSTERN_DATABASE_RUNTIME_URL and that its role may sign in; {_READ}"
        return [danger(NAME, message, cure)]
    return judge(reach, bare) or [ok(NAME, "the hub's role owns nothing, and row-level security binds it")]


async def _at_work(conninfo: str) -> RoleReach | None:
    """The reach of whatever role the hub really has there."""
    async with await psycopg.AsyncConnection.connect(conninfo, connect_timeout=5) as connection:
        return await reach_of(connection)
