"""What a certificate is and when it is due, without any I/O."""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from postern.clock import aware


class Source(StrEnum):
    """Who made the certificate."""

    OWN = "own"
    ACME = "acme"
    LOCAL_CA = "local-ca"


@dataclass(frozen=True, kw_only=True, slots=True)
class TlsFiles:
    """What a server loads: `certificate` holds the leaf and then its chain, `key` is the leaf's.

    `root`: the local CA's certificate, for browsers and agents to install; None for the other sources.
    `fault`: why the source that was asked for did not give it, in words for the operator; None when it did.
    """

    source: Source
    certificate: Path
    key: Path
    root: Path | None = None
    fault: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class CertificateFacts:
    """What the console shows of a certificate. `fingerprint`: SHA-256 in pairs, to compare by eye."""

    names: tuple[str, ...]
    not_before: datetime
    not_after: datetime
    fingerprint: str
    issuer: str


def facts_of(certificate: x509.Certificate) -> CertificateFacts:
    """Read them from a certificate."""
    return CertificateFacts(
        names=_names(certificate),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        fingerprint=certificate.fingerprint(hashes.SHA256()).hex(":").upper(),
        issuer=certificate.issuer.rfc4514_string(),
    )


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    dns = names.get_values_for_type(x509.DNSName)
    addresses = names.get_values_for_type(x509.IPAddress)
    return (*(name.lower() for name in dns), *(str(address) for address in addresses))


def renew_due(facts: CertificateFacts, at: datetime) -> bool:
    """Whether two thirds of its life are over, or it is not valid at all: time enough to try again."""
    at = aware(at)
    third = (facts.not_after - facts.not_before) / 3
    return at < facts.not_before or at >= facts.not_after - third


def is_valid(facts: CertificateFacts, at: datetime) -> bool:
    """Whether clients accept its dates at `at`."""
    return facts.not_before <= aware(at) < facts.not_after


def missing_names(facts: CertificateFacts, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of `names` that it does not vouch for. A `*` covers exactly one label (RFC 6125, 6.4.3)."""
    return tuple(name for name in names if not any(_covers(held, name.lower()) for held in facts.names))


def _covers(held: str, name: str) -> bool:
    if held.startswith("*.") and address_of(name) is None:
        first, _, rest = name.partition(".")
        return bool(first) and rest == held[2:]
    return held == name


def address_of(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """The IP address that `name` is, or None when it is a DNS name."""
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


def general_name(name: str) -> x509.GeneralName:
    """`name` as certificates carry it."""
    address = address_of(name)
    return x509.DNSName(name.lower()) if address is None else x509.IPAddress(address)
