"""Under which address and with which certificate the console is served."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import platform
import socket
import ssl
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import psutil

from postern.clock import Clock
from postern.listener_tls import listener_context
from postern.settings import Settings
from postern.web.ports import CertificateView

if TYPE_CHECKING:
    from postern.devices.certificates.model import TlsFiles


def public_url(settings: Settings) -> str:
    """The console's address as browsers see it."""
    if settings.public_url:
        return settings.public_url.rstrip("/")
    scheme = "https" if needs_tls(settings) else "http"
    host = settings.acme_domain or (platform.node() if is_any(settings.host) else settings.host)
    return f"{scheme}://{host}:{settings.port}"


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches `host`."""
    if host == "localhost":
        return True
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_loopback
    return False


def is_any(host: str) -> bool:
    """Whether `host` stands for every address of this machine."""
    with contextlib.suppress(ValueError):
        return ipaddress.ip_address(host).is_unspecified
    return False


async def answers(host: str, port: int) -> bool:
    """Whether somebody takes connections at that listener's address, asked from this machine."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1" if is_any(host) else host, port)
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True


def needs_tls(settings: Settings) -> bool:
    """Beyond this machine only with a certificate; on it where one was given."""
    return not is_loopback(settings.host) or settings.tls_certificate is not None


def served_names(settings: Settings) -> list[str]:
    """The names and addresses under which browsers and agents come to the console."""
    named = [urlsplit(settings.public_url).hostname if settings.public_url else None, settings.acme_domain]
    hosts = [settings.host]
    if is_any(settings.host):
        hosts = [platform.node(), "localhost", *_own_addresses()]
    return [name for name in (*named, *hosts) if name]


def _own_addresses() -> list[str]:
    families = (socket.AF_INET, socket.AF_INET6)
    found = [one for several in psutil.net_if_addrs().values() for one in several if one.family in families]
    return sorted({one.address for one in found if "%" not in one.address})


def public_side(settings: Settings) -> Settings:
    """The settings with the public pages' listener in the console's place."""
    port = settings.pay_port if settings.pay_port is not None else settings.port + 1
    return settings.model_copy(
        update={
            "host": settings.pay_host,
            "port": port,
            "public_url": settings.pay_url,
            "tls_certificate": settings.pay_tls_certificate,
            "tls_key": settings.pay_tls_key,
            "acme_domain": settings.pay_acme_domain,
        }
    )


def muster_side(settings: Settings) -> Settings:
    """The settings with the listener of the agent's muster page in the console's place."""
    port = settings.muster_port if settings.muster_port is not None else settings.port + 2
    return settings.model_copy(
        update={
            "host": settings.muster_host,
            "port": port,
            "public_url": None,
            "tls_certificate": settings.muster_tls_certificate,
            "tls_key": settings.muster_tls_key,
            "acme_domain": None,
        }
    )


class Certificate:
    """The certificate in use, None while the listener speaks http; renewed under the same context."""

    def __init__(self, settings: Settings, clock: Clock, *, folder: str = "tls") -> None:
        self._settings = settings
        self._clock = clock
        self._folder = folder
        self.files: TlsFiles | None = None
        self.context: ssl.SSLContext | None = None

    async def renew(self) -> None:
        """Make or renew it when due. Raises SettingsInvalid when what was configured can never work."""
        if not needs_tls(self._settings):
            return
        # Imported only here: a console that speaks http need not wait half a second for the ACME client.
        from postern.devices.certificates.ensure import ensure_certificate

        folder = self._settings.folder(self._folder)
        names = served_names(self._settings)
        self.files = await ensure_certificate(self._settings, names, folder, self._clock)
        self.context = self.context or listener_context()
        self.context.load_cert_chain(self.files.certificate, self.files.key)

    def view(self) -> CertificateView | None:
        """As the console shows it."""
        if self.files is None:
            return None
        from postern.devices.certificates.files import read_pair
        from postern.devices.certificates.local_ca import read_root

        facts = read_pair(self.files.certificate, self.files.key).facts
        root = read_root(self._settings.folder(self._folder) / "local") if self.files.root else None
        return CertificateView(
            kind=self.files.source.value,
            names=facts.names,
            not_after=facts.not_after,
            fingerprint=facts.fingerprint,
            root=root.pem if root else None,
            root_fingerprint=root.facts.fingerprint if root else None,
            fault=self.files.fault,
        )


def certificate_file(settings: Settings) -> Path | None:
    """The certificate that the console was last served with, for who looks at it from outside."""
    if not needs_tls(settings):
        return None
    made = (
        settings.data / "tls" / "acme" / "certificate.pem",
        settings.data / "tls" / "local" / "server.pem",
    )
    return settings.tls_certificate or next((path for path in made if path.exists()), None)
