"""The hub's process: console, API and the agents' interface, and the jobs that belong to them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import ssl
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import structlog
import uvicorn

from postern import wiring
from postern.clock import Clock
from postern.console_tls import Certificate
from postern.counter_server import ask_about_payments, serve_counter
from postern.demo_garage.fill import fill
from postern.demo_hours.fill import fill_hours
from postern.doctor import report
from postern.entry_pictures import EntryPictures
from postern.errors import PosternError
from postern.exposure_watch import Examine, ExposureWatch
from postern.operations.archive.demo_passages import show_passages
from postern.operations.attendance.settle import run_hours
from postern.operations.insiders import put_back
from postern.operations.journal.checkpoints import CheckpointJob
from postern.operations.keys import rotate_keys
from postern.operations.parking.settle import run_settler
from postern.operations.people.look import warm
from postern.operations.privacy import erase, retention, tombstones
from postern.operations.public.counter import CoverPlates
from postern.operations.services import Services
from postern.operations.sites.begin_anew import begin_anew
from postern.operations.sites.publish_policy import publish_stale, run_publisher
from postern.operations.visitors.watch import VisitJob
from postern.patience import patient
from postern.public_program import counter_socket
from postern.restored import has_begun, require_whole
from postern.settings import Settings
from postern.supervise import Handover
from postern.web.app import create_app
from postern.web.ports import ConsolePorts

_log = structlog.get_logger(__name__)

_DAILY = timedelta(days=1).total_seconds()
_FAREWELL_SECONDS = 3
_AGENT_BEGINS_SECONDS = 30.0
_LOOKS_EVERY_SECONDS = 0.5
_PASSES_SECONDS = 8.0
"""Until the last of the demo's passages is through its door, and its record here."""


async def serve(settings: Settings, handover: Handover) -> None:
    """Serve until this process is told to stop. Raises PosternError when it cannot start."""
    async with (
        wiring.recognition_pool(settings) as pool,
        wiring.services(settings, handover, recognition=wiring.recognition_port(pool)) as services,
        wiring.certificate(settings) as tls,
        wiring.till(settings, services) as till,
    ):
        await wiring.require_apart(services)
        await wiring.make_room(services)
        # What an older copy brought back is destroyed again before anybody is served.
        await tombstones.settle(services)
        await begin_after_restore(settings, services)
        await erase.resume(services)
        await publish_stale(services)
        watch = ExposureWatch(services, _examination(settings, handover, services.clock))
        ports = replace(wiring.console_ports(tls, settings, till), standing_open=lambda: watch.standing)
        server = uvicorn.Server(_configuration(settings, services, ports, tls))
        jobs = [
            asyncio.create_task(run_publisher(services), name="publish policies"),
            asyncio.create_task(run_settler(services), name="settle garages"),
            asyncio.create_task(run_hours(services), name="settle hours"),
            asyncio.create_task(CheckpointJob(services).run(), name="sign checkpoints"),
            asyncio.create_task(VisitJob(services=services).run(), name="follow visits"),
            asyncio.create_task(retention.run_daily(services), name="retention"),
            asyncio.create_task(
                _daily(services, tls, wiring.public_certificate(settings)), name="daily jobs"
            ),
            asyncio.create_task(
                serve_counter(services, till, Path(counter_socket(settings)), _cover(services)),
                name="counter",
            ),
            asyncio.create_task(
                ask_about_payments(services, till, webhooks=settings.stripe_webhook_secret is not None),
                name="ask about payments",
            ),
            asyncio.create_task(_rotations(services, settings, handover), name="unfinished rotations"),
            asyncio.create_task(watch.run(), name="watch exposure"),
            asyncio.create_task(put_back.run_watch(services), name="watch rows"),
            asyncio.create_task(_begin(services, demo=settings.mode == "demo"), name="begin"),
            asyncio.create_task(_begin_garage(services, settings), name="demo garage"),
        ]
        try:
            await server.serve()
        finally:
            await services.rotation.stop()
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)


async def begin_after_restore(settings: Settings, services: Services) -> None:
    """On a restored data folder, before anybody is served: a new epoch, once."""
    mark = require_whole(settings.data)
    if mark is not None:
        await begin_anew(services, mark)
        has_begun(settings.data)


def _examination(settings: Settings, handover: Handover, clock: Clock) -> Examine:
    """What is looked at: all processes of this hub's parent, and both databases as the hub reaches them."""
    servers = {"data": handover.data, "keystore": handover.keystore}
    return lambda: report.while_running(settings, os.getppid(), servers, clock)


async def _rotations(services: Services, settings: Settings, handover: Handover) -> None:
    """Finish rotations that were cut off: at the start, and daily what something was in the way of."""
    while True:
        try:
            await rotate_keys.resume(services, settings, handover.passphrase)
        except PosternError as fault:
            _log.warning("rotations", fault=str(fault))
        await asyncio.sleep(_DAILY)


async def _begin(services: Services, *, demo: bool) -> None:
    """What is done once, beside serving: nobody waits for it."""
    try:
        await warm(services)
        if demo:
            if await show_passages(services):
                await asyncio.sleep(_PASSES_SECONDS)
            # Who passed just now has not come to work: the hours begin after it.
            await fill_hours(services)
    except PosternError as fault:
        _log.warning("beginning", fault=str(fault))


async def _begin_garage(services: Services, settings: Settings) -> None:
    """Give the demo's garage its past, once this machine's agent is at work: it starts faster alone."""
    if settings.mode != "demo":
        return
    ready = settings.folder("run") / "agent.ready"
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_AGENT_BEGINS_SECONDS):
            while not ready.exists():  # noqa: ASYNC110 - another process makes it
                await asyncio.sleep(_LOOKS_EVERY_SECONDS)
    try:
        await fill(services)
    except PosternError as fault:
        _log.warning("the demo's garage is not written", fault=str(fault))


def _configuration(
    settings: Settings, services: Services, ports: ConsolePorts, tls: Certificate
) -> uvicorn.Config:
    config = uvicorn.Config(
        create_app(services, settings, ports),
        host=settings.host,
        port=settings.port,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        http=patient(),
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )
    config.load()
    config.ssl = tls.context
    return config


def _cover(services: Services) -> CoverPlates | None:
    return EntryPictures(services, services.recognition).cover if services.recognition else None


async def _daily(services: Services, *served: Certificate) -> None:
    while True:
        await asyncio.sleep(_DAILY)
        try:
            await wiring.make_room(services)
            for one in served:
                await one.renew()
        except (PosternError, ssl.SSLError) as fault:
            _log.error("daily-job-failed", fault=str(fault))
