"""A certificate authority of this installation alone, for consoles that no public one can vouch for.

Whoever installs its root trusts it for the names below and for nothing else (RFC 5280, 4.2.1.10, critical): a
stolen CA key cannot vouch for a bank. The key stays on this machine, 0600.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from postern.devices.certificates.files import (
    Pair,
    certificate_pem,
    key_pem,
    new_key,
    read_pair,
    write,
)
from postern.devices.certificates.model import (
    CertificateFacts,
    Source,
    TlsFiles,
    address_of,
    general_name,
    missing_names,
    renew_due,
)
from postern.errors import SettingsInvalid

ROOT_LIFE = timedelta(days=3650)
# Apple's limit for what a user installed is 825 days, that for public ones 398; stay below both.
SERVER_LIFE = timedelta(days=397)
# Clocks of phones and agents differ.
SKEW = timedelta(hours=1)

# Names and addresses that never belong to anybody on the public Internet (RFC 6762, 8375, 1918, 4193, 4291).
PRIVATE_DOMAINS = ("localhost", "local", "internal", "home.arpa", "lan")
PRIVATE_NETWORKS = (
    *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "100.64.0.0/10"),
    *("::1/128", "fc00::/7", "fe80::/10"),
)


@dataclass(frozen=True, kw_only=True, slots=True)
class RootCertificate:
    """The root to install: its PEM, and the facts to compare before it is trusted."""

    pem: bytes
    facts: CertificateFacts


def local_certificate(folder: Path, names: tuple[str, ...], at: datetime) -> TlsFiles:
    """A server certificate for `names` from the CA in `folder`, both made when missing or due.

    Names that the CA may not vouch for (they came after it was made) are left out and told in `fault`. Raises
    `SettingsInvalid` when none is left, or when the CA's files do not fit together.
    """
    root = _root(folder, names, at)
    left_out = tuple(name for name in names if not _permitted(root.leaf, name))
    names = tuple(name for name in names if name not in left_out)
    fault = f"the local CA may not vouch for {', '.join(left_out)}; {_remedy(folder)}" if left_out else None
    if not names:
        raise SettingsInvalid(fault or "a certificate needs at least one name or address to vouch for")
    files = TlsFiles(
        fault=fault,
        source=Source.LOCAL_CA,
        certificate=folder / "server.pem",
        key=folder / "server-key.pem",
        root=folder / "root.pem",
    )
    if not _still_good(files, root, names, at):
        key = new_key()
        leaf = _server_certificate(root, key, names, at)
        write(files.key, key_pem(key))
        write(files.certificate, certificate_pem(leaf), mode=0o644)
    return files


def read_root(folder: Path) -> RootCertificate | None:
    """The root that is to be installed, None before it was made."""
    path = folder / "root.pem"
    if not path.exists():
        return None
    pair = read_pair(path, folder / "root-key.pem")
    return RootCertificate(pem=certificate_pem(pair.leaf), facts=pair.facts)


def _still_good(files: TlsFiles, root: Pair, names: tuple[str, ...], at: datetime) -> bool:
    try:
        pair = read_pair(files.certificate, files.key)
    except SettingsInvalid:
        return False
    return (
        pair.matches
        and pair.leaf.issuer == root.leaf.subject
        and not missing_names(pair.facts, names)
        and not renew_due(pair.facts, at)
    )


def _root(folder: Path, names: tuple[str, ...], at: datetime) -> Pair:
    certificate, private = folder / "root.pem", folder / "root-key.pem"
    if not certificate.exists():
        key = new_key()
        write(private, key_pem(key))
        write(certificate, certificate_pem(_root_certificate(key, names, at)), mode=0o644)
    pair = read_pair(certificate, private)
    if not pair.matches:
        raise SettingsInvalid(f"the local CA's key is not its certificate's; {_remedy(folder)}")
    if pair.facts.not_after <= at:
        raise SettingsInvalid(f"the local CA ended on {pair.facts.not_after:%Y-%m-%d}; {_remedy(folder)}")
    return pair


def _remedy(folder: Path) -> str:
    return f"move {folder} away to have a new one made, then install its root everywhere again"


def _permitted(root: x509.Certificate, name: str) -> bool:
    constraints = root.extensions.get_extension_for_class(x509.NameConstraints).value
    address = address_of(name)
    for subtree in constraints.permitted_subtrees or ():
        if isinstance(subtree, x509.IPAddress):
            permitted = address is not None and address in ipaddress.ip_network(str(subtree.value))
        else:
            permitted = address is None and f".{name.lower()}".endswith(f".{subtree.value}")
        if permitted:
            return True
    return False


def _subtrees(names: tuple[str, ...]) -> list[x509.GeneralName]:
    """What the root may vouch for: what is private anyway, and the names asked for."""
    private = [ipaddress.ip_network(network) for network in PRIVATE_NETWORKS]
    addresses = [address for address in map(address_of, names) if address is not None]
    own = [ipaddress.ip_network(one) for one in addresses if not any(one in network for network in private)]
    domains = [name.lower() for name in names if address_of(name) is None]
    return [
        *(x509.DNSName(domain) for domain in dict.fromkeys([*PRIVATE_DOMAINS, *domains])),
        *(x509.IPAddress(network) for network in [*private, *own]),
    ]


def _root_certificate(
    key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], at: datetime
) -> x509.Certificate:
    public = key.public_key()
    identifier = x509.SubjectKeyIdentifier.from_public_key(public)
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Postern"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"Postern local CA {identifier.digest.hex()[:8]}"),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - SKEW)
        .not_valid_after(at - SKEW + ROOT_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(authority=True), critical=True)
        .add_extension(identifier, critical=False)
        .add_extension(
            x509.NameConstraints(permitted_subtrees=_subtrees(names), excluded_subtrees=None), critical=True
        )
        .sign(key, hashes.SHA256())
    )


def _server_certificate(
    root: Pair, key: ec.EllipticCurvePrivateKey, names: tuple[str, ...], at: datetime
) -> x509.Certificate:
    identifier = root.leaf.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(identifier)
    if not isinstance(root.key, ec.EllipticCurvePrivateKey):
        raise SettingsInvalid("the local CA's key is not one that Postern made")
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Postern console")]))
        .issuer_name(root.leaf.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - SKEW)
        .not_valid_after(min(at - SKEW + SERVER_LIFE, root.facts.not_after))
        .add_extension(x509.SubjectAlternativeName([general_name(name) for name in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(authority=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(authority, critical=False)
        .sign(root.key, hashes.SHA256())
    )


def _usage(*, authority: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not authority,
        key_cert_sign=authority,
        crl_sign=authority,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
