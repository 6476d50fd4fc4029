"""The doctor, on one planted fault at a time, and on what is as it should be."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import SecretStr

from postern.clock import SetClock
from postern.doctor import certificate, databases, disk, files, models, secrets, sockets, timekeeping
from postern.doctor.finding import Finding, Level
from postern.doctor.report import as_json, as_text, worst
from postern.postgres.embedded import Cluster
from postern.settings import Settings

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(data=tmp_path / "data", port=8440)


@pytest.fixture
def folder(settings: Settings) -> Path:
    return settings.folder("keys").parent


def levels(findings: list[Finding]) -> set[Level]:
    return {finding.level for finding in findings}


@pytest.fixture
def stray_socket() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_socket_that_no_setting_declares_is_a_danger(stray_socket: int, settings: Settings) -> None:
    found = sockets.examine(os.getpid(), settings, has_tls=False)
    assert any(one.level is Level.DANGER and f":{stray_socket}," in one.message for one in found)


def test_the_declared_socket_is_well(stray_socket: int, settings: Settings) -> None:
    mine = sockets.Listening(program="postern", host="127.0.0.1", port=settings.port)
    assert levels(sockets.judge([mine], settings, has_tls=False)) == {Level.OK}


def test_a_console_wider_than_its_settings_is_a_danger(settings: Settings) -> None:
    wide = sockets.Listening(program="postern", host="0.0.0.0", port=settings.port)
    assert levels(sockets.judge([wide], settings, has_tls=True)) == {Level.DANGER}
    muster = sockets.Listening(program="postern", host="127.0.0.1", port=settings.port + 2)
    assert levels(sockets.judge([muster], settings, has_tls=False)) == {Level.OK}
    assert levels(sockets.judge([replace(muster, host="0.0.0.0")], settings, has_tls=False)) == {Level.DANGER}


def test_a_console_on_the_network_without_tls_is_a_danger(tmp_path: Path) -> None:
    wide = Settings(data=tmp_path, host="0.0.0.0")
    assert levels(sockets.judge([], wide, has_tls=False)) == {Level.DANGER}
    assert levels(sockets.judge([], wide, has_tls=True)) == {Level.OK}


def test_a_postern_that_does_not_run_is_worth_a_look(settings: Settings) -> None:
    assert levels(sockets.examine(None, settings, has_tls=False)) == {Level.WARN}


@pytest.mark.parametrize(
    "secret", ["", "password", "postern2026", "aaaaaaaaaaaaaaaa", "Change-Me", "short one"]
)
def test_an_empty_default_or_short_passphrase_is_a_danger(secret: str) -> None:
    assert levels(secrets.passphrase_findings(SecretStr(secret))) == {Level.DANGER}


def test_a_long_random_passphrase_is_well() -> None:
    assert secrets.passphrase_findings(SecretStr("velvet otter climbs nine ladders")) == []


def test_a_default_database_password_is_a_danger_and_is_not_repeated(tmp_path: Path) -> None:
    url = SecretStr("postgresql://postern:postgres@db.example/postern?sslmode=verify-full")
    found = secrets.examine(Settings(data=tmp_path, database_url=url))
    assert levels(found) == {Level.DANGER}
    assert "POSTERN_DATABASE_URL" in found[0].message
    assert "postgres@" not in as_json(found)


def test_an_unguarded_root_key_is_a_danger_in_production_and_a_warning_in_a_demo(folder: Path) -> None:
    (folder / "keys" / "unattended.key").write_text("{}")
    production = Settings(data=folder, mode="production")
    assert levels(secrets.examine(production)) == {Level.DANGER}
    assert levels(secrets.examine(Settings(data=folder, mode="demo"))) == {Level.WARN}


def test_a_settings_file_that_others_may_read_is_a_danger(folder: Path, settings: Settings) -> None:
    (folder / "postern.toml").write_text("port = 8440\n")
    (folder / "postern.toml").chmod(0o644)
    assert levels(secrets.examine(settings)) == {Level.DANGER}


def test_a_data_folder_closed_to_others_is_well(folder: Path) -> None:
    assert levels(files.examine(folder)) == {Level.OK}


def test_a_data_folder_open_to_others_is_a_danger(folder: Path) -> None:
    folder.chmod(0o755)
    found = files.examine(folder)
    assert levels(found) == {Level.DANGER}
    assert found[0].cure == f"chmod 700 '{folder}'"


def test_a_key_that_others_may_read_is_a_danger(folder: Path) -> None:
    key = folder / "keys" / "root.key"
    key.write_text("{}")
    key.chmod(0o640)
    assert [one.cure for one in files.examine(folder)] == [f"chmod 600 '{key}'"]


def test_a_data_folder_that_anybody_may_replace_is_a_danger(tmp_path: Path) -> None:
    commons = tmp_path / "commons"
    (commons / "data").mkdir(parents=True, mode=0o700)
    commons.chmod(0o777)
    assert levels(files.examine(commons / "data")) == {Level.DANGER}


@pytest.mark.parametrize(
    "rule",
    [
        "local all all trust",
        "host all all 127.0.0.1/32 trust",
        "host all all 0.0.0.0/0 scram-sha-256",
        "local all all password",
    ],
)
def test_a_database_that_lets_in_too_many_is_a_danger(rule: str, folder: Path, settings: Settings) -> None:
    rules = settings.folder("pg/data") / "pg_hba.conf"
    rules.write_text(f"# ours\nlocal all all scram-sha-256\n{rule}\n")
    assert levels(databases.access_findings(rules.read_text(), "the data database")) == {Level.DANGER}


async def test_our_own_rules_and_cluster_are_well(cluster: Cluster, settings: Settings) -> None:
    answer = await databases.asked(cluster.conninfo())
    assert answer is not None
    shown, superuser = answer
    shown |= {"fsync": "on", "full_page_writes": "on"}  # the tests' own cluster is fast instead of durable
    found = databases.server_findings(shown, embedded=True, superuser=superuser, where="the data database")
    assert found == []


async def test_a_superuser_at_work_and_a_server_without_fsync_are_dangers(
    cluster: Cluster, settings: Settings
) -> None:
    superuser = cluster.conninfo(role="supervisor", database="postgres")
    found = await databases.examine(settings, {"data": superuser})
    said = " ".join(one.message for one in found if one.level is Level.DANGER)
    assert "superuser" in said
    assert "fsync off" in said


async def test_a_database_that_does_not_answer_is_a_danger(settings: Settings) -> None:
    found = await databases.examine(settings, {"data": "host=/nonexistent dbname=postern"})
    assert levels(found) == {Level.DANGER}


def test_a_database_that_listens_on_the_network_is_a_danger() -> None:
    shown = {"listen_addresses": "*"}
    found = databases.server_findings(shown, embedded=True, superuser=False, where="the data database")
    assert levels(found) == {Level.DANGER}


def test_keys_in_the_same_server_as_the_data_are_a_danger(tmp_path: Path) -> None:
    url = SecretStr("postgresql://postern:Yr8-long-and-random@127.0.0.1:5432/postern")
    found = databases.address_findings(Settings(data=tmp_path, database_url=url, keystore_url=url))
    assert levels(found) == {Level.DANGER}


def test_a_distant_database_that_proves_nothing_is_a_danger(tmp_path: Path) -> None:
    url = SecretStr("postgresql://postern:Yr8-long-and-random@db.example/postern?sslmode=require")
    assert levels(databases.address_findings(Settings(data=tmp_path, database_url=url))) == {Level.DANGER}


@pytest.mark.parametrize(
    ("free", "level"), [(100 * 2**20, Level.DANGER), (2 * 2**30, Level.WARN), (90 * 2**30, Level.OK)]
)
def test_a_disk_that_fills_is_told_before_it_is_full(free: int, level: Level) -> None:
    assert disk.judge(free=free, total=100 * 2**30, folder=Path("/data")).level is level


def test_the_disk_of_a_folder_still_to_be_made_is_looked_at(tmp_path: Path) -> None:
    assert len(disk.examine(tmp_path / "not" / "yet")) == 1


@pytest.mark.parametrize(
    ("seconds", "level"), [(0.5, None), (-5, Level.WARN), (3600, Level.DANGER), (-3600, Level.DANGER)]
)
def test_a_clock_beside_the_hub_s_is_told(seconds: float, level: Level | None) -> None:
    found = timekeeping.judge_offset(timedelta(seconds=seconds), against="the hub's")
    assert (found.level if found else None) is level


async def test_a_clock_that_was_set_back_is_a_danger(folder: Path, settings: Settings) -> None:
    log = settings.folder("log") / "hub.log"
    log.write_text("{}")
    later = datetime.fromtimestamp(log.stat().st_mtime, UTC)
    found = await timekeeping.examine(folder, SetClock(later - timedelta(days=1)), hub_url=None)
    assert Level.DANGER in levels(found)


def test_a_clock_from_before_this_program_is_a_danger() -> None:
    found = timekeeping.judge_past(datetime(1970, 1, 1, tzinfo=UTC), None)
    assert found is not None
    assert found.level is Level.DANGER


def test_a_clock_that_jumps_is_a_danger() -> None:
    assert timekeeping.judge_pace(wall=3600.2, steady=0.2) is not None
    assert timekeeping.judge_pace(wall=0.21, steady=0.2) is None


def test_the_installed_models_are_well() -> None:
    assert levels(models.examine()) == {Level.OK}


def test_a_changed_or_missing_model_is_a_danger(tmp_path: Path) -> None:
    changed = tmp_path / "model.onnx"
    changed.write_bytes(b"not what was installed")
    planted = [
        models.ModelFile(package="rapidocr", path=changed, digest="A" * 43),
        models.ModelFile(package="rapidocr", path=tmp_path / "gone.onnx", digest=None),
    ]
    found = models.judge(planted)
    assert levels(found) == {Level.DANGER}
    assert len(found) == 3, "changed, missing, and a package not installed at all"


@pytest.mark.parametrize(
    ("days", "level"), [(-1, Level.DANGER), (1, Level.DANGER), (7, Level.WARN), (60, Level.OK)]
)
def test_a_certificate_is_told_before_it_ends(days: int, level: Level) -> None:
    assert certificate.judge(NOW + timedelta(days=days), NOW).level is level


def test_an_unreadable_certificate_is_a_danger(tmp_path: Path) -> None:
    broken = tmp_path / "console.pem"
    broken.write_text("no certificate")
    assert levels(certificate.examine(broken, NOW)) == {Level.DANGER}
    assert certificate.examine(None, NOW) == []


def test_the_report_says_the_worst_and_how_to_mend_it() -> None:
    fine = Finding(name="disk", level=Level.OK, message="enough room")
    bad = Finding(name="files", level=Level.DANGER, message="the key is open", cure="chmod 600 key")
    assert worst([]) is Level.OK
    assert worst([fine, bad]) is Level.DANGER
    assert "-> chmod 600 key" in as_text([fine, bad])
    assert json.loads(as_json([bad])) == [
        {"name": "files", "level": "danger", "message": "the key is open", "cure": "chmod 600 key"}
    ]
