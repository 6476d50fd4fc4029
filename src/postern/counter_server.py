"""Serves the counter on its Unix socket, beside the hub's console."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import uvicorn

from postern.operations.parking.checkout import Till, keep_asking
from postern.operations.public.counter import Counter, CoverPlates
from postern.operations.services import Services
from postern.web.counter import create_counter_app

_FAREWELL_SECONDS = 3
WITHOUT_WEBHOOKS = timedelta(seconds=30)
BESIDE_WEBHOOKS = timedelta(minutes=5)


class _Beside(uvicorn.Server):
    """A server beside another one, which hears the signals for both."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """None of them."""
        yield


async def serve_counter(
    services: Services, till: Till, socket: Path, cover_plates: CoverPlates | None = None
) -> None:
    """Until it is cancelled. Only this system user reaches the socket: its folder is private."""
    config = uvicorn.Config(
        create_counter_app(Counter(services=services, till=till, cover_plates=cover_plates)),
        uds=str(socket),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        lifespan="off",
        timeout_graceful_shutdown=_FAREWELL_SECONDS,
    )
    server = _Beside(config)
    serving = asyncio.create_task(server.serve(), name="counter's socket")
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


async def ask_about_payments(services: Services, till: Till, *, webhooks: bool) -> None:
    """For ever; more often where the provider cannot tell by itself."""
    await keep_asking(services, till, BESIDE_WEBHOOKS if webhooks else WITHOUT_WEBHOOKS)
