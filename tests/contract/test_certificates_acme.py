"""ACME against a real server of it: Pebble, Let's Encrypt's own for tests, validating over HTTP-01."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import ssl
import stat
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from postern.clock import SetClock, SystemClock
from postern.devices.certificates.challenges import responder
from postern.devices.certificates.ensure import AcmePort, ensure_certificate
from postern.devices.certificates.files import read_pair
from postern.devices.certificates.local_ca import local_certificate
from postern.devices.certificates.model import Source, TlsFiles
from postern.settings import Settings
from tests.contract.mqtt_broker import free_port
from tests.needs import needs

NAME = "door.example.org"

pytestmark = needs("pebble", "pebble-challtestsrv")


@dataclass(frozen=True, kw_only=True, slots=True)
class Authority:
    """A running Pebble: it resolves every name to loopback and fetches challenges from `http_port`."""

    directory: str
    management: str
    http_port: int
    ca: Path


@contextlib.asynccontextmanager
async def running(*command: str, env: dict[str, str] | None = None) -> AsyncIterator[None]:
    process = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
        env={**os.environ, **(env or {})},
    )
    try:
        yield
    finally:
        process.kill()
        await process.wait()


@pytest.fixture
async def authority(tmp_path: Path) -> AsyncIterator[Authority]:
    acme, management, http, dns, mock = (free_port() for _ in range(5))
    own = local_certificate(tmp_path / "pebble-tls", ("localhost", "127.0.0.1"), SystemClock().now())
    assert own.root is not None
    config = {
        "listenAddress": f"127.0.0.1:{acme}",
        "managementListenAddress": f"127.0.0.1:{management}",
        "certificate": str(own.certificate),
        "privateKey": str(own.key),
        "httpPort": http,
        "tlsPort": free_port(),
    }
    (tmp_path / "pebble.json").write_text(json.dumps({"pebble": config}))
    names = ("-dns01", f"127.0.0.1:{dns}", "-management", f"127.0.0.1:{mock}", "-defaultIPv6", "")
    others = ("-http01", "", "-https01", "", "-tlsalpn01", "")
    served = ("pebble", "-config", str(tmp_path / "pebble.json"), "-dnsserver", f"127.0.0.1:{dns}", "-strict")
    fast = {"PEBBLE_VA_NOSLEEP": "1", "PEBBLE_WFE_NONCEREJECT": "0", "PEBBLE_AUTHZREUSE": "0"}
    async with running("pebble-challtestsrv", *names, *others), running(*served, env=fast):
        await listening(acme)
        await listening(dns)
        yield Authority(
            directory=f"https://localhost:{acme}/dir",
            management=f"https://localhost:{management}",
            http_port=http,
            ca=own.root,
        )


async def listening(port: int) -> None:
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(OSError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.05)


async def ensured(authority: Authority, folder: Path, clock: SetClock | SystemClock, port: int) -> TlsFiles:
    return await ensure_certificate(
        Settings(data=folder, acme_domain=NAME, acme_directory=authority.directory),
        (NAME, "localhost"),
        folder / "tls",
        clock,
        acme_port=AcmePort(host="127.0.0.1", port=port, ca=authority.ca),
    )


async def roots(authority: Authority) -> str:
    trusting = ssl.create_default_context(cafile=authority.ca)
    async with httpx.AsyncClient(verify=trusting) as client:
        return (await client.get(f"{authority.management}/roots/0")).text


async def test_a_certificate_is_obtained_kept_and_renewed(authority: Authority, tmp_path: Path) -> None:
    files = await ensured(authority, tmp_path, SystemClock(), authority.http_port)
    assert (files.source, files.fault, files.root) == (Source.ACME, None, None)
    pair = read_pair(files.certificate, files.key)
    assert pair.matches
    assert pair.facts.names == (NAME,)
    assert len(pair.certificates) > 1
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600

    first, account = files.certificate.read_bytes(), (tmp_path / "tls/acme/account-key.pem").read_bytes()
    await ensured(authority, tmp_path, SystemClock(), authority.http_port)
    assert files.certificate.read_bytes() == first

    due = SetClock(pair.facts.not_after - timedelta(days=1))
    await ensured(authority, tmp_path, due, authority.http_port)
    assert files.certificate.read_bytes() != first
    assert (tmp_path / "tls/acme/account-key.pem").read_bytes() == account
    assert list((tmp_path / "tls/acme/challenges").iterdir()) == []


async def test_the_certificate_is_accepted_by_who_trusts_the_authority(
    authority: Authority, tmp_path: Path
) -> None:
    files = await ensured(authority, tmp_path, SystemClock(), authority.http_port)
    served = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    served.load_cert_chain(files.certificate, files.key)
    trusting = ssl.create_default_context(cadata=await roots(authority))
    server = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0, ssl=served)
    port = server.sockets[0].getsockname()[1]
    _, writer = await asyncio.open_connection("127.0.0.1", port, ssl=trusting, server_hostname=NAME)
    writer.close()
    server.close()


async def test_an_authority_that_cannot_reach_us_leaves_us_with_the_local_ca_and_the_reason(
    authority: Authority, tmp_path: Path
) -> None:
    files = await ensured(authority, tmp_path, SystemClock(), free_port())
    assert files.source is Source.LOCAL_CA
    assert files.fault is not None
    assert NAME in files.fault
    assert "Port 80" in files.fault


async def test_an_authority_that_is_away_at_renewal_leaves_the_valid_certificate(
    authority: Authority, tmp_path: Path
) -> None:
    files = await ensured(authority, tmp_path, SystemClock(), authority.http_port)
    first = files.certificate.read_bytes()
    due = SetClock(read_pair(files.certificate, files.key).facts.not_after - timedelta(days=1))
    away = Authority(
        directory=f"https://localhost:{free_port()}/dir",
        management="",
        http_port=authority.http_port,
        ca=authority.ca,
    )
    kept = await ensured(away, tmp_path, due, authority.http_port)
    assert kept.source is Source.ACME
    assert kept.fault is not None
    assert kept.certificate.read_bytes() == first


async def test_a_proxy_that_has_the_port_may_pass_challenges_to_the_console(
    authority: Authority, tmp_path: Path
) -> None:
    async with responder(tmp_path / "tls" / "acme", host="127.0.0.1", port=authority.http_port):
        files = await ensured(authority, tmp_path, SystemClock(), authority.http_port)
    assert files.source is Source.ACME
