"""Until when the console's certificate is good, where it is needed."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509

from postern.doctor.finding import Finding, danger, ok, warn

NAME = "certificate"
WARN_DAYS = 14
DANGER_DAYS = 2


def judge(ends: datetime, at: datetime) -> Finding:
    """A certificate that ends at `ends`, looked at `at`."""
    left = ends - at
    cure = "renew it (docs/certificates.md)"
    if left <= timedelta(0):
        return danger(NAME, f"the console's certificate ended on {ends:%Y-%m-%d}", cure)
    message = f"the console's certificate is good until {ends:%Y-%m-%d}"
    if left < timedelta(days=DANGER_DAYS):
        return danger(NAME, message, cure)
    if left < timedelta(days=WARN_DAYS):
        return warn(NAME, message, cure)
    return ok(NAME, message)


def examine(path: Path | None, at: datetime) -> list[Finding]:
    """The certificate file that the console serves; nothing to say where it serves none."""
    if path is None:
        return []
    try:
        certificate = x509.load_pem_x509_certificates(path.read_bytes())[0]
    except (OSError, ValueError, IndexError):
        return [danger(NAME, f"{path} cannot be read as a certificate", "see docs/certificates.md")]
    return [judge(certificate.not_valid_after_utc, at)]
