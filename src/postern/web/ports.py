"""What `wiring` hands the console besides the services, since the web never imports devices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from postern.biometrics.model import Rgb
from postern.operations.parking.checkout import Till


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateView:
    """The certificate that this console is served with. `kind`: "own", "acme" or "local-ca".

    `root`: the local authority's root as PEM, to be installed on each device; `fault`: why the source that
    was asked for did not give it.
    """

    kind: str
    names: tuple[str, ...]
    not_after: datetime
    fingerprint: str
    root: bytes | None = None
    root_fingerprint: str | None = None
    fault: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsolePorts:
    """`certificate`: the one in use, None while the console speaks http.

    `pay_url`: where drivers pay, empty while no public process is set up; `till`: who takes their money.
    `grab_frame`: one frame from a camera's address (SourceUnavailable says why there is none);
    `encode_jpeg`: pixels as a JPEG file. None where this hub has no camera code at hand.
    """

    certificate: Callable[[], CertificateView | None] = lambda: None
    pay_url: str = ""
    till: Till | None = None
    grab_frame: Callable[[str], Awaitable[Rgb]] | None = None
    encode_jpeg: Callable[[Rgb], bytes] | None = None
    standing_open: Callable[[], Sequence[str]] = tuple
    """What the hub finds open on its machine that should be closed, in words."""
