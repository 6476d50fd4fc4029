"""The whole of Postern as `postern up --demo` starts it, over TLS on all its listeners, to be attacked from
outside by other people's tools."""

from __future__ import annotations

import os
import signal
import ssl
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from postern import wiring
from postern.clock import utc_day
from postern.ids import OperatorId, TenantId, new_id
from postern.operations.operators import api_keys
from postern.operations.operators.api_keys import ONLY_IN_PERSON, NewKey
from postern.operations.operators.sign_in import start_login
from postern.operations.services import Services
from postern.operators import store
from postern.operators.model import Actor, Operator, Role
from postern.operators.roles import DUTIES
from postern.prove.world import free_port
from postern.settings import Settings
from postern.sites import store as sites
from postern.supervise import Handover, running_on
from postern.web.login import form_key_of

_STARTS_SECONDS = 180.0


@dataclass(frozen=True, kw_only=True)
class Whole:
    """A running Postern: its data folder and the ports of console, drivers' pages and muster page."""

    data: Path
    console: int
    drivers: int
    muster: int
    process: subprocess.Popen[bytes]

    def root(self, listener: int) -> Path:
        """The local authority that the listener's certificate is of."""
        folder = {self.console: "tls", self.drivers: "tls/public", self.muster: "tls/muster"}[listener]
        return self.data / folder / "local" / "root.pem"

    def trust(self, listener: int) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.root(listener)))

    @asynccontextmanager
    async def services(self) -> AsyncIterator[Services]:
        """Its databases and keys, reached from here as an installer's program would."""
        running = running_on(self.data)
        assert running is not None
        handover = Handover(data=running.servers["data"], keystore=running.servers["keystore"])
        async with wiring.services(Settings(data=self.data, mode="demo"), handover) as services:
            yield services


@dataclass(frozen=True, kw_only=True)
class Login:
    """An administrator's: the cookie of a browser, its form key, and an API key for all that keys are for."""

    cookie: str
    form_key: str
    api_key: str


async def administrator(services: Services, scopes: Sequence[str] | None = None) -> Login:
    """A new one of the demo's organisation."""
    async with services.database.transaction() as tx:
        tenant: TenantId = (await sites.tenant_ids(tx))[0]
    operator = Operator(
        id=OperatorId(new_id()),
        tenant=tenant,
        login_name=f"attacker-{new_id().hex[:8]}",
        role=Role.ADMINISTRATOR,
    )
    async with services.database.transaction(tenant) as tx:
        await store.add(tx, services.keyring, operator)
        signed = await start_login(services, tx, operator, detail="attacked from outside")
    actor = Actor(tenant=tenant, name=operator.login_name, role=operator.role)
    duties = DUTIES[Role.ADMINISTRATOR] - ONLY_IN_PERSON
    wanted = NewKey(
        operator=operator.id,
        name="attack",
        scopes=tuple(one for one in duties if scopes is None or one.value in scopes),
        last_day=utc_day(services.clock.now()) + timedelta(days=30),
    )
    made = await api_keys.make_key(services, actor, wanted)
    return Login(cookie=signed.secret, form_key=form_key_of(signed.secret), api_key=made.secret)


@contextmanager
def running(folder: Path, *, host: str = "0.0.0.0") -> Iterator[Whole]:
    """Started, and stopped at the end with all that it started."""
    ports = {name: free_port() for name in ("POSTERN_PORT", "POSTERN_PAY_PORT", "POSTERN_MUSTER_PORT")}
    hosts = {name: host for name in ("POSTERN_HOST", "POSTERN_PAY_HOST", "POSTERN_MUSTER_HOST")}
    data, log = folder / "data", folder / "up.log"
    environment = {**os.environ, **{name: str(port) for name, port in ports.items()}, **hosts}
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "postern", "up", "--demo"],
            env={**environment, "POSTERN_DATA": str(data)},
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
        )
    try:
        _wait(process, log)
        yield Whole(
            data=data,
            console=ports["POSTERN_PORT"],
            drivers=ports["POSTERN_PAY_PORT"],
            muster=ports["POSTERN_MUSTER_PORT"],
            process=process,
        )
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        process.wait(_STARTS_SECONDS)


def _wait(process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + _STARTS_SECONDS
    while "Postern is running" not in log.read_text("utf-8", "replace"):
        assert process.poll() is None, log.read_text("utf-8", "replace")
        assert time.monotonic() < until, log.read_text("utf-8", "replace")
        time.sleep(0.1)
