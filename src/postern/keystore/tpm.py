"""A root key sealed by the TPM 2.0 of this machine, which starts by itself after a power cut.

Whoever takes the disk without the machine has nothing. The TPM is spoken to through the tpm2-tools
programs: they need no compiler, and the root key passes to and from them in memory only. Sessions are
salted to the storage key, so on the wires between processor and TPM the root key is never in clear.

    owner's seed ─ primary storage key (ECC P-256, the same every time) ─ sealed object, whose parts lie in
    the file tpm.key: for unsealing only, and only while the PCRs in its policy have the values of then

Where a passphrase is wanted too, what the TPM seals is locked by it already (argon2id): both are needed,
also if TPMs of that make are broken into one day.
"""

from __future__ import annotations

import asyncio
import os
import re
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from postern.errors import CannotOpen, PosternError, RootKeyUnavailable, SettingsInvalid
from postern.keystore.rootfiles import bytes_of, damaged, read, text_of, write_new
from postern.keystore.rootkey import InMemory, lock, unlock
from postern.sealing.envelope import Key, new_key

DEVICE = "device:/dev/tpmrm0"
"""The kernel's resource manager, in the notation of tpm2-tools."""

_FORMAT = "postern-tpm-root-key/1"
_PCRS = re.compile(r"sha(?:1|256|384|512):\d{1,2}(?:,\d{1,2})*")
_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True, slots=True)
class Tpm:
    """Which TPM, the PCRs that must not have changed ("sha256:7"; "" for none), and a passphrase if any."""

    device: str = DEVICE
    pcrs: str = ""
    passphrase: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.pcrs and _PCRS.fullmatch(self.pcrs) is None:
            raise SettingsInvalid(
                f"'{self.pcrs}' names no PCRs; in POSTERN_ROOT_KEY write for example tpm:pcrs=sha256:7"
            )


class TpmKey(InMemory):
    """A root key that this machine's TPM sealed; in memory while the program runs."""

    @classmethod
    async def create(cls, path: Path, tpm: Tpm) -> Self:
        """Make a root key, have it sealed and write the sealed object to the new file `path`."""
        key = new_key()
        content: dict[str, str | int] = {"format": _FORMAT, "pcrs": tpm.pcrs}
        inside = key.id + key.secret
        if tpm.passphrase is not None:
            numbers, inside = await asyncio.to_thread(lock, key, tpm.passphrase)
            content |= numbers
        async with _Tools(tpm.device) as tools:
            await _seal(tools, inside, tpm.pcrs)
            sealed = {name: text_of(tools.read(name)) for name in ("public", "private")}
        write_new(path, content | sealed)
        return cls(key)

    @classmethod
    async def open(cls, path: Path, tpm: Tpm) -> Self:
        """The root key that was sealed into `path`; its PCRs are those of then.

        CannotOpen for another TPM, a changed start of the machine or a wrong passphrase;
        RootKeyUnavailable without a TPM.
        """
        content = read(path, _FORMAT)
        if "salt" in content and tpm.passphrase is None:
            raise SettingsInvalid(
                f"The root key in {path} wants a passphrase: write tpm:passphrase=yes in POSTERN_ROOT_KEY."
            )
        try:
            public, private = bytes_of(content, "public"), bytes_of(content, "private")
            async with _Tools(tpm.device) as tools:
                inside = await _unseal(tools, public, private, str(content["pcrs"]))
            if "salt" in content:
                return cls(await asyncio.to_thread(unlock, content, inside, tpm.passphrase or "", path))
            return cls(Key(id=inside[:8], secret=inside[8:]))
        except (KeyError, ValueError) as fault:
            raise damaged(path) from fault


async def _seal(tools: _Tools, secret: bytes, pcrs: str) -> None:
    """Leave the sealed object's two parts in the files `public` and `private`."""
    await tools.primary()
    await tools("tpm2_startauthsession", "-S", "trial")
    await _satisfy(tools, "trial", pcrs, "-L", "policy")
    await tools("tpm2_flushcontext", "trial")
    await tools("tpm2_startauthsession", "--hmac-session", "-c", "primary", "-S", "session")
    await tools.flush()
    # "noda": a wrong PCR does not count towards the TPM's lock-out
    given = ("-C", "primary", "-S", "session", "-L", "policy", "-a", "fixedtpm|fixedparent|noda")
    await tools("tpm2_create", "-Q", *given, "-u", "public", "-r", "private", secret=secret)


async def _unseal(tools: _Tools, public: bytes, private: bytes, pcrs: str) -> bytes:
    await tools.primary()
    tools.write("public", public)
    tools.write("private", private)
    await tools("tpm2_load", "-Q", "-C", "primary", "-u", "public", "-r", "private", "-c", "object")
    await tools.flush()
    await tools("tpm2_startauthsession", "--policy-session", "-c", "primary", "-S", "session")
    await _satisfy(tools, "session", pcrs)
    await tools.flush()
    return await tools("tpm2_unseal", "-c", "object", "-p", "session:session")


async def _satisfy(tools: _Tools, session: str, pcrs: str, *more: str) -> None:
    """The policy, step by step, as the TPM checks it; in a trial session this computes its digest."""
    await tools("tpm2_policycommandcode", "-Q", "-S", session, *more, "TPM2_CC_Unseal")
    if pcrs:
        await tools("tpm2_policypcr", "-Q", "-S", session, "-l", pcrs, *more)


class _Tools:
    """tpm2-tools in a private folder for the handles that they pass on to each other."""

    def __init__(self, device: str) -> None:
        self._device = device
        self._made = tempfile.TemporaryDirectory(prefix="postern-tpm-")
        self._folder = Path(self._made.name)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        """Leave nothing in the TPM: it has room for three objects and three sessions."""
        for name in ("session", "trial"):
            if (self._folder / name).exists():
                await self._run("tpm2_flushcontext", name)
        if (self._folder / "primary").exists():
            await self._run("tpm2_flushcontext", "-t")
        self._made.cleanup()

    async def primary(self) -> None:
        await self("tpm2_createprimary", "-Q", "-C", "o", "-G", "ecc", "-c", "primary")
        await self.flush()

    async def flush(self) -> None:
        """Make room in a TPM without resource manager; with one there is nothing to do."""
        await self("tpm2_flushcontext", "-t")

    def read(self, name: str) -> bytes:
        return (self._folder / name).read_bytes()

    def write(self, name: str, content: bytes) -> None:
        (self._folder / name).write_bytes(content)

    async def __call__(self, program: str, *arguments: str, secret: bytes | None = None) -> bytes:
        """Run a tool; `secret` is what it seals, on its standard input."""
        status, out, errors = await self._run(program, *arguments, secret=secret)
        if status != 0:
            raise _explain(program, errors.decode("utf-8", "replace"), self._device)
        return out

    async def _run(
        self, program: str, *arguments: str, secret: bytes | None = None
    ) -> tuple[int | None, bytes, bytes]:
        environment = {"PATH": os.environ.get("PATH", os.defpath), "TPM2TOOLS_TCTI": self._device}
        try:
            running = await asyncio.create_subprocess_exec(
                program,
                *arguments,
                *(() if secret is None else ("-i", "-")),
                cwd=self._folder,
                env=environment,
                stdin=asyncio.subprocess.DEVNULL if secret is None else asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
        except FileNotFoundError as fault:
            raise RootKeyUnavailable(
                f"{program} is not installed; the TPM needs it: install the package tpm2-tools."
            ) from fault
        try:
            async with asyncio.timeout(_SECONDS):
                out, errors = await running.communicate(secret)
        except TimeoutError as fault:
            running.kill()
            await running.wait()
            raise RootKeyUnavailable("The TPM does not answer; switch the machine off and on.") from fault
        return running.returncode, out, errors


_BAD_AUTH, _POLICY_FAIL, _INTEGRITY = 0xA2, 0x9D, 0x9F
"""Response codes (TPM 2.0 Library, part 2, 6.6.3) of format one, without their parameter's number."""

_WORDS: dict[int, tuple[type[PosternError], str]] = {
    _POLICY_FAIL: (
        CannotOpen,
        "The TPM does not give the root key, because this machine started differently than when the key was "
        "sealed: firmware, Secure Boot or boot order changed. Undo that, or start with the safe copy of the "
        "root key (docs/keys.md).",
    ),
    _INTEGRITY: (
        CannotOpen,
        "Another TPM sealed this root key, or this one was cleared since, or the file tpm.key was changed. "
        "Use the machine that it belongs to, or start with the safe copy of the root key (docs/keys.md).",
    ),
    _BAD_AUTH: (
        SettingsInvalid,
        "The TPM's owner hierarchy has a password. Clear it (tpm2_changeauth -c owner -p PASSWORD); the root "
        "key does not rely on it.",
    ),
}


def _explain(program: str, words: str, device: str) -> PosternError:
    """The fault behind a tool's words."""
    if "Could not load tcti" in words:
        return RootKeyUnavailable(
            f"No TPM answers at {device}: switch it on in the machine's firmware, and put the system user "
            "that runs Postern into the group 'tss'."
        )
    codes = {int(code, 16) & 0xBF for code in re.findall(r"\(0x([0-9A-Fa-f]{1,8})\)", words)}
    for code, (kind, explained) in _WORDS.items():
        if code in codes:
            return kind(explained)
    last = (words.strip().splitlines() or ["no words"])[-1]
    return RootKeyUnavailable(f"The TPM fails at {program} ({last}); look into the machine's log.")
