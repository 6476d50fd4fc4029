"""The one question that the rest asks: which certificate is this hub to be served with?"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from postern.clock import Clock
from postern.devices.certificates.acme_client import LETS_ENCRYPT, AcmeSettings, obtain
from postern.devices.certificates.challenges import responder
from postern.devices.certificates.files import Pair, read_pair
from postern.devices.certificates.local_ca import local_certificate
from postern.devices.certificates.model import Source, TlsFiles, is_valid, missing_names, renew_due
from postern.devices.certificates.own import own_certificate
from postern.errors import PosternError, SettingsInvalid
from postern.settings import Settings

log = structlog.get_logger()


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmePort:
    """Where the authority's HTTP-01 request (to port 80 of the name) arrives on this machine.

    Where the port cannot be had, a proxy before us is taken to send `challenges.PATH` to the console.
    """

    host: str = "0.0.0.0"  # noqa: S104 - the authority comes from outside
    port: int = 80
    ca: Path | None = None


async def ensure_certificate(
    settings: Settings, names: Sequence[str], folder: Path, clock: Clock, *, acme_port: AcmePort | None = None
) -> TlsFiles:
    """The files to serve with, made or renewed when due: one's own, else by ACME, else from the local CA.

    Call it at start and then once a day; the files' contents change under the same paths. Raises
    `SettingsInvalid` when what was configured can never work. When the ACME authority cannot be had, the last
    certificate is kept while it is valid, else the local CA's serves; `fault` says why.
    """
    wanted = tuple(dict.fromkeys(name.lower() for name in names))
    if settings.tls_certificate is not None or settings.tls_key is not None:
        if settings.tls_certificate is None or settings.tls_key is None:
            raise SettingsInvalid("tls_certificate and tls_key belong together; give both")
        return await asyncio.to_thread(
            own_certificate, settings.tls_certificate, settings.tls_key, wanted, clock.now()
        )
    if settings.acme_domain is None:
        return await asyncio.to_thread(local_certificate, folder / "local", wanted, clock.now())
    acme = AcmeSettings(
        names=(settings.acme_domain.lower(),),
        directory=settings.acme_directory or LETS_ENCRYPT,
        ca=acme_port.ca if acme_port else None,
    )
    return await _by_acme(acme, wanted, folder, clock, acme_port or AcmePort())


async def _by_acme(
    acme: AcmeSettings, names: tuple[str, ...], folder: Path, clock: Clock, port: AcmePort
) -> TlsFiles:
    place = folder / "acme"
    files = TlsFiles(source=Source.ACME, certificate=place / "certificate.pem", key=place / "key.pem")
    held = _held(files, acme, clock)
    if held is not None and not renew_due(held.facts, clock.now()):
        return files
    try:
        await _obtain(acme, place, port)
    except PosternError as fault:
        log.warning("no new certificate by ACME", fault=str(fault))
        if held is not None:
            return replace(files, fault=str(fault))
        fallback = await asyncio.to_thread(
            local_certificate, folder / "local", tuple(dict.fromkeys((*names, *acme.names))), clock.now()
        )
        return replace(fallback, fault=str(fault))
    return files


def _held(files: TlsFiles, acme: AcmeSettings, clock: Clock) -> Pair | None:
    """The certificate obtained before, while it can be served."""
    try:
        pair = read_pair(files.certificate, files.key)
    except SettingsInvalid:
        return None
    usable = pair.matches and is_valid(pair.facts, clock.now()) and not missing_names(pair.facts, acme.names)
    return pair if usable else None


async def _obtain(acme: AcmeSettings, place: Path, port: AcmePort) -> None:
    async with contextlib.AsyncExitStack() as stack:
        try:
            await stack.enter_async_context(responder(place, host=port.host, port=port.port))
        except OSError as fault:
            log.info("its owner must pass challenges on", port=port.port, fault=fault.strerror)
        await asyncio.to_thread(obtain, acme, place)
