"""Every holder of a root key that a machine can offer: files, swtpm, SoftHSM, a server of Vault's API."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Protocol

import pkcs11
from pydantic import SecretStr

from postern.settings import Settings
from tests.contract.vault_server import ROLE_ID, SECRET_ID, VaultServer

PASSPHRASE = "correct horse battery staple"
PIN = "24680"
MODULE = next(
    (
        str(path)
        for path in (
            Path("/usr/lib/softhsm/libsofthsm2.so"),
            Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"),
            Path("/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so"),
        )
        if path.exists()
    ),
    "/usr/lib/softhsm/libsofthsm2.so",
)


class Holder(Protocol):
    """One of them, started: how it is chosen, and how to take it away and bring it back."""

    settings: Settings

    async def go_away(self) -> None: ...

    async def come_back(self) -> None: ...

    async def close(self) -> None: ...


class FileHolder:
    """A root key in a file."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings

    async def go_away(self) -> None:
        raise NotImplementedError("a file is in memory once it is read")

    async def come_back(self) -> None:
        raise NotImplementedError("a file is in memory once it is read")

    async def close(self) -> None:
        return


class SoftwareTpm:
    """A TPM 2.0 in software (swtpm) at a socket of its own. Its state survives a restart."""

    def __init__(self, folder: Path, name: str = "tpm") -> None:
        self._state = folder / name
        self._state.mkdir()
        self._socket = self._state / "s"
        self.log = self._state / "log"
        self._running: subprocess.Popen[bytes] | None = None
        self.start()

    @property
    def device(self) -> str:
        return f"swtpm:path={self._socket}"

    def start(self) -> None:
        self._socket.unlink(missing_ok=True)
        self._running = subprocess.Popen(
            [
                "swtpm", "socket", "--tpm2", "--tpmstate", f"dir={self._state}",
                "--server", f"type=unixio,path={self._socket}",
                "--ctrl", f"type=unixio,path={self._socket}.ctrl",
                "--flags", "not-need-init,startup-clear", "--log", f"file={self.log},level=20",
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not self._listens():
            assert self._running.poll() is None, "swtpm ended at once"
            time.sleep(0.01)

    def _listens(self) -> bool:
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self._socket))
            except OSError:
                return False
        return True

    def stop(self) -> None:
        if self._running is not None:
            self._running.send_signal(signal.SIGTERM)
            self._running.wait(20)
            self._running = None

    def power_cut(self) -> None:
        """Switch it off and on: PCRs start anew, what was loaded is gone."""
        self.stop()
        self.start()

    def tool(self, *command: str) -> None:
        """Run one of tpm2-tools against it."""
        subprocess.run(
            command, check=True, capture_output=True, env={**os.environ, "TPM2TOOLS_TCTI": self.device}
        )


class TpmHolder:
    """A root key in a TPM."""

    def __init__(self, folder: Path, data: Path, choice: str = "") -> None:
        self.tpm = SoftwareTpm(folder)
        text = f"tpm:device={self.tpm.device};{choice}".rstrip(";")
        self.settings = Settings(data=data, mode="production", root_key=text)

    async def go_away(self) -> None:
        self.tpm.stop()

    async def come_back(self) -> None:
        self.tpm.start()

    async def close(self) -> None:
        self.tpm.stop()


class SoftHsm:
    """SoftHSM's devices in a folder of this test run. One for the process: PKCS#11 reads it once."""

    def __init__(self, folder: Path) -> None:
        self.store = folder / "softhsm"
        self.store.mkdir()
        (folder / "softhsm.conf").write_text(f"directories.tokendir = {self.store}\nlog.level = ERROR\n")
        os.environ["SOFTHSM2_CONF"] = str(folder / "softhsm.conf")

    def add(self, label: str) -> None:
        """A new device."""
        command = [
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            label,
            "--so-pin",
            "1357911",
            "--pin",
            PIN,
        ]
        subprocess.run(command, check=True, capture_output=True)


class HsmHolder:
    """A root key in a PKCS#11 device."""

    def __init__(self, softhsm: SoftHsm, label: str, data: Path) -> None:
        softhsm.add(label)
        self.label = label
        self._store = softhsm.store
        self._aside = softhsm.store.with_name("aside")
        self.settings = Settings(
            data=data,
            mode="production",
            root_key=f"pkcs11:token={label};object=root?module-path={MODULE}",
            pkcs11_pin=SecretStr(PIN),
        )

    async def go_away(self) -> None:
        shutil.move(self._store, self._aside)
        self._store.mkdir()
        pkcs11.lib(MODULE).reinitialize()  # a real driver notices by itself

    async def come_back(self) -> None:
        self._store.rmdir()
        shutil.move(self._aside, self._store)

    async def close(self) -> None:
        return


class VaultHolder:
    """A root key in the transit engine of a server."""

    def __init__(self, server: VaultServer, data: Path) -> None:
        self.server = server
        self.settings = Settings(
            data=data,
            mode="production",
            root_key=server.root_key,
            vault_role_id=ROLE_ID,
            vault_secret_id=SecretStr(SECRET_ID),
        )

    async def go_away(self) -> None:
        await self.server.stop()

    async def come_back(self) -> None:
        await self.server.start()

    async def close(self) -> None:
        await self.server.stop()
