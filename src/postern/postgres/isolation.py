"""Tenants apart inside PostgreSQL: row-level security, and a runtime role that owns nothing.

Every table with a `tenant_id` or a `site_id` gets a policy keyed on the setting `postern.tenant`, which
`Database.transaction` sets for one transaction. The owner of the tables migrates, dumps and restores them
and is not bound by the policies; the hub never works as the owner.
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from postern.errors import DatabaseUnavailable
from postern.postgres.pool import Transaction

RUNTIME = "postern_app"
"""The role that the hub works as: no owner of anything, no superuser, bound by every policy."""

DOORKEEPERS = frozenset(
    """
    tenant site operator operator_link provider_link login api_key agent agent_nonce enrolment_code
    journal_key member member_link member_login
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Tables by which a request is found out to be whose: reached while no tenant is stated, too.

Every one of them is asked with what only the caller knows (a login's secret, a signature, a name typed)."""

TENANTLESS = frozenset(
    {"migration", "agent_counter", "sign_in_failure", "passkey_challenge", "provider_ceremony"}
)
"""Tables that hold nothing of any tenant. One that is neither here nor has a tenant_id or a site_id is out of
the hub's reach."""

APPEND_ONLY = frozenset(
    {
        "journal_entry",
        "journal_node",
        "journal_checkpoint",
        "journal_cosignature",
        "ledger",
        "parking_receipt",
        "attendance_period",
        "attendance_closed",
    }
)
"""Tables of which the runtime role may change and delete nothing."""

READ_ONLY = frozenset({"migration"})

_POLICY = "own_rows"

_TABLES = """
SELECT c.relname, c.relrowsecurity,
    EXISTS (SELECT 1 FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = %s),
    array(SELECT attname::text FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
          AND NOT a.attisdropped)
FROM pg_class c
WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY c.relname"""

_FUNCTIONS = (
    "postern_tenant()",
    "postern_sites()",
    "next_site_number()",
    "make_record_partition(text, date, date)",
    "drop_record_partition(text, boolean)",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Table:
    name: str
    secured: bool
    has_policy: bool
    columns: frozenset[str]

    @property
    def condition(self) -> str | None:
        """When a row may be reached; None for a table that says of no row whose it is."""
        if self.name == "tenant":
            own = "id = postern_tenant()"
        elif "tenant_id" in self.columns:
            own = "tenant_id = postern_tenant()"
        elif "site_id" in self.columns:
            # A sub-select is planned once a statement, and its array can use the index.
            own = "site_id = ANY ((SELECT postern_sites())::int[])"
        else:
            return None
        return f"{own} OR postern_tenant() IS NULL" if self.name in DOORKEEPERS else own


async def _tables(tx: Transaction) -> list[_Table]:
    cursor = await tx.execute(_TABLES, (_POLICY,))
    return [
        _Table(name=name, secured=secured, has_policy=has_policy, columns=frozenset(columns))
        for name, secured, has_policy, columns in await cursor.fetchall()
    ]


async def isolate(tx: Transaction) -> None:
    """Put the policies on what lacks them and give the runtime role what it needs. By the owner, after each
    migration; repeating it changes nothing."""
    cursor = await tx.execute("SELECT to_regprocedure('postern_tenant()') IS NULL")
    if await cursor.fetchone() == (True,):
        return  # a schema of before, as migrations' own tests make
    tables = await _tables(tx)
    for table in tables:
        await _secure(tx, table)
    if await has_runtime_role(tx):
        await _grant(tx, tables)


async def _secure(tx: Transaction, table: _Table) -> None:
    condition, name = table.condition, sql.Identifier(table.name)
    if condition is None or (table.secured and table.has_policy):
        return
    if not table.has_policy:
        policy = sql.SQL("CREATE POLICY {} ON {} USING ({})")
        # The condition is one of the few texts above.
        await tx.execute(policy.format(sql.Identifier(_POLICY), name, sql.SQL(condition)))
    await tx.execute(sql.SQL("ALTER TABLE {} ENABLE ROW LEVEL SECURITY").format(name))


async def _grant(tx: Transaction, tables: list[_Table]) -> None:
    role = sql.Identifier(RUNTIME)
    for table in tables:
        if table.condition is None and table.name not in TENANTLESS:
            continue  # nobody said that it is no tenant's: the hub does not reach it
        if table.name in READ_ONLY:
            what = sql.SQL("SELECT")
        elif table.name in APPEND_ONLY:
            what = sql.SQL("SELECT, INSERT")
        else:
            what = sql.SQL("SELECT, INSERT, UPDATE, DELETE")
        await tx.execute(sql.SQL("GRANT {} ON {} TO {}").format(what, sql.Identifier(table.name), role))
    for function in _FUNCTIONS:
        await tx.execute(sql.SQL(f"GRANT EXECUTE ON FUNCTION {function} TO {RUNTIME}"))
    await tx.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(role))
    cursor = await tx.execute("SELECT current_database()")
    row = await cursor.fetchone()
    database = sql.Identifier(row[0] if row is not None else "")
    await tx.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(database, role))


async def has_runtime_role(tx: Transaction) -> bool:
    """Whether the server knows the runtime role."""
    cursor = await tx.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (RUNTIME,))
    return await cursor.fetchone() is not None


async def ensure_runtime_login(conninfo: str, password: str) -> None:
    """On the embedded server, by its superuser: let the runtime role sign in with that password."""
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        if not await has_runtime_role(connection):
            statement = sql.SQL(f"CREATE ROLE {RUNTIME} LOGIN PASSWORD {{}}")
            await connection.execute(statement.format(sql.Literal(password)))


async def ensure_runtime_role(conninfo: str) -> None:
    """On a server given by URL: see to it that its role may work as the runtime role.

    Raises DatabaseUnavailable with the two statements that an administrator of the server must run.
    """
    async with await psycopg.AsyncConnection.connect(conninfo, autocommit=True) as connection:
        try:
            if not await has_runtime_role(connection):
                await connection.execute(sql.SQL(f"CREATE ROLE {RUNTIME} NOLOGIN"))
            cursor = await connection.execute("SELECT pg_has_role(current_user, %s, 'SET')", (RUNTIME,))
            row = await cursor.fetchone()
            if row is None or not row[0]:
                await connection.execute(sql.SQL(f"GRANT {RUNTIME} TO CURRENT_USER"))
        except psycopg.errors.InsufficientPrivilege as fault:
            raise DatabaseUnavailable(
                f"The hub works as the role {RUNTIME}, which owns nothing; have the server's administrator "
                f"run: CREATE ROLE {RUNTIME}; GRANT {RUNTIME} TO the role in POSTERN_DATABASE_URL."
            ) from fault


def as_runtime_role(conninfo: str) -> str:
    """The same server, database and login, but at work as the runtime role from the first statement on."""
    given = conninfo_to_dict(conninfo)
    options = f"{given.get('options') or ''} -c role={RUNTIME}".strip()
    return make_conninfo(conninfo, options=options)


@dataclass(frozen=True, kw_only=True, slots=True)
class RoleReach:
    """What a role may do in the hub's database beyond what the hub needs; empty of everything is well.

    `exempt`: a superuser, or one whom row-level security does not bind; `owns`: tables that it owns, or whose
    owner it may act as; `rewrites`: tables that may only be added to, which it may change; `creates`: it may
    make tables.
    """

    name: str
    exempt: bool
    owns: tuple[str, ...]
    rewrites: tuple[str, ...]
    creates: bool


async def reach_of(tx: Transaction, role: str | None = None) -> RoleReach | None:
    """The reach of that role, or of the one that `tx` works as; None when the server does not know it."""
    cursor = await tx.execute(
        "SELECT r.rolname::text, r.rolsuper OR r.rolbypassrls,"
        " array(SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        "  AND relkind IN ('r', 'p') AND NOT relispartition AND pg_has_role(r.oid, relowner, 'USAGE')"
        "  ORDER BY 1),"
        " array(SELECT relname::text FROM pg_class WHERE relnamespace = 'public'::regnamespace"
        "  AND relname = ANY(%(added)s) AND has_table_privilege(r.oid, oid, 'UPDATE, DELETE, TRUNCATE')"
        "  ORDER BY 1),"
        " has_schema_privilege(r.oid, 'public', 'CREATE')"
        " FROM pg_roles AS r WHERE r.rolname = coalesce(%(role)s, current_user)",
        {"role": role, "added": list(APPEND_ONLY)},
    )
    row = await cursor.fetchone()
    if row is None:
        return None
    name, exempt, owns, rewrites, creates = row
    return RoleReach(name=name, exempt=exempt, owns=tuple(owns), rewrites=tuple(rewrites), creates=creates)


async def unguarded(tx: Transaction) -> list[str]:
    """Tables with somebody's rows that row-level security does not guard."""
    return [
        table.name
        for table in await _tables(tx)
        if table.condition is not None and not (table.secured and table.has_policy)
    ]


async def work_apart(tx: Transaction) -> bool:
    """Whether the policies bind the role of `tx`: it owns no table, is no superuser, bypasses nothing."""
    cursor = await tx.execute(
        "SELECT NOT (rolsuper OR rolbypassrls) AND NOT EXISTS (SELECT 1 FROM pg_class"
        " WHERE relnamespace = 'public'::regnamespace AND pg_has_role(current_user, relowner, 'USAGE'))"
        " FROM pg_roles WHERE rolname = current_user"
    )
    row = await cursor.fetchone()
    return row is not None and bool(row[0])
