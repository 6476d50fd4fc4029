"""The public process, taken over: what code in it can reach. It should be the counter and nothing else."""

from __future__ import annotations

import asyncio
import json
import socket
import ssl
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest

from postern.clock import SystemClock
from postern.console_tls import Certificate, public_side
from postern.public_program import counter_socket, public_program
from postern.settings import Settings
from postern.supervise import Supervisor

SECRETS = {
    "POSTERN_PASSPHRASE": "planted passphrase",
    "POSTERN_DATABASE_URL": "postgresql://postern:planted-password@db/postern",
    "POSTERN_STRIPE_SECRET_KEY": "sk_test_planted",
    "POSTERN_VAULT_TOKEN": "s.planted",
    "AWS_SECRET_ACCESS_KEY": "planted aws key",
}
ATTACK = """
import json, os, socket, sys
from pathlib import Path
from postern.shut_in import program_folders, shut_in
told = json.loads(sys.argv[1])
if told["shut"]:
    shut_in([*program_folders(), Path(told["certificate"])])
def may(attempt):
    try:
        attempt()
        return True
    except OSError:
        return False
def connect(port):
    socket.create_connection(("127.0.0.1", port), 2).close()
data = Path(told["data"])
print(json.dumps({
    "key file": may((data / "keys" / "root.key").read_bytes),
    "database file": may((data / "pg" / "data" / "PG_VERSION").read_bytes),
    "picture": may((data / "pictures" / "a").read_bytes),
    "list the data folder": may(lambda: os.listdir(data)),
    "write a file": may(lambda: (data / "run" / "mine").write_text("x")),
    "write a program": may(lambda: (Path(told["writable"]) / "x.py").write_text("x")),
    "console": may(lambda: connect(told["console"])),
    "signal the parent": may(lambda: os.kill(os.getppid(), 0)),
    "own certificate": may(Path(told["certificate"]).read_bytes),
    "own program": may(lambda: __import__("postern.web.public.app")),
}))
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    port = free_port()
    return Settings(data=tmp_path / "data", mode="demo", port=port, pay_port=free_port())


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def console(settings: Settings) -> Iterator[None]:
    """Somebody listens where the console does."""
    with socket.create_server(("127.0.0.1", settings.port)):
        yield


@pytest.fixture
async def pid(settings: Settings, console: None, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[int]:
    """The real process, started by the real parent whose environment is full of secrets."""
    for name, value in SECRETS.items():
        monkeypatch.setenv(name, value)
    tls = Certificate(public_side(settings), SystemClock(), folder="tls/public")
    await tls.renew()
    async with Supervisor(lambda _: None) as supervisor:
        await supervisor.start(public_program(settings, tls))
        yield supervisor.pids()["the public pages"]


async def test_its_environment_and_arguments_hold_no_secret(pid: int) -> None:
    told = Path(f"/proc/{pid}/environ").read_bytes() + Path(f"/proc/{pid}/cmdline").read_bytes()
    assert b"PATH=" in told
    assert b"planted" not in told
    assert b"POSTERN_" not in told


async def test_it_has_no_file_or_connection_open_but_its_listener_and_its_errors(
    pid: int, settings: Settings
) -> None:
    opened = {str(one.readlink()) for one in Path(f"/proc/{pid}/fd").iterdir()}
    files = {one for one in opened if one.startswith("/") and one != "/dev/null"}
    assert files == {str(settings.data / "log" / "public.err")}
    listening = await asyncio.to_thread(_tcp_of, pid)
    assert listening == {("127.0.0.1", settings.pay_port)}


async def test_beyond_this_machine_it_speaks_https_with_a_key_of_its_own(tmp_path: Path) -> None:
    settings = Settings(
        data=tmp_path / "data", mode="demo", port=free_port(), pay_port=free_port(), pay_host="0.0.0.0"
    )
    tls = Certificate(public_side(settings), SystemClock(), folder="tls/public")
    await tls.renew()
    async with Supervisor(lambda _: None) as supervisor:
        await supervisor.start(public_program(settings, tls))
        trusting = ssl.create_default_context(cafile=str(settings.data / "tls/public/local/root.pem"))
        async with httpx.AsyncClient(verify=trusting) as client:
            answer = await client.get(f"https://localhost:{settings.pay_port}/healthz")
            assert (answer.status_code, answer.text) == (200, "ok")
            assert answer.headers["strict-transport-security"]
            with pytest.raises(httpx.HTTPError):
                await client.get(f"http://localhost:{settings.pay_port}/healthz")


def _tcp_of(pid: int) -> set[tuple[str, int | None]]:
    import psutil

    return {(one.laddr.ip, one.laddr.port) for one in psutil.Process(pid).net_connections("tcp")}


async def test_without_the_hub_it_says_so_and_offers_nothing_of_the_console(
    pid: int, settings: Settings
) -> None:
    async def status(path: str) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", settings.pay_port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        line = await reader.readline()
        writer.close()
        return int(line.split()[1])

    assert await status("/healthz") == 200
    assert await status("/pay?g=1-ABCDEF") == 503
    for path in ("/sign-in", "/people", "/api/v1/openapi.json", "/agent/v1/hello", "/wall", "/pay/../people"):
        assert await status(path) == 404
    assert not Path(counter_socket(settings)).exists()


@pytest.fixture
def landlock() -> None:
    """Asked in a child, since it is for good."""
    ask = "import sys; from postern.shut_in import shut_in; sys.exit(not shut_in([]))"
    if subprocess.run([sys.executable, "-c", ask], check=False).returncode != 0:
        pytest.skip("needs a kernel with Landlock, 6.7 or newer, and the right to use it")


@pytest.mark.usefixtures("landlock")
@pytest.mark.parametrize("shut", [True, False], ids=["shut in", "mutant: not shut in"])
def test_code_in_it_reads_no_key_no_database_and_reaches_no_console(
    tmp_path: Path, settings: Settings, console: None, shut: bool
) -> None:
    for name in ("keys/root.key", "pg/data/PG_VERSION", "pictures/a", "run/x", "tls/public/server.pem"):
        path = settings.data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    told = {
        "shut": shut,
        "data": str(settings.data),
        "certificate": str(settings.data / "tls" / "public" / "server.pem"),
        "console": settings.port,
        "writable": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-c", ATTACK, json.dumps(told)],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    reached = json.loads(done.stdout or done.stderr)
    own = {"own certificate": True, "own program": True}
    assert {name: reached.pop(name) for name in own} == own
    assert set(reached.values()) == {not shut}, reached
