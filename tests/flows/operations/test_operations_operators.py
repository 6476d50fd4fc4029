"""The first operator, signing in and out, and being locked out."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import psycopg
import pyotp
import pytest

from postern.clock import SetClock
from postern.errors import BadInput, Conflict, NotFound, NotSignedIn, TooMany
from postern.ids import TenantId
from postern.journal.model import Act
from postern.operations import look
from postern.operations.demo import Demo
from postern.operations.operators import operators, passkeys, sign_in
from postern.operations.services import Services
from postern.operators.model import Actor, Role

PASSWORD = "a long sentence of my own"


def secret_of(link: str) -> str:
    return link.rsplit("/", 1)[1]


@pytest.fixture
async def link(hub: Services, demo: Demo) -> str:
    found = await operators.first_link(hub, demo.tenant)
    assert found is not None
    return found


@pytest.fixture
async def totp(hub: Services, link: str, clock: SetClock) -> pyotp.TOTP:
    """The first operator is set up; their authenticator."""
    shown = await operators.look_at_link(hub, secret_of(link))
    made = pyotp.TOTP(shown.totp_secret)
    await operators.spend_link(
        hub,
        secret_of(link),
        password=PASSWORD,
        totp_secret=shown.totp_secret,
        totp_code=made.at(clock.now()),
    )
    clock.advance(timedelta(seconds=60))
    return made


async def signed_in(hub: Services, totp: pyotp.TOTP, clock: SetClock) -> sign_in.SignedIn:
    clock.advance(timedelta(seconds=60))
    return await sign_in.sign_in(
        hub, login_name="administrator", password=PASSWORD, code=totp.at(clock.now())
    )


async def test_looking_at_the_link_does_not_spend_it(hub: Services, link: str) -> None:
    assert link.startswith("https://postern.example.org/first/")
    await operators.look_at_link(hub, secret_of(link))
    assert (await operators.look_at_link(hub, secret_of(link))).operator.role is Role.ADMINISTRATOR


async def test_a_newer_link_ends_the_older_one(hub: Services, demo: Demo, link: str) -> None:
    assert await operators.first_link(hub, demo.tenant) is not None
    with pytest.raises(NotFound):
        await operators.look_at_link(hub, secret_of(link))


async def test_a_link_ends_after_a_day(hub: Services, link: str, clock: SetClock) -> None:
    clock.advance(timedelta(hours=24))
    with pytest.raises(NotFound):
        await operators.look_at_link(hub, secret_of(link))


async def test_a_weak_password_does_not_spend_the_link(hub: Services, link: str, clock: SetClock) -> None:
    shown = await operators.look_at_link(hub, secret_of(link))
    code = pyotp.TOTP(shown.totp_secret).at(clock.now())
    with pytest.raises(BadInput, match="12"):
        await operators.spend_link(
            hub, secret_of(link), password="short", totp_secret=shown.totp_secret, totp_code=code
        )
    await operators.look_at_link(hub, secret_of(link))


async def test_once_somebody_can_sign_in_there_is_no_first_link(
    hub: Services, demo: Demo, link: str, totp: pyotp.TOTP
) -> None:
    assert await operators.first_link(hub, demo.tenant) is None
    with pytest.raises(NotFound):
        await operators.look_at_link(hub, secret_of(link))


async def test_signing_in_and_out(hub: Services, totp: pyotp.TOTP, clock: SetClock) -> None:
    login = await signed_in(hub, totp, clock)
    assert (await sign_in.who(hub, login.secret)).name == "administrator"
    await sign_in.sign_out(hub, login.actor)
    with pytest.raises(NotSignedIn):
        await sign_in.who(hub, login.secret)


async def test_signing_out_everywhere_ends_all_logins(
    hub: Services, totp: pyotp.TOTP, clock: SetClock
) -> None:
    first, second = await signed_in(hub, totp, clock), await signed_in(hub, totp, clock)
    assert await sign_in.sign_out_everywhere(hub, first.actor) == 2
    with pytest.raises(NotSignedIn):
        await sign_in.who(hub, second.secret)


async def test_an_idle_login_ends(hub: Services, totp: pyotp.TOTP, clock: SetClock) -> None:
    login = await signed_in(hub, totp, clock)
    clock.advance(timedelta(hours=11))
    await sign_in.who(hub, login.secret)
    clock.advance(timedelta(hours=11))
    await sign_in.who(hub, login.secret)
    clock.advance(timedelta(hours=12))
    with pytest.raises(NotSignedIn):
        await sign_in.who(hub, login.secret)


async def test_a_login_in_use_ends_after_a_week(hub: Services, totp: pyotp.TOTP, clock: SetClock) -> None:
    login = await signed_in(hub, totp, clock)
    for _ in range(15):
        clock.advance(timedelta(hours=11))
        await sign_in.who(hub, login.secret)
    clock.advance(timedelta(hours=11))
    with pytest.raises(NotSignedIn):
        await sign_in.who(hub, login.secret)


async def test_a_code_is_good_once(hub: Services, totp: pyotp.TOTP, clock: SetClock) -> None:
    code = totp.at(clock.now())
    await sign_in.sign_in(hub, login_name="administrator", password=PASSWORD, code=code)
    with pytest.raises(NotSignedIn):
        await sign_in.sign_in(hub, login_name="administrator", password=PASSWORD, code=code)


@pytest.mark.parametrize("name", ["administrator", "nobody-here"])
async def test_after_failures_a_name_is_locked_whether_it_exists_or_not(
    hub: Services, totp: pyotp.TOTP, name: str
) -> None:
    for _ in range(5):
        with pytest.raises(NotSignedIn, match=sign_in.WRONG):
            await sign_in.sign_in(hub, login_name=name, password="wrong", code="000000")
    with pytest.raises(TooMany):
        await sign_in.sign_in(hub, login_name=name, password="wrong", code="000000")


async def test_a_recovery_code_is_good_once(hub: Services, link: str, clock: SetClock) -> None:
    shown = await operators.look_at_link(hub, secret_of(link))
    code = pyotp.TOTP(shown.totp_secret).at(clock.now())
    _, recovery = await operators.spend_link(
        hub, secret_of(link), password=PASSWORD, totp_secret=shown.totp_secret, totp_code=code
    )
    await sign_in.sign_in(hub, login_name="administrator", password=PASSWORD, code=recovery[0])
    with pytest.raises(NotSignedIn):
        await sign_in.sign_in(hub, login_name="administrator", password=PASSWORD, code=recovery[0])


async def test_a_disabled_operator_is_out_at_once(
    hub: Services, admin: Actor, totp: pyotp.TOTP, clock: SetClock
) -> None:
    await operators.add_operator(hub, admin, login_name="second", role=Role.ADMINISTRATOR)
    login = await signed_in(hub, totp, clock)
    first = next(one for one in await operators.operators(hub, admin) if one.login_name == "administrator")
    await operators.change_operator(hub, admin, replace(first, disabled=True))
    with pytest.raises(NotSignedIn):
        await sign_in.who(hub, login.secret)


async def test_the_last_administrator_stays(hub: Services, admin: Actor, totp: pyotp.TOTP) -> None:
    (first,) = await operators.operators(hub, admin)
    with pytest.raises(Conflict, match="administrator"):
        await operators.change_operator(hub, admin, replace(first, role=Role.AUDITOR))


async def test_a_passkey_ceremony_is_bound_to_the_consoles_name(hub: Services) -> None:
    begun = await passkeys.begin_sign_in(hub)
    assert '"rpId": "postern.example.org"' in begun.options
    with pytest.raises(NotSignedIn):
        await passkeys.finish_sign_in(hub, secret=begun.secret, answer="{}")


async def test_no_secret_stands_in_clear_in_the_operators_row(hub: Services, totp: pyotp.TOTP) -> None:
    async with hub.database.transaction(TenantId(1)) as tx:
        cursor = await tx.execute("SELECT secrets FROM operator")
        rows = await cursor.fetchall()
    assert rows
    assert all(totp.secret.encode() not in bytes(row[0]) for row in rows)


class Watched:
    """What an attempt asks the database and the hasher, in order."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.done: list[str] = []
        matches = sign_in.password_matches
        for name in ("execute", "executemany"):
            monkeypatch.setattr(psycopg.AsyncCursor, name, self.watching(getattr(psycopg.AsyncCursor, name)))

        def hashing(password_hash: str | None, password: str) -> bool:
            self.done.append("argon2")
            return matches(password_hash, password)

        monkeypatch.setattr(sign_in, "password_matches", hashing)

    def watching(self, ask: Callable[..., Awaitable[object]]) -> Callable[..., Awaitable[object]]:
        async def asking(cursor: object, query: object, *values: object, **more: object) -> object:
            self.done.append(str(query))
            return await ask(cursor, query, *values, **more)

        return asking

    async def attempt(self, hub: Services, name: str) -> list[str]:
        self.done.clear()
        with pytest.raises(NotSignedIn, match=sign_in.WRONG):
            await sign_in.sign_in(hub, login_name=name, password="not the password", code="000000")
        return list(self.done)


async def test_a_name_that_nobody_has_costs_the_same_hashing_and_the_same_statements(
    hub: Services, totp: pyotp.TOTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched = Watched(monkeypatch)
    await watched.attempt(hub, "administrator")  # whose row, just made, is seen for the first time
    known = await watched.attempt(hub, "administrator")
    unknown = await watched.attempt(hub, "nobody.here")
    assert known == unknown
    assert known.count("argon2") == 1
    assert sum("INSERT INTO sign_in_failure" in one for one in known) == 1
    assert sum("INSERT INTO journal_entry" in one for one in known) == 1


async def _only_for_the_known(
    services: Services, tx: object, name: str, operator: object, other: object, *, came_from: object
) -> None:
    """The mutant that writes nothing about a name that nobody has."""
    if operator is not None:
        await _count(services, tx, name, operator, other, came_from=came_from)  # type: ignore[arg-type]


_count = sign_in._count_failure


async def test_an_attempt_that_tells_known_names_from_others_is_caught(
    hub: Services, totp: pyotp.TOTP, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sign_in, "_count_failure", _only_for_the_known)
    watched = Watched(monkeypatch)
    assert await watched.attempt(hub, "administrator") != await watched.attempt(hub, "nobody.here")


async def test_a_name_that_nobody_has_is_not_in_the_journal(hub: Services, totp: pyotp.TOTP) -> None:
    with pytest.raises(NotSignedIn):
        await sign_in.sign_in(hub, login_name="my.secret.password", password="x", code="1")
    admin = Actor(tenant=TenantId(1), name="administrator", role=Role.ADMINISTRATOR)
    entries = [one.entry for one in await look.journal_page(hub, admin)]
    refused = [one for one in entries if one.act is Act.REFUSED]
    assert [(one.actor, one.detail) for one in refused] == [("job:sign-in", "no such name")]
    assert "my.secret.password" not in str(entries)


async def test_of_many_attempts_at_once_only_the_free_ones_are_judged(
    hub: Services, totp: pyotp.TOTP, clock: SetClock
) -> None:
    async def attempt(number: int) -> type[Exception]:
        try:
            await sign_in.sign_in(hub, login_name="administrator", password=f"guess {number}", code="000000")
        except (NotSignedIn, TooMany) as fault:
            return type(fault)
        return AssertionError

    outcomes = await asyncio.gather(*(attempt(number) for number in range(12)))
    assert outcomes.count(NotSignedIn) == sign_in.FREE_FAILURES + 1
    assert outcomes.count(TooMany) == 12 - sign_in.FREE_FAILURES - 1
