"""Builds every adapter and hands them out; the only file that names them all."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from postern.access.controller import DoorController
from postern.agent.evidence import jpeg_of
from postern.agent.main import AgentSettings, opened
from postern.agent.muster_server import Listener, serving
from postern.agent.ports import AgentPorts
from postern.biometrics.model import ModelCard, Rgb
from postern.clock import Clock, SystemClock, utc_day
from postern.console_tls import (
    Certificate,
    is_any,
    muster_side,
    needs_tls,
    public_side,
    public_url,
    served_names,
)
from postern.devices.cameras.model import ReadingPlan
from postern.devices.cameras.source import Source, open_source
from postern.devices.controllers.build import controller_for
from postern.devices.mail_smtp import SmtpPost, smtp_settings
from postern.devices.payments.by_hand import Desk
from postern.devices.picture_bucket import PictureBucket
from postern.devices.picture_folder import PictureFolder
from postern.devices.recognition.dlib_card import CARD
from postern.devices.recognition.pictures import decode_picture
from postern.devices.recognition.worker import RecognitionPool
from postern.devices.sign_in_provider import OidcProvider, ProviderSettings
from postern.ending import ended
from postern.errors import BadInput, DatabaseUnavailable, SettingsInvalid, SourceUnavailable
from postern.keystore.opening import open_keystore
from postern.keystore.tombstones import TombstoneFile
from postern.operations.archive.receive import FARTHEST_BACK
from postern.operations.keys.mark_rows import mark_once
from postern.operations.operators.sign_in_port import SignInProvider
from postern.operations.parking.checkout import Till
from postern.operations.ports import PictureStore, Post, RecognitionPort
from postern.operations.public.counter_books import CounterBooks
from postern.operations.services import Services
from postern.postgres.embedded import Cluster
from postern.postgres.isolation import RUNTIME, as_runtime_role, ensure_runtime_role, work_apart
from postern.postgres.migrate import migrate
from postern.postgres.pool import Database, make_complete
from postern.records.partitions import ensure_partitions
from postern.settings import Settings
from postern.sites.model import Door, zone_of
from postern.supervise import Handover
from postern.web.ports import ConsolePorts

if TYPE_CHECKING:
    from postern.devices.payments.stripe_checkout import StripeCheckout

Progress = Callable[[str], None]

_AHEAD = timedelta(days=366)


@asynccontextmanager
async def databases(
    settings: Settings, progress: Progress, *, passphrase: str | None = None, durable: bool = True
) -> AsyncIterator[Handover]:
    """Both databases, started where they are ours to start, kept running, and at this program's schema.

    `durable=False` makes them faster, for what is thrown away after this run.

    Raises DatabaseUnavailable or StorageFull, in words.
    """
    data = settings.database_url.get_secret_value() if settings.database_url else None
    keystore = settings.keystore_url.get_secret_value() if settings.keystore_url else None
    async with contextlib.AsyncExitStack() as stack:
        clusters = [
            _cluster(settings, name, progress, durable=durable)
            for name, url in (("data", data), ("keystore", keystore))
            if url is None
        ]
        for cluster in clusters:
            stack.push_async_callback(cluster.stop)
        started = iter(await asyncio.gather(*(cluster.start() for cluster in clusters)))
        for cluster in clusters:
            await stack.enter_async_context(_kept(cluster))
        own = clusters[0].conninfo(role=RUNTIME) if data is None else None
        data, keystore = data or next(started), keystore or next(started)
        if own is None:
            await ensure_runtime_role(make_complete(data))
        async with Database.open(data, size=2) as opened:
            await migrate(opened, "hub", progress)
        async with Database.open(keystore, size=2) as opened:
            await migrate(opened, "keystore", progress)
        runtime = own or _runtime(settings, data)
        yield Handover(data=runtime, keystore=keystore, passphrase=passphrase, owner=data)


def _runtime(settings: Settings, url: str) -> str:
    """How the hub reaches a server given by URL: by a login of its own, or else turned into that role."""
    if settings.database_runtime_url is not None:
        return settings.database_runtime_url.get_secret_value()
    return as_runtime_role(url)


def _cluster(settings: Settings, name: str, progress: Progress, *, durable: bool) -> Cluster:
    return Cluster(
        settings.folder("pg") / name,
        name=name,
        sockets=settings.folder("run"),
        logs=settings.folder("log"),
        programs=settings.postgres_bin,
        progress=progress,
        durable=durable,
    )


@asynccontextmanager
async def _kept(cluster: Cluster) -> AsyncIterator[None]:
    """Restart the cluster's server when it ends by itself."""
    task = asyncio.create_task(cluster.supervise(), name="keep PostgreSQL")
    try:
        yield
    finally:
        await ended(task)


def _pictures(settings: Settings) -> PictureStore:
    """The bucket that the settings name, else a folder of the data folder."""
    if settings.pictures_url is not None:
        return PictureBucket(settings.pictures_url, endpoint=settings.pictures_endpoint)
    return PictureFolder(settings.folder("pictures"))


def _sign_in_provider(settings: Settings) -> SignInProvider | None:
    """The OpenID Connect provider that the settings name. SettingsInvalid when they say half of it."""
    if settings.oidc_issuer is None:
        return None
    if settings.oidc_client_id is None:
        raise SettingsInvalid("a sign-in provider needs POSTERN_OIDC_CLIENT_ID besides POSTERN_OIDC_ISSUER")
    secret = settings.oidc_client_secret.get_secret_value() if settings.oidc_client_secret else None
    if settings.oidc_client_secret_file is not None:
        secret = _secret_in(settings.oidc_client_secret_file, "POSTERN_OIDC_CLIENT_SECRET_FILE")
    return OidcProvider(
        ProviderSettings(
            issuer=settings.oidc_issuer,
            client_id=settings.oidc_client_id,
            client_secret=secret or None,
            label=settings.oidc_label,
            name_claim=settings.oidc_login_name_claim,
        )
    )


def _secret_in(path: Path, setting: str) -> str:
    try:
        return path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as fault:
        raise SettingsInvalid(f"the file of {setting} cannot be read") from fault


def _post(settings: Settings) -> Post | None:
    """The mail server that the settings name. SettingsInvalid when they say half of it."""
    if settings.smtp_url is None:
        return None
    password = None
    if settings.smtp_password_file is not None:
        password = _secret_in(settings.smtp_password_file, "POSTERN_SMTP_PASSWORD_FILE")
    url = settings.smtp_url.get_secret_value()
    return SmtpPost(smtp_settings(url, sender=settings.smtp_from, password=password))


@asynccontextmanager
async def services(
    settings: Settings,
    handover: Handover,
    *,
    recognition: RecognitionPort | None = None,
    clock: Clock | None = None,
) -> AsyncIterator[Services]:
    """What the hub works with. Raises SettingsInvalid or CannotOpen for the root key."""
    async with Database.open(handover.data) as data, Database.open(handover.keystore, size=5) as keystore:
        made = Services(
            database=data,
            keyring=await open_keystore(keystore, settings, handover.passphrase),
            pictures=_pictures(settings),
            clock=clock or SystemClock(),
            recognition=recognition,
            public_url=public_url(settings),
            pages_url=public_url(public_side(settings)),
            post=_post(settings),
            provider=_sign_in_provider(settings),
            tombstones=TombstoneFile(settings.folder("tombstones") / "list"),
        )
        await mark_once(made)
        yield made


@asynccontextmanager
async def till(settings: Settings, services: Services) -> AsyncIterator[Till]:
    """Who takes drivers' money: Stripe where its key is given, else a desk."""
    provider = _payment_provider(settings, services.clock)
    url = public_url(public_side(settings))
    try:
        yield Till(
            provider=provider,
            books=CounterBooks(services=services),
            public_url=url,
            desk=provider if isinstance(provider, Desk) else None,
        )
    finally:
        await provider.close()


def _payment_provider(settings: Settings, clock: Clock) -> StripeCheckout | Desk:
    if settings.stripe_secret_key is None:
        return Desk(settings.folder("payments") / "desk.sqlite", clock)
    # Imported only here: Stripe's SDK is large, and most hubs take no card payments.
    from postern.devices.payments.stripe_checkout import StripeCheckout, StripeSettings

    webhooks = settings.stripe_webhook_secret
    return StripeCheckout(
        StripeSettings(
            secret_key=settings.stripe_secret_key.get_secret_value(),
            webhook_secret=webhooks.get_secret_value() if webhooks is not None else None,
            api_base=settings.stripe_api_base,
        )
    )


@asynccontextmanager
async def recognition_pool(settings: Settings, models: Path | None = None) -> AsyncIterator[RecognitionPool]:
    """Recognition in its own processes, which start with the first picture. `models`: a folder to share."""
    folder = models or settings.folder("models")
    pool = RecognitionPool(folder, threads=settings.recognition_threads)
    try:
        yield pool
    finally:
        await pool.close()


def recognition_port(pool: RecognitionPool) -> RecognitionPort:
    """Recognition as the hub uses it: for enrolment and for trying a picture."""
    return RecognitionPort(recognise=pool, load_picture=decode_picture, card=CARD)


async def require_apart(services: Services) -> None:
    """Raises DatabaseUnavailable when the hub's role could reach beyond one tenant at a time."""
    async with services.database.transaction() as tx:
        if not await work_apart(tx):
            raise DatabaseUnavailable(
                "The hub's role in the database owns tables or bypasses row-level security, which would undo "
                "the isolation of tenants; see docs/isolation.md for the role that it needs."
            )


async def make_room(services: Services) -> None:
    """Partitions of the archive: a year ahead, and back as far as an agent may have been cut off."""
    now = services.clock.now()
    async with services.database.transaction() as tx:
        await ensure_partitions(tx, since=utc_day(now - FARTHEST_BACK), until=utc_day(now + _AHEAD))


def console_ports(tls: Certificate, settings: Settings, till: Till) -> ConsolePorts:
    """What the console needs of devices, and of the public side."""
    pay_url = public_url(public_side(settings))
    return ConsolePorts(
        certificate=tls.view, pay_url=pay_url, till=till, grab_frame=_grab_frame, encode_jpeg=jpeg_of
    )


async def _grab_frame(text: str) -> Rgb:
    """One frame of a camera. Raises SourceUnavailable, in words, when there is none."""
    source = open_source(text)
    try:
        async with contextlib.aclosing(source.frames()) as frames:  # type: ignore[type-var]  # our own generators
            async for frame in frames:
                return frame.rgb
    finally:
        await source.close()
    raise SourceUnavailable(f"{source.name}: it ended before it gave a picture; try again")


@asynccontextmanager
async def certificate(settings: Settings) -> AsyncIterator[Certificate]:
    """The certificate to serve with, made or renewed when due."""
    made = Certificate(settings, SystemClock())
    await made.renew()
    yield made


def public_certificate(settings: Settings) -> Certificate:
    """The public pages' own, with a key of its own; not made or renewed yet."""
    return Certificate(public_side(settings), SystemClock(), folder="tls/public")


def agent_ports(pool: RecognitionPool, *, reconnect: bool = True) -> AgentPorts:
    """Cameras, recognition, door controllers and time, as an agent uses them."""
    clock = SystemClock()

    def source(text: str, *, as_live: bool) -> Source:
        return open_source(text, plan=ReadingPlan(as_live=as_live, reconnect=reconnect), clock=clock)

    def controller(door: Door) -> DoorController:
        return controller_for(door.controller, clock=clock)

    return AgentPorts(
        open_source=source,
        recognition=pool,
        card=CARD,
        open_controller=controller,
        clock=clock,
        read_codes=pool.codes,
    )


def hub_url(settings: Settings) -> str:
    """Where this machine's agent finds its hub."""
    if settings.hub_url:
        return settings.hub_url.rstrip("/")
    host = "localhost" if is_any(settings.host) else settings.host
    return f"{'https' if needs_tls(settings) else 'http'}://{host}:{settings.port}"


def agent_settings(settings: Settings, code: str | None = None) -> AgentSettings:
    """Where the agent keeps its things, and where its hub is."""
    made = settings.data / "tls" / "local" / "root.pem"
    root = settings.hub_root or (made if made.exists() else None)
    return AgentSettings(folder=settings.folder("agent"), hub_url=hub_url(settings), code=code, root=root)


def is_enrolled(settings: Settings) -> bool:
    """Whether this machine has an agent's identity."""
    return (settings.data / "agent" / "identity.sealed").exists()


async def enrol_agent(settings: Settings, code: str) -> None:
    """Make this machine an agent with a one-time code. Raises Refused for a code that is not good."""
    async with recognition_pool(settings) as pool, opened(agent_settings(settings, code), agent_ports(pool)):
        pass


async def muster_listener(settings: Settings) -> Listener | None:
    """Where the agent's muster page is served; None where it is turned off.

    Raises SettingsInvalid for a certificate that cannot be served.
    """
    own = muster_side(settings)
    if own.port == 0:
        return None
    # Imported only here, as in console_tls.
    from postern.devices.certificates.ensure import ensure_certificate

    files = await ensure_certificate(own, served_names(own), settings.folder("tls/muster"), SystemClock())
    return Listener(host=own.host, port=own.port, certificate=files.certificate, key=files.key)


async def run_agent(settings: Settings) -> None:
    """Run this machine's agent until it is cancelled. `run/agent.ready` says that it can recognise."""
    listener = await muster_listener(settings)
    async with (
        recognition_pool(settings) as pool,
        opened(agent_settings(settings), agent_ports(pool)) as agent,
        serving(agent.musters, SystemClock(), listener),
        asyncio.TaskGroup() as tasks,
    ):
        tasks.create_task(agent.run(), name="agent")
        await _warm(pool)
        (settings.folder("run") / "agent.ready").touch(mode=0o600)


async def _warm(pool: RecognitionPool) -> None:
    """Have the networks loaded before somebody stands at the door."""
    grey = np.full((240, 320, 3), 128, dtype=np.uint8)
    await asyncio.gather(pool.faces(grey), pool.plates(grey))


def face_card() -> ModelCard:
    """The card of the face model in use."""
    return CARD


def machine_time_zone() -> str:
    """The IANA name of this machine's time zone; UTC where it does not tell."""
    link = Path("/etc/localtime")
    name = str(link.resolve()).partition("zoneinfo/")[2] if link.is_symlink() else ""
    try:
        zone_of(name)
    except BadInput:
        return "UTC"
    return name
