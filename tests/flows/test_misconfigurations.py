"""Fifty ways to set Postern up wrongly: each stops the start, and each says in one line what to do."""

from __future__ import annotations

import stat
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from postern.clock import SetClock
from postern.doctor import databases, outside, report, secrets, sockets, tenants, timekeeping
from postern.doctor.finding import Finding, Level
from postern.doctor.sockets import Listening
from postern.errors import SettingsInvalid
from postern.postgres.isolation import RoleReach
from postern.settings import Settings
from postern.up import _require_closed

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
GOOD = "velvet-otter-climbs-nine-ladders"
Look = Callable[[Path], list[Finding]]


def hba(line: str) -> Look:
    return lambda _: databases.access_findings(line, "the data database")


def server(**shown: str) -> Look:
    return lambda _: databases.server_findings(shown, embedded=True, superuser=False, where="the server")


def superuser(_: Path) -> list[Finding]:
    return databases.server_findings({}, embedded=False, superuser=True, where="the server")


def urls(**given: str) -> Look:
    return lambda folder: [
        *databases.address_findings(Settings(data=folder, **given)),
        *secrets.examine(Settings(data=folder, **given)),
    ]


def listens(program: str, host: str, port: int) -> Look:
    mine = Listening(program=program, host=host, port=port)
    return lambda folder: sockets.judge([mine], Settings(data=folder, port=8440), has_tls=True)


def has_secret(**given: object) -> Look:
    return lambda folder: secrets.examine(Settings(data=folder, **given))  # type: ignore[arg-type]


def readable(setting: str, mode: int = 0o644) -> Look:
    def look(folder: Path) -> list[Finding]:
        file = folder / "a-key.pem"
        file.write_text("x")
        file.chmod(mode)
        return secrets.examine(Settings(data=folder, **{setting: file}))

    return look


def in_folder(name: str, mode: int, *, is_folder: bool = False) -> Look:
    def look(folder: Path) -> list[Finding]:
        path = folder / name
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        path.mkdir() if is_folder else path.write_text("x")
        path.chmod(mode)
        from postern.doctor import files

        return [*files.examine(folder), *secrets.examine(Settings(data=folder))]

    return look


def pages(path: str) -> Look:
    return lambda _: outside.judge_pages({path: 200}, "the console")


def reach(**given: object) -> Look:
    usual = {"name": "postern_app", "exempt": False, "owns": (), "rewrites": (), "creates": False}
    return lambda _: tenants.judge(RoleReach(**{**usual, **given}), [])  # type: ignore[arg-type]


def open_root(folder: Path) -> list[Finding]:
    (folder / "keys").mkdir(mode=0o700)
    (folder / "keys" / "unattended.key").write_text("{}")
    return secrets.examine(Settings(data=folder, mode="production"))


def wide_without_tls(folder: Path) -> list[Finding]:
    return sockets.judge([], Settings(data=folder, host="0.0.0.0"), has_tls=False)


def clock_back(_: Path) -> list[Finding]:
    found = timekeeping.judge_past(datetime(2019, 1, 1, tzinfo=UTC), None)
    return [found] if found else []


def clock_behind_log(_: Path) -> list[Finding]:
    found = timekeeping.judge_past(NOW, NOW.replace(hour=14))
    return [found] if found else []


WRONG: dict[str, Look] = {
    "pg_hba trust, local": hba("local all all trust"),
    "pg_hba trust, over the network": hba("host all all 0.0.0.0/0 trust"),
    "pg_hba trust, this machine": hba("host all all 127.0.0.1/32 trust"),
    "pg_hba trust in upper case fields": hba("local  postern   postern  trust # for a moment"),
    "pg_hba password in clear": hba("local all all password"),
    "pg_hba ident": hba("host all all 10.0.0.0/8 ident"),
    "pg_hba open to the network by SCRAM": hba("host all all ::/0 scram-sha-256"),
    "pg_hba hostssl from everywhere": hba("hostssl all all 0.0.0.0/0 scram-sha-256"),
    "pg_hba hostnossl": hba("hostnossl all all 0.0.0.0/0 md5"),
    "superuser": superuser,
    "server on the network": server(listen_addresses="*"),
    "fsync off": server(fsync="off"),
    "full pages off": server(full_page_writes="off"),
    "checksums off": server(data_checksums="off"),
    "database without TLS": urls(database_url=f"postgresql://p:{GOOD}@db.example/p"),
    "database with sslmode=require": urls(database_url=f"postgresql://p:{GOOD}@db.example/p?sslmode=require"),
    "keystore without TLS": urls(keystore_url=f"postgresql://p:{GOOD}@keys.example/p"),
    "keys beside the data": urls(
        database_url=f"postgresql://p:{GOOD}@db.example/p?sslmode=verify-full",
        keystore_url=f"postgresql://p:{GOOD}@db.example/k?sslmode=verify-full",
    ),
    "default database password": urls(
        database_url="postgresql://p:postgres@db.example/p?sslmode=verify-full"
    ),
    "empty keystore password": urls(keystore_url="postgresql://p:@/p?host=/run/pg&password=''"),
    "default keystore password": urls(keystore_url="postgresql://p:changeme@localhost/p"),
    "PostgreSQL listens": listens("postgres", "0.0.0.0", 5432),
    "PostgreSQL listens on this machine": listens("postgres", "127.0.0.1", 5432),
    "metrics listen": listens("postern", "0.0.0.0", 9090),
    "a debugger listens": listens("python", "127.0.0.1", 5678),
    "console wider than set": listens("postern", "0.0.0.0", 8440),
    "drivers' pages wider than set": listens("postern", "0.0.0.0", 8441),
    "muster page wider than set": listens("postern", "::", 8442),
    "console on the network without TLS": wide_without_tls,
    "empty passphrase": has_secret(passphrase=""),
    "default passphrase": has_secret(passphrase="postern2026"),
    "short passphrase": has_secret(passphrase="short one"),
    "repeated passphrase": has_secret(passphrase="aaaaaaaaaaaaaaaaaaaa"),
    "default PIN of the HSM": has_secret(pkcs11_pin="123456"),
    "default Vault token": has_secret(vault_token="root"),
    "empty Vault secret": has_secret(vault_secret_id=""),
    "empty Stripe key": has_secret(stripe_secret_key=""),
    "empty webhook secret": has_secret(stripe_webhook_secret=""),
    "default OpenID secret": has_secret(oidc_client_secret="secret"),
    "console's key readable": readable("tls_key"),
    "console's key of the group, writable": readable("tls_key", 0o660),
    "drivers' key readable": readable("pay_tls_key"),
    "muster page's key readable": readable("muster_tls_key"),
    "mail password readable": readable("smtp_password_file"),
    "OpenID secret readable": readable("oidc_client_secret_file", 0o604),
    "root key unguarded in production": open_root,
    "root key readable": in_folder("keys/root.key", 0o644),
    "folder open": in_folder("pictures", 0o755, is_folder=True),
    "database password readable": in_folder("pg/data.password", 0o640),
    "settings readable": in_folder("postern.toml", 0o644),
    "API's pages shown": pages("/docs"),
    "API's schema shown": pages("/openapi.json"),
    "metrics shown": pages("/metrics"),
    "environment file shown": pages("/.env"),
    "repository shown": pages("/.git/config"),
    "TLS 1.0": lambda _: outside.judge_tls(["TLSv1"], "the console"),
    "TLS 1.1": lambda _: outside.judge_tls(["TLSv1.1"], "the console"),
    "public bucket": lambda _: outside.judge_bucket(200, "s3://pictures"),
    "bucket in clear": lambda _: outside.judge_url("http://s3.example.org"),
    "hub's role bypasses the policies": reach(exempt=True),
    "hub's role owns tables": reach(owns=("person",)),
    "hub's role rewrites the journal": reach(rewrites=("journal_entry",)),
    "hub's role makes tables": reach(creates=True),
    "a table without its policy": lambda _: tenants.judge(None, ["person"]),
    "the clock set back": clock_back,
    "the clock behind our own log": clock_behind_log,
}


@pytest.mark.parametrize("name", WRONG)
def test_each_misconfiguration_stops_the_start_with_its_cure(name: str, tmp_path: Path) -> None:
    tmp_path.chmod(stat.S_IRWXU)
    dangers = [one for one in WRONG[name](tmp_path) if one.level is Level.DANGER]
    assert dangers, name
    with pytest.raises(SettingsInvalid) as refusal:
        _require_closed(dangers, ())
    said = str(refusal.value)
    assert "\n" not in said
    assert dangers[0].cure
    assert dangers[0].cure in said
    assert f"--i-accept {dangers[0].name}" in said
    assert GOOD not in said
    _require_closed(dangers, {one.name for one in dangers})


def test_there_are_at_least_fifty() -> None:
    assert len(WRONG) >= 50


async def test_a_fresh_folder_is_let_start(tmp_path: Path) -> None:
    """The other way round: nothing that is as it should be is refused."""
    tmp_path.chmod(stat.S_IRWXU)
    settings = Settings(data=tmp_path, mode="demo", passphrase="velvet otter climbs nine ladders")
    assert await report.before_start(settings, {}, SetClock(NOW)) == []


@pytest.mark.parametrize("status", [None, 301, 401, 403, 404, 503])
def test_a_closed_bucket_and_closed_pages_are_well(status: int | None) -> None:
    assert outside.judge_bucket(status, "s3://b") == []
    assert outside.judge_pages({"/docs": status or 404}, "the console") == []


def test_accepting_one_danger_accepts_no_other() -> None:
    one = secrets.passphrase_findings(None) or databases.access_findings("local all all trust", "it")
    other = outside.judge_tls(["TLSv1"], "it")
    with pytest.raises(SettingsInvalid):
        _require_closed([*one, *other], {one[0].name})
