"""The public process as the parent starts it: told where to listen and where the counter is, and no more."""

from __future__ import annotations

import sys
from urllib.parse import urlsplit

from postern.console_tls import Certificate, answers, public_side
from postern.public import PublicHandover
from postern.settings import Settings
from postern.supervise import Program

SOCKET = "counter.sock"
INHERITS = frozenset({"PATH", "PYTHONPATH", "VIRTUAL_ENV", "LANG", "LC_ALL", "TZ"})
"""Of the parent's environment, which may hold passwords, the public process gets these."""
_STRIPE = "https://checkout.stripe.com"


def counter_socket(settings: Settings) -> str:
    """Where the hub's counter answers."""
    return str(settings.folder("run") / SOCKET)


def public_program(settings: Settings, tls: Certificate) -> Program:
    """The public process, with the certificate that `tls` made."""
    own = public_side(settings)
    files = tls.files
    told = PublicHandover(
        host=own.host,
        port=own.port,
        counter=counter_socket(settings),
        certificate=str(files.certificate) if files else None,
        key=str(files.key) if files else None,
        checkout_origins=_checkout_origins(settings),
        demo=settings.mode == "demo",
        security_contact=settings.security_contact,
    )

    return Program(
        name="the public pages",
        command=(sys.executable, "-m", "postern", "public"),
        errors=settings.folder("log") / "public.err",
        is_healthy=lambda: answers(own.host, own.port),
        handover=told.to_bytes(),
        inherits=INHERITS,
    )


def _checkout_origins(settings: Settings) -> tuple[str, ...]:
    if settings.stripe_secret_key is None:
        return ()
    if settings.stripe_api_base is None:
        return (_STRIPE,)
    parts = urlsplit(settings.stripe_api_base)
    return (f"{parts.scheme}://{parts.netloc}",)
