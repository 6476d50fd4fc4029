"""Keys and certificates on disk. A key is 0600 from its first byte, and every file is whole or absent."""

from __future__ import annotations

import errno
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes, PublicKeyTypes

from postern.devices.certificates.model import CertificateFacts, facts_of
from postern.errors import SettingsInvalid, StorageFull


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """A certificate with its chain, and its private key."""

    certificates: tuple[x509.Certificate, ...]
    key: PrivateKeyTypes

    @property
    def leaf(self) -> x509.Certificate:
        return self.certificates[0]

    @property
    def facts(self) -> CertificateFacts:
        return facts_of(self.leaf)

    @property
    def matches(self) -> bool:
        """Whether the key is the certificate's."""
        return _spki(self.leaf.public_key()) == _spki(self.key.public_key())


def _spki(public: PublicKeyTypes) -> bytes:
    return public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def read_pair(certificate: Path, key: Path) -> Pair:
    """Read both PEM files. Raises `SettingsInvalid` saying which one cannot be used and why."""
    try:
        certificates = tuple(x509.load_pem_x509_certificates(certificate.read_bytes()))
    except OSError as fault:
        raise SettingsInvalid(f"the certificate {certificate} cannot be read: {fault.strerror}") from fault
    except ValueError as fault:
        raise SettingsInvalid(f"{certificate} holds no certificate in PEM; convert it") from fault
    try:
        private = serialization.load_pem_private_key(key.read_bytes(), password=None)
    except OSError as fault:
        raise SettingsInvalid(f"the private key {key} cannot be read: {fault.strerror}") from fault
    except TypeError as fault:
        raise SettingsInvalid(f"the private key {key} has a passphrase; store it without one") from fault
    except ValueError as fault:
        raise SettingsInvalid(f"{key} holds no private key in PEM; convert it") from fault
    return Pair(certificates=certificates, key=private)


def new_key() -> ec.EllipticCurvePrivateKey:
    """ECDSA on P-256, which every browser and phone of the last ten years takes."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The key as PKCS #8 PEM, unencrypted: the machine must start alone."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def certificate_pem(*certificates: x509.Certificate) -> bytes:
    """Certificates as PEM, one after another."""
    return b"".join(one.public_bytes(serialization.Encoding.PEM) for one in certificates)


def write(path: Path, content: bytes, *, mode: int = 0o600) -> None:
    """Write `content` durably: after a power cut the file is the old one or the new one.

    Raises `StorageFull` or `SettingsInvalid` when it cannot be written; the old one then stays.
    """
    draft = path.with_name(f"{path.name}.new")
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        _sync_folder(path.parent)
    except OSError as fault:
        full = fault.errno in (errno.ENOSPC, errno.EDQUOT)
        raise (StorageFull if full else SettingsInvalid)(
            f"{path} cannot be written: {fault.strerror}; make room or correct the folder's rights"
        ) from fault


def _sync_folder(folder: Path) -> None:
    """Make the folder's entries survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
