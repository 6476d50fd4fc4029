"""`postern up`: both databases, the hub and one agent on this machine, started in order and kept running."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import time
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

from postern import backup_jobs, wiring
from postern.clock import SystemClock
from postern.console_tls import answers, public_side, public_url
from postern.doctor import report
from postern.doctor.finding import Finding
from postern.errors import SettingsInvalid, Unavailable
from postern.ids import SiteId, TenantId
from postern.logs import log_to_file
from postern.operations.demo import set_up_demo
from postern.operations.operators.operators import first_link
from postern.operations.parking.public_garage import garage_code
from postern.operations.services import Services
from postern.operations.sites import exposure
from postern.operations.sites.agents import new_code
from postern.operations.sites.places import create_site, create_tenant
from postern.operators.model import Actor, Role
from postern.public_program import public_program
from postern.restored import require_whole
from postern.settings import Settings
from postern.sites import store as sites
from postern.supervise import DataFolderLock, Handover, Program, Running, Supervisor, until_told_to_stop

Say = Callable[[str], None]


async def run(
    settings: Settings, *, passphrase: str | None, say: Say, accepted: Collection[str] = ()
) -> None:
    """Bring everything up, print where the console is, and stay until SIGINT or SIGTERM.

    `accepted`: checks of `postern doctor` whose dangers do not stop the start; the journal has them.

    Raises PosternError when something cannot be started; what was started is stopped again.
    """
    await until_told_to_stop(_bring_up(settings, passphrase, say, accepted), lambda: say("Stopping"))


async def _bring_up(settings: Settings, passphrase: str | None, say: Say, accepted: Collection[str]) -> None:
    started = time.monotonic()
    require_whole(settings.data)
    log_to_file(settings.folder("log") / "up.log", settings.log_level)
    async with contextlib.AsyncExitStack() as stack:
        lock = stack.enter_context(DataFolderLock(settings.data))
        for listener in (settings, public_side(settings)):
            _require_port(listener)
        say("Starting the databases")
        handover = await stack.enter_async_context(wiring.databases(settings, say, passphrase=passphrase))
        servers = {"data": handover.owner, "keystore": handover.keystore}
        dangers = await report.before_start(settings, servers, SystemClock())
        _require_closed(dangers, accepted)
        lock.tell(Running(pid=os.getpid(), demo=settings.mode == "demo", servers=servers))
        backups = backup_jobs.is_wanted(settings, servers)
        begun = await _set_up(settings, handover, dangers)
        tls = wiring.public_certificate(settings)
        await tls.renew()
        public = public_program(settings, tls)
        supervisor = await stack.enter_async_context(Supervisor(say))
        if begun.code is None:
            say("Starting the hub and the agent")
            # The agent decides on the policy it has, so it need not wait for its hub.
            programs = (_hub(settings, handover), public, _agent(settings))
            await asyncio.gather(*(supervisor.start(program) for program in programs))
        else:
            say("Starting the hub")
            await asyncio.gather(supervisor.start(_hub(settings, handover)), supervisor.start(public))
            say("Enrolling and starting this machine's agent")
            await wiring.enrol_agent(settings, begun.code)
            await supervisor.start(_agent(settings))
        if backups:
            await supervisor.start(_backups(settings))
        _announce(settings, begun, time.monotonic() - started, say)
        await asyncio.get_running_loop().create_future()


@dataclass(frozen=True, kw_only=True, slots=True)
class _Begun:
    """A link for the first operator and a code for the agent here, if due; the garage's code for posters."""

    link: str | None
    code: str | None
    garage: str


def _require_closed(dangers: Sequence[Finding], accepted: Collection[str]) -> None:
    """Raises SettingsInvalid, with the cure, for what stands open and was not accepted by name."""
    wrong = report.refused(dangers, accepted)
    if wrong is not None:
        raise SettingsInvalid(
            f"{wrong.message}: {wrong.cure}. Or start with --i-accept {wrong.name}, which the journal keeps."
        )


async def _set_up(settings: Settings, handover: Handover, accepted: Sequence[Finding]) -> _Begun:
    async with wiring.services(settings, handover) as services:
        if settings.mode == "demo":
            demo = await set_up_demo(services)
            tenant, site = demo.tenant, demo.site
        else:
            tenant = await _tenant(services)
            site = await _site(services, tenant)
        await exposure.note_accepted(services, tenant, [f"{one.name}: {one.message}" for one in accepted])
        link = await first_link(services, tenant)
        enrolled = wiring.is_enrolled(settings)
        code = None if enrolled else await new_code(services, _setup(tenant), site)
        garage = await garage_code(services, tenant, site)
    return _Begun(link=link, code=code, garage=garage)


def _setup(tenant: TenantId) -> Actor:
    """Who makes the first start's things, as the journal names it."""
    return Actor(tenant=tenant, name="job:setup", role=Role.ADMINISTRATOR)


async def _tenant(services: Services) -> TenantId:
    async with services.database.transaction() as tx:
        known = await sites.tenant_ids(tx)
    return known[0] if known else (await create_tenant(services, "My organisation")).id


async def _site(services: Services, tenant: TenantId) -> SiteId:
    async with services.database.transaction(tenant) as tx:
        known = await sites.sites(tx, services.keyring, tenant)
    if known:
        return known[0].id
    made = await create_site(services, _setup(tenant), name="My site", time_zone=wiring.machine_time_zone())
    return made.id


def _require_port(settings: Settings) -> None:
    """Say at once, and not in a child's log, that a listener's port is taken."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as fault:
            raise Unavailable(
                f"nothing can be offered on {settings.host}:{settings.port} ({fault.strerror}); choose "
                "another address with POSTERN_HOST and POSTERN_PORT, or POSTERN_PAY_HOST and POSTERN_PAY_PORT"
            ) from fault


def _hub(settings: Settings, handover: Handover) -> Program:
    return Program(
        name="the hub",
        command=(sys.executable, "-m", "postern", "hub"),
        errors=settings.folder("log") / "hub.err",
        is_healthy=lambda: answers(settings.host, settings.port),
        handover=handover.to_bytes(),
        environment=_environment(settings),
    )


def _agent(settings: Settings) -> Program:
    ready = settings.folder("run") / "agent.ready"
    ready.unlink(missing_ok=True)

    async def is_healthy() -> bool:
        return ready.exists()

    return Program(
        name="the agent",
        command=(sys.executable, "-m", "postern", "agent"),
        errors=settings.folder("log") / "agent.err",
        is_healthy=is_healthy,
        environment=_environment(settings) | {"POSTERN_CHILD": "yes"},
    )


def _backups(settings: Settings) -> Program:
    async def is_healthy() -> bool:
        return True  # a target that is away is told by the doctor, and stops nobody's doors

    return Program(
        name="the backups",
        command=(sys.executable, "-m", "postern", "backup", "run"),
        errors=settings.folder("log") / "backup.err",
        is_healthy=is_healthy,
        environment=_environment(settings),
    )


def _environment(settings: Settings) -> dict[str, str]:
    """What the children must agree on with this parent. No secret is in it."""
    return {"POSTERN_DATA": str(settings.data), "POSTERN_MODE": settings.mode}


def _announce(settings: Settings, begun: _Begun, seconds: float, say: Say) -> None:
    say("")
    say(f"Postern is running ({seconds:.1f} s).")
    say(f"  Console   {public_url(settings)}")
    if begun.link is not None:
        say(f"  Sign in   {begun.link}")
        say("            a one-time link, good for 24 hours: the first operator sets how they sign in")
    else:
        say("  Sign in   with your login name, password and code, or your passkey")
    say(f"  Drivers   {public_url(public_side(settings))}/pay?g={begun.garage}")
    say(f"  Data      {settings.data}")
    say("  Stop      Ctrl-C")
