"""What may hold the root key, as an installer names it in POSTERN_ROOT_KEY, and how each is made and opened.

file                                            a file locked by the passphrase (production's default)
unattended                                      a plain file, for demonstrations (a demo's default)
tpm                  tpm:pcrs=sha256:7;passphrase=yes;device=device:/dev/tpmrm0
pkcs11:token=postern;object=root?module-path=/usr/lib/…/driver.so          a PKCS#11 URI (RFC 7512)
vault:address=https://vault.example.org:8200;key=postern;mount=transit;ca=/etc/ssl/vault.pem
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pydantic import SecretStr

from postern.errors import SettingsInvalid
from postern.keystore.hsm import Device, HsmKey
from postern.keystore.rootkey import KeyFile, RootKey, UnattendedKeyFile
from postern.keystore.tpm import DEVICE, Tpm, TpmKey
from postern.keystore.vault import AppRole, Transit, VaultKey
from postern.settings import Settings


class Kind(StrEnum):
    """The kinds of holder of a root key."""

    FILE = "file"
    UNATTENDED = "unattended"
    TPM = "tpm"
    PKCS11 = "pkcs11"
    VAULT = "vault"


_MAY = {
    Kind.FILE: frozenset[str](),
    Kind.UNATTENDED: frozenset[str](),
    Kind.TPM: frozenset({"pcrs", "passphrase", "device"}),
    Kind.PKCS11: frozenset({"token", "object", "module-path", "pin-source"}),
    Kind.VAULT: frozenset({"address", "key", "mount", "namespace", "ca"}),
}
_MUST = {
    Kind.PKCS11: ("token", "object", "module-path"),
    Kind.VAULT: ("address", "key"),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Provider:
    """A holder of root keys: its kind, and what it takes to find it. No secret is in it."""

    kind: Kind
    values: Mapping[str, str] = field(default_factory=dict)
    text: str
    """As the installer wrote it."""

    @classmethod
    def parse(cls, text: str) -> Provider:
        """What POSTERN_ROOT_KEY says. Raises SettingsInvalid, with what is wrong in it."""
        name, _, rest = text.strip().partition(":")
        if name not in set(Kind):
            raise SettingsInvalid(
                f"POSTERN_ROOT_KEY begins with '{name}'; it must be one of {', '.join(Kind)} (docs/keys.md)."
            )
        kind, values = Kind(name), _values(rest)
        for given in values.keys() - _MAY[kind]:
            raise SettingsInvalid(
                f"POSTERN_ROOT_KEY knows no '{given}' for {kind}; it takes "
                f"{', '.join(sorted(_MAY[kind])) or 'nothing'} (docs/keys.md)."
            )
        for missing in (one for one in _MUST.get(kind, ()) if not values.get(one)):
            raise SettingsInvalid(f"POSTERN_ROOT_KEY lacks '{missing}', which {kind} needs (docs/keys.md).")
        return cls(kind=kind, values=values, text=text.strip())

    @property
    def file(self) -> str:
        """The name of its file in the data folder's `keys`."""
        return {Kind.FILE: "root.key", Kind.UNATTENDED: "unattended.key"}.get(self.kind, f"{self.kind}.key")

    @property
    def wants_passphrase(self) -> bool:
        """Whether somebody must type the passphrase, or a setting hold it, at every start."""
        return self.kind is Kind.FILE or (self.kind is Kind.TPM and self.values.get("passphrase") == "yes")


FILES = {kind: Provider(kind=kind, text=kind).file for kind in Kind}


def _values(text: str) -> dict[str, str]:
    found = {}
    for part in filter(None, re.split("[;?&]", text)):
        name, equals, value = part.partition("=")
        if not equals:
            raise SettingsInvalid(f"POSTERN_ROOT_KEY: '{part}' is no name=value (docs/keys.md).")
        found[name.strip()] = unquote(value.strip())
    return found


def chosen(settings: Settings) -> Provider:
    """What the installer chose, or the default of the mode. SettingsInvalid for an unguarded one in
    production."""
    default = Kind.UNATTENDED if settings.mode == "demo" else Kind.FILE
    provider = Provider.parse(settings.root_key or default)
    refuse_unguarded(settings, provider)
    return provider


def refuse_unguarded(settings: Settings, provider: Provider) -> None:
    """Production takes no root key that lies on the disk in clear."""
    if settings.mode == "production" and provider.kind is Kind.UNATTENDED:
        raise SettingsInvalid(
            "An unattended root key is one that nothing guards, which production does not accept: set "
            "POSTERN_ROOT_KEY to file, tpm, pkcs11:… or vault:… (docs/keys.md), or start with --demo."
        )


async def create(provider: Provider, path: Path, settings: Settings, passphrase: str | None) -> RootKey:
    """Make a root key there and write what finds it again to the new file `path`."""
    match provider.kind:
        case Kind.FILE:
            return await asyncio.to_thread(KeyFile.create, path, _needed(passphrase))
        case Kind.UNATTENDED:
            return UnattendedKeyFile.create(path)
        case Kind.TPM:
            return await TpmKey.create(path, _tpm(provider, passphrase))
        case Kind.PKCS11:
            return await HsmKey.create(path, _device(provider, settings))
        case Kind.VAULT:
            return await VaultKey.create(path, _transit(provider, settings))


async def open_root(provider: Provider, path: Path, settings: Settings, passphrase: str | None) -> RootKey:
    """The root key that `path` finds. SettingsInvalid, CannotOpen or RootKeyUnavailable, with the cure."""
    match provider.kind:
        case Kind.FILE:
            return await asyncio.to_thread(KeyFile.unlock, path, _needed(passphrase))
        case Kind.UNATTENDED:
            return UnattendedKeyFile.read(path)
        case Kind.TPM:
            return await TpmKey.open(path, _tpm(provider, passphrase))
        case Kind.PKCS11:
            return await HsmKey.open(path, _device(provider, settings))
        case Kind.VAULT:
            return await VaultKey.open(path, _transit(provider, settings))


def _needed(passphrase: str | None) -> str:
    if passphrase is None:
        raise SettingsInvalid(
            "The root key needs its passphrase: set POSTERN_PASSPHRASE, or start at a terminal to be asked."
        )
    return passphrase


def _tpm(provider: Provider, passphrase: str | None) -> Tpm:
    return Tpm(
        device=provider.values.get("device", DEVICE),
        pcrs=provider.values.get("pcrs", ""),
        passphrase=_needed(passphrase) if provider.wants_passphrase else None,
    )


def _device(provider: Provider, settings: Settings) -> Device:
    return Device(
        module=provider.values["module-path"],
        label=provider.values["token"],
        key=provider.values["object"],
        pin=_pin(provider, settings.pkcs11_pin),
    )


def _pin(provider: Provider, given: SecretStr | None) -> str:
    if given is not None:
        return given.get_secret_value()
    source = provider.values.get("pin-source")
    if source is None:
        raise SettingsInvalid(
            "The PKCS#11 device needs its PIN: set POSTERN_PKCS11_PIN, or name a file with 'pin-source' in "
            "POSTERN_ROOT_KEY."
        )
    try:
        return Path(source.removeprefix("file:")).read_text("utf-8").strip()
    except OSError as fault:
        raise SettingsInvalid(
            f"The PIN cannot be read from {source} ({fault.strerror}); correct 'pin-source' in "
            "POSTERN_ROOT_KEY, or set POSTERN_PKCS11_PIN."
        ) from fault


def _transit(provider: Provider, settings: Settings) -> Transit:
    address, authority = provider.values["address"], provider.values.get("ca")
    url = urlsplit(address)
    if url.scheme != "https" and not (url.scheme == "http" and _is_loopback(url.hostname)):
        raise SettingsInvalid(
            "Vault's address in POSTERN_ROOT_KEY must begin with https://, because keys pass over it."
        )
    return Transit(
        address=address,
        key=provider.values["key"],
        mount=provider.values.get("mount", "transit"),
        namespace=provider.values.get("namespace"),
        authority=Path(authority) if authority else None,
        login=_login(settings),
    )


def _is_loopback(host: str | None) -> bool:
    try:
        return host == "localhost" or ip_address(host or "").is_loopback
    except ValueError:
        return False


def _login(settings: Settings) -> str | AppRole:
    if settings.vault_role_id is not None and settings.vault_secret_id is not None:
        return AppRole(role_id=settings.vault_role_id, secret_id=settings.vault_secret_id.get_secret_value())
    if settings.vault_token is not None:
        return settings.vault_token.get_secret_value()
    raise SettingsInvalid(
        "Vault needs a login: set POSTERN_VAULT_ROLE_ID and POSTERN_VAULT_SECRET_ID, or POSTERN_VAULT_TOKEN."
    )
