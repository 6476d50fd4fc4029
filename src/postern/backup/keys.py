"""The two key files of backups: one that can only make them goes to the hub, one that restores stays away.

They are made together, on a machine that is not the hub. Whoever takes the hub's can add false backups from
then on, but can open none and change none that is there.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from postern import documents
from postern.age_file import new_identity
from postern.errors import BadInput, Conflict, SettingsInvalid
from postern.sealing import signing

CHAINS = ("data", "keystore")
HUB_FILE, RESTORE_FILE = "backup-hub.key", "backup-restore.key"
_FORMAT = "postern-backup-keys/1"

T = TypeVar("T", "HubKeys", "RestoreKeys")


@dataclass(frozen=True, kw_only=True, slots=True)
class HubKeys:
    """What the hub holds: to whom each chain is sealed, and what it signs with."""

    format: str
    data: str
    keystore: str
    signing: bytes = field(repr=False)

    def recipient(self, chain: str) -> str:
        """The chain's age recipient."""
        return self.keystore if chain == "keystore" else self.data


@dataclass(frozen=True, kw_only=True, slots=True)
class RestoreKeys:
    """What a restore needs: each chain's age identity, and whose signature to believe."""

    format: str
    data: str = field(repr=False)
    keystore: str = field(repr=False)
    hub: bytes

    def identity(self, chain: str) -> str:
        """The chain's age identity."""
        return self.keystore if chain == "keystore" else self.data


def make_keys(folder: Path) -> tuple[Path, Path]:
    """Write both files into `folder`. Raises Conflict when one is there: it may be the only copy."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    hub, restore = folder / HUB_FILE, folder / RESTORE_FILE
    for path in (hub, restore):
        if path.exists():
            raise Conflict(f"{path} exists already, and old backups may need it; choose another folder")
    (data_secret, data), (keystore_secret, keystore) = new_identity(), new_identity()
    private = signing.generate()
    _write(hub, HubKeys(format=_FORMAT, data=data, keystore=keystore, signing=private))
    public = signing.public_of(private)
    _write(restore, RestoreKeys(format=_FORMAT, data=data_secret, keystore=keystore_secret, hub=public))
    return hub, restore


def hub_keys(path: Path) -> HubKeys:
    """Read the hub's file. Raises SettingsInvalid when it is none, or open to others."""
    return _read(path, HubKeys, "backup-hub.key")


def restore_keys(path: Path) -> RestoreKeys:
    """Read the restoring file. Raises SettingsInvalid when it is none, or open to others."""
    return _read(path, RestoreKeys, "backup-restore.key")


def _read(path: Path, kind: type[T], name: str) -> T:
    try:
        if path.stat().st_mode & 0o077:
            raise SettingsInvalid(f"Others on this machine may read {path}: run chmod 600 on it.")
        return documents.from_bytes(kind, path.read_bytes())
    except OSError as fault:
        raise SettingsInvalid(f"{path} cannot be read ({fault.strerror}); check its path") from None
    except BadInput:
        raise SettingsInvalid(f"{path} is no {name}, as `postern backup keys` makes it") from None


def _write(path: Path, keys: HubKeys | RestoreKeys) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(documents.to_bytes(keys) + b"\n")
        file.flush()
        os.fsync(file.fileno())
