"""Builds every adapter and hands them out; the only file that names them all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from postern.clock import SystemClock
from postern.console_tls import Certificate, public_url
from postern.devices.picture_folder import PictureFolder
from postern.devices.recognition.face_network import CARD
from postern.devices.recognition.pictures import load_picture
from postern.devices.recognition.worker import RecognitionPool
from postern.keystore.opening import open_keystore
from postern.operations.ports import RecognitionPort
from postern.operations.services import Services
from postern.postgres.embedded import Cluster
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database
from postern.settings import Settings
from postern.supervise import Handover

Progress = Callable[[str], None]


@asynccontextmanager
async def databases(
    settings: Settings, progress: Progress, *, passphrase: str | None = None
) -> AsyncIterator[Handover]:
    """Both databases, started where they are ours to start, kept running, and at this program's schema.

    Raises DatabaseUnavailable or StorageFull, in words.
    """
    data = settings.database_url.get_secret_value() if settings.database_url else None
    keystore = settings.keystore_url.get_secret_value() if settings.keystore_url else None
    async with contextlib.AsyncExitStack() as stack:
        clusters = [
            _cluster(settings, name, progress)
            for name, url in (("data", data), ("keystore", keystore))
            if url is None
        ]
        for cluster in clusters:
            stack.push_async_callback(cluster.stop)
        started = iter(await asyncio.gather(*(cluster.start() for cluster in clusters)))
        for cluster in clusters:
            await stack.enter_async_context(_kept(cluster))
        data, keystore = data or next(started), keystore or next(started)
        async with Database.open(data, size=2) as opened:
            await migrate(opened, "hub", progress)
        async with Database.open(keystore, size=2) as opened:
            await migrate(opened, "keystore", progress)
        yield Handover(data=data, keystore=keystore, passphrase=passphrase)


def _cluster(settings: Settings, name: str, progress: Progress) -> Cluster:
    return Cluster(
        settings.folder("pg") / name,
        name=name,
        sockets=settings.folder("run"),
        logs=settings.folder("log"),
        programs=settings.postgres_bin,
        progress=progress,
    )


@asynccontextmanager
async def _kept(cluster: Cluster) -> AsyncIterator[None]:
    """Restart the cluster's server when it ends by itself."""
    task = asyncio.create_task(cluster.supervise(), name="keep PostgreSQL")
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


@asynccontextmanager
async def services(
    settings: Settings, handover: Handover, *, recognition: RecognitionPort | None = None
) -> AsyncIterator[Services]:
    """The hub's database, keys, pictures and clock. Raises SettingsInvalid or CannotOpen for the root key."""
    async with Database.open(handover.data) as data, Database.open(handover.keystore, size=5) as keystore:
        yield Services(
            database=data,
            keyring=await open_keystore(keystore, settings, handover.passphrase),
            pictures=PictureFolder(settings.folder("pictures")),
            clock=SystemClock(),
            recognition=recognition,
            public_url=public_url(settings),
        )


@asynccontextmanager
async def recognition(settings: Settings) -> AsyncIterator[RecognitionPort]:
    """Recognition as the hub uses it; its workers start when the first picture comes."""
    pool = RecognitionPool(settings.folder("models"), threads=settings.recognition_threads)
    try:
        yield RecognitionPort(recognise=pool, load_picture=load_picture, card=CARD)
    finally:
        await pool.close()


@asynccontextmanager
async def certificate(settings: Settings) -> AsyncIterator[Certificate]:
    """The certificate to serve with, made or renewed when due."""
    made = Certificate(settings, SystemClock())
    await made.renew()
    yield made
