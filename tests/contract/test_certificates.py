"""Certificates of one's own and from the local CA, judged by a real TLS handshake."""

from __future__ import annotations

import asyncio
import errno
import ssl
import stat
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from postern.clock import SetClock, SystemClock
from postern.devices.certificates.challenges import challenge_response, expect, forget, responder
from postern.devices.certificates.ensure import ensure_certificate
from postern.devices.certificates.files import certificate_pem, read_pair, write
from postern.devices.certificates.local_ca import _server_certificate, local_certificate, read_root
from postern.devices.certificates.model import (
    CertificateFacts,
    Source,
    TlsFiles,
    is_valid,
    missing_names,
    renew_due,
)
from postern.devices.certificates.own import own_certificate
from postern.errors import SettingsInvalid, StorageFull
from postern.settings import Settings
from tests.contract.mqtt_broker import free_port

NAMES = ("console.example.com", "10.1.2.3", "localhost", "127.0.0.1")
NOW = datetime.now(UTC)


async def handshake(files: TlsFiles, root: Path, name: str) -> None:
    """Connect to a server with `files` as a client that trusts only `root`. Raises ssl.SSLError."""
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(files.certificate, files.key)
    trusting = ssl.create_default_context(cafile=root)
    trusting.verify_flags |= ssl.VERIFY_X509_STRICT
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=served)
    port = server.sockets[0].getsockname()[1]
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=name)
        writer.close()
    finally:
        server.close()


def changed(files: TlsFiles) -> bytes:
    return files.certificate.read_bytes()


@pytest.mark.parametrize("name", NAMES)
async def test_a_browser_that_has_the_root_accepts_every_name(tmp_path: Path, name: str) -> None:
    files = local_certificate(tmp_path, NAMES, NOW)
    assert files.root is not None
    await handshake(files, files.root, name)


async def test_a_browser_that_lacks_the_root_refuses(tmp_path: Path) -> None:
    files = local_certificate(tmp_path / "one", NAMES, NOW)
    other = local_certificate(tmp_path / "other", NAMES, NOW)
    assert other.root is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(files, other.root, "localhost")


async def test_another_name_is_refused(tmp_path: Path) -> None:
    files = local_certificate(tmp_path, NAMES, NOW)
    assert files.root is not None
    with pytest.raises(ssl.SSLCertVerificationError):
        await handshake(files, files.root, "bank.example")


@pytest.mark.parametrize("name", ["bank.example", "93.184.216.34"])
async def test_a_stolen_ca_key_cannot_vouch_for_a_bank(tmp_path: Path, name: str) -> None:
    files = local_certificate(tmp_path, NAMES, NOW)
    assert files.root is not None
    root = read_pair(files.root, tmp_path / "root-key.pem")
    key = read_pair(files.certificate, files.key).key
    forged = _server_certificate(root, key, (name,), NOW)  # type: ignore[arg-type]  # its key is our P-256 key
    write(files.certificate, certificate_pem(forged))
    with pytest.raises(ssl.SSLCertVerificationError, match="subtree"):
        await handshake(files, files.root, name)


def test_the_keys_are_for_nobody_else_to_read(tmp_path: Path) -> None:
    local_certificate(tmp_path / "local", NAMES, NOW)
    for key in ("root-key.pem", "server-key.pem"):
        assert stat.S_IMODE((tmp_path / "local" / key).stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "local").stat().st_mode) == 0o700


def test_the_lives_are_as_long_as_promised(tmp_path: Path) -> None:
    files = local_certificate(tmp_path, NAMES, NOW)
    server = read_pair(files.certificate, files.key).facts
    root = read_root(tmp_path)
    assert root is not None
    assert server.not_after - server.not_before <= timedelta(days=397)
    assert timedelta(days=3650) == root.facts.not_after - root.facts.not_before
    assert x509.load_pem_x509_certificate(root.pem).signature_hash_algorithm is not None


def test_a_certificate_is_kept_until_two_thirds_of_its_life(tmp_path: Path) -> None:
    first = changed(local_certificate(tmp_path, NAMES, NOW))
    assert changed(local_certificate(tmp_path, NAMES, NOW + timedelta(days=264))) == first
    assert changed(local_certificate(tmp_path, NAMES, NOW + timedelta(days=265))) != first


def test_a_further_name_makes_a_new_certificate_of_the_same_root(tmp_path: Path) -> None:
    files = local_certificate(tmp_path, NAMES, NOW)
    first, root = changed(files), read_root(tmp_path)
    more = local_certificate(tmp_path, (*NAMES, "postern.local", "192.168.7.7"), NOW)
    assert changed(more) != first
    assert read_root(tmp_path) == root
    assert more.fault is None


def test_a_name_that_the_root_may_not_vouch_for_is_left_out_and_told(tmp_path: Path) -> None:
    local_certificate(tmp_path, NAMES, NOW)
    files = local_certificate(tmp_path, (*NAMES, "elsewhere.example.org"), NOW)
    assert files.fault is not None
    assert "elsewhere.example.org" in files.fault
    assert set(read_pair(files.certificate, files.key).facts.names) == set(NAMES)
    with pytest.raises(SettingsInvalid, match="elsewhere"):
        local_certificate(tmp_path, ("elsewhere.example.org",), NOW)


def test_a_certificate_for_nobody_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="at least one name"):
        local_certificate(tmp_path, (), NOW)


def test_a_torn_pair_is_made_anew(tmp_path: Path) -> None:
    files = local_certificate(tmp_path, NAMES, NOW)
    other = local_certificate(tmp_path / "other", NAMES, NOW)
    files.key.write_bytes(other.key.read_bytes())
    assert read_pair(files.certificate, files.key).matches is False
    local_certificate(tmp_path, NAMES, NOW)
    assert read_pair(files.certificate, files.key).matches


def test_a_root_whose_key_is_lost_is_not_replaced_in_silence(tmp_path: Path) -> None:
    local_certificate(tmp_path, NAMES, NOW)
    other = local_certificate(tmp_path / "other", NAMES, NOW)
    assert other.root is not None
    (tmp_path / "root-key.pem").write_bytes((tmp_path / "other" / "root-key.pem").read_bytes())
    with pytest.raises(SettingsInvalid, match="install its root everywhere again"):
        local_certificate(tmp_path, NAMES, NOW)
    with pytest.raises(SettingsInvalid, match="ended"):
        local_certificate(tmp_path / "other", NAMES, NOW + timedelta(days=3651))


def test_there_is_no_root_before_it_was_made(tmp_path: Path) -> None:
    assert read_root(tmp_path) is None


@pytest.fixture
def own(tmp_path: Path) -> TlsFiles:
    return local_certificate(tmp_path / "ours", NAMES, NOW)


def test_a_certificate_of_ones_own_is_served_as_it_is(own: TlsFiles) -> None:
    served = own_certificate(own.certificate, own.key, ("localhost",), NOW)
    assert served == TlsFiles(source=Source.OWN, certificate=own.certificate, key=own.key)


def test_ones_own_certificate_for_other_names_is_served_with_a_warning(own: TlsFiles) -> None:
    served = own_certificate(own.certificate, own.key, ("localhost", "door.example.org"), NOW)
    assert served.fault is not None
    assert "door.example.org" in served.fault


@pytest.mark.parametrize("days", [-1, 398])
def test_ones_own_certificate_out_of_its_dates_is_refused(own: TlsFiles, days: int) -> None:
    with pytest.raises(SettingsInvalid, match="valid from"):
        own_certificate(own.certificate, own.key, (), NOW + timedelta(days=days))


def test_a_key_of_another_certificate_is_refused(own: TlsFiles, tmp_path: Path) -> None:
    other = local_certificate(tmp_path / "other", NAMES, NOW)
    with pytest.raises(SettingsInvalid, match="does not belong"):
        own_certificate(own.certificate, other.key, (), NOW)


def test_a_key_that_everybody_can_read_is_refused(own: TlsFiles) -> None:
    own.key.chmod(0o644)
    with pytest.raises(SettingsInvalid, match="chmod"):
        own_certificate(own.certificate, own.key, (), NOW)


@pytest.mark.parametrize("which", ["certificate", "key"])
def test_a_file_that_is_missing_or_something_else_is_named(own: TlsFiles, tmp_path: Path, which: str) -> None:
    files = {"certificate": own.certificate, "key": own.key}
    (tmp_path / "junk").write_text("not PEM")
    for path, words in ((tmp_path / "absent", "cannot be read"), (tmp_path / "junk", "in PEM")):
        given = files | {which: path}
        with pytest.raises(SettingsInvalid, match=words):
            own_certificate(given["certificate"], given["key"], (), NOW)


def facts(*names: str, days: float = 90) -> CertificateFacts:
    return CertificateFacts(
        names=names, not_before=NOW, not_after=NOW + timedelta(days=days), fingerprint="", issuer=""
    )


@pytest.mark.parametrize(
    ("days", "due"), [(-1, True), (0, False), (59.9, False), (60, True), (90, True), (1000, True)]
)
def test_renewal_is_due_at_two_thirds_of_life(days: float, due: bool) -> None:
    assert renew_due(facts(), NOW + timedelta(days=days)) is due


def test_dates_are_half_open() -> None:
    assert is_valid(facts(), NOW)
    assert not is_valid(facts(), NOW + timedelta(days=90))


@pytest.mark.parametrize(
    ("held", "name", "covered"),
    [
        ("a.example", "A.example", True),
        ("*.example", "a.example", True),
        ("*.example", "a.b.example", False),
        ("*.example", "example", False),
        ("a.example", "b.a.example", False),
        ("10.0.0.1", "10.0.0.1", True),
        ("*.0.0.1", "10.0.0.1", False),
    ],
)
def test_a_star_stands_for_one_label(held: str, name: str, covered: bool) -> None:
    assert (missing_names(facts(held), (name,)) == ()) is covered


def test_a_certificate_without_names_vouches_for_none() -> None:
    assert missing_names(facts(), ("a.example",)) == ("a.example",)


def settings(folder: Path, **given: Any) -> Settings:
    return Settings(data=folder, **given)


async def ensured(folder: Path, names: Sequence[str] = NAMES, **given: Any) -> TlsFiles:
    return await ensure_certificate(settings(folder, **given), names, folder / "tls", SystemClock())


async def test_without_settings_the_local_ca_vouches(tmp_path: Path) -> None:
    files = await ensured(tmp_path)
    assert files.source is Source.LOCAL_CA
    assert files.root is not None
    await handshake(files, files.root, "localhost")


async def test_ones_own_files_go_before_everything_else(tmp_path: Path, own: TlsFiles) -> None:
    files = await ensured(
        tmp_path, tls_certificate=own.certificate, tls_key=own.key, acme_domain="door.example.org"
    )
    assert files.source is Source.OWN


async def test_half_a_pair_in_the_settings_is_refused(tmp_path: Path, own: TlsFiles) -> None:
    with pytest.raises(SettingsInvalid, match="give both"):
        await ensured(tmp_path, tls_certificate=own.certificate)


async def test_the_clock_decides_what_is_due(tmp_path: Path) -> None:
    clock = SetClock(NOW)
    first = changed(await ensure_certificate(settings(tmp_path), NAMES, tmp_path, clock))
    clock.advance(timedelta(days=300))
    assert changed(await ensure_certificate(settings(tmp_path), NAMES, tmp_path, clock)) != first


def test_a_challenge_is_answered_while_it_is_expected(tmp_path: Path) -> None:
    token = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ"
    assert challenge_response(tmp_path, token) is None
    expect(tmp_path, token, f"{token}.thumb")
    assert challenge_response(tmp_path, token) == f"{token}.thumb"
    forget(tmp_path, token)
    assert challenge_response(tmp_path, token) is None


@pytest.mark.parametrize("token", ["", "short", "../../../../etc/passwd", "a" * 20 + "/../x", "a" * 129])
def test_a_token_never_names_another_file(tmp_path: Path, token: str) -> None:
    assert challenge_response(tmp_path, token) is None
    with pytest.raises(ValueError, match="token"):
        expect(tmp_path, token, "")


async def asked(port: int, request: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(request)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


async def test_the_responder_gives_challenges_and_nothing_else(tmp_path: Path) -> None:
    token, port = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ", free_port()
    expect(tmp_path, token, f"{token}.thumb")
    path = f"/.well-known/acme-challenge/{token}".encode()
    async with responder(tmp_path, host="127.0.0.1", port=port):
        given = await asked(port, b"GET " + path + b" HTTP/1.1\r\nHost: x\r\n\r\n")
        assert given.startswith(b"HTTP/1.1 200 OK\r\n")
        assert given.endswith(f"\r\n\r\n{token}.thumb".encode())
        for request in (b"GET / HTTP/1.1\r\n\r\n", b"POST " + path + b" HTTP/1.1\r\n\r\n", b"junk\r\n\r\n"):
            assert (await asked(port, request)).startswith(b"HTTP/1.1 404 ")


def test_a_full_disk_is_said_so_and_leaves_the_old_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "key.pem"
    write(kept, b"old")

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageFull, match="make room"):
        write(kept, b"new")
    assert kept.read_bytes() == b"old"
