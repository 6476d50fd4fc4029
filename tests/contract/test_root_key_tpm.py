"""What is particular to a TPM: power cuts, changed starts, other machines, wires that can be heard."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from postern.errors import CannotOpen, RootKeyUnavailable, SettingsInvalid
from postern.keystore import tpm as tpm_module
from postern.keystore.tpm import Tpm, TpmKey
from tests.contract.root_key_holders import PASSPHRASE, SoftwareTpm
from tests.needs import needs

pytestmark = needs("swtpm", "tpm2_unseal")

ONE = "0" * 63 + "1"


@pytest.fixture
def tpm(tmp_path: Path) -> Iterator[SoftwareTpm]:
    made = SoftwareTpm(tmp_path)
    yield made
    made.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "tpm.key"


async def test_a_machine_starts_by_itself_after_a_power_cut(tpm: SoftwareTpm, path: Path) -> None:
    first = await TpmKey.create(path, Tpm(device=tpm.device, pcrs="sha256:0,7"))
    wrapped = await first.wrap(b"secret", label="hub")

    tpm.power_cut()

    again = await TpmKey.open(path, Tpm(device=tpm.device))
    assert await again.unwrap(wrapped, label="hub") == b"secret"


async def test_a_machine_that_started_differently_gets_no_key(tpm: SoftwareTpm, path: Path) -> None:
    await TpmKey.create(path, Tpm(device=tpm.device, pcrs="sha256:7"))

    tpm.tool("tpm2_pcrextend", f"7:sha256={ONE}")

    with pytest.raises(CannotOpen, match="started differently"):
        await TpmKey.open(path, Tpm(device=tpm.device))
    tpm.power_cut()
    await TpmKey.open(path, Tpm(device=tpm.device))


async def test_the_policy_cannot_be_taken_out_of_the_file(tpm: SoftwareTpm, path: Path) -> None:
    await TpmKey.create(path, Tpm(device=tpm.device, pcrs="sha256:7"))
    tpm.tool("tpm2_pcrextend", f"7:sha256={ONE}")

    path.write_text(path.read_text().replace("sha256:7", ""))

    with pytest.raises(CannotOpen):
        await TpmKey.open(path, Tpm(device=tpm.device))


async def test_another_machine_s_tpm_gives_no_key(tpm: SoftwareTpm, path: Path, tmp_path: Path) -> None:
    await TpmKey.create(path, Tpm(device=tpm.device))
    other = SoftwareTpm(tmp_path, "other")
    try:
        with pytest.raises(CannotOpen, match="Another TPM"):
            await TpmKey.open(path, Tpm(device=other.device))
    finally:
        other.stop()


async def test_a_cleared_tpm_gives_no_key_but_the_safe_copy_does(
    tpm: SoftwareTpm, path: Path, tmp_path: Path
) -> None:
    from postern.keystore.rootkey import KeyFile

    first = await TpmKey.create(path, Tpm(device=tpm.device))
    wrapped = await first.wrap(b"secret", label="hub")
    first.copy_to(tmp_path / "copy.key", PASSPHRASE)

    tpm.tool("tpm2_clear")

    with pytest.raises(CannotOpen, match="cleared"):
        await TpmKey.open(path, Tpm(device=tpm.device))
    copy = KeyFile.unlock(tmp_path / "copy.key", PASSPHRASE)
    assert await copy.unwrap(wrapped, label="hub") == b"secret"


async def test_a_passphrase_is_needed_beside_the_tpm(tpm: SoftwareTpm, path: Path) -> None:
    await TpmKey.create(path, Tpm(device=tpm.device, passphrase=PASSPHRASE))

    with pytest.raises(CannotOpen, match="passphrase does not unlock"):
        await TpmKey.open(path, Tpm(device=tpm.device, passphrase=PASSPHRASE + "!"))
    with pytest.raises(SettingsInvalid, match="passphrase=yes"):
        await TpmKey.open(path, Tpm(device=tpm.device))


def _heard(tpm: SoftwareTpm, root: TpmKey) -> bool:
    """Whether a part of the root key passed over the wires: swtpm notes every byte, in hexadecimal."""
    told = bytes.fromhex("".join(word for word in tpm.log.read_text().split() if len(word) == 2))
    assert len(told) > 5_000
    return root._key.secret[8:24] in told


async def test_nothing_on_the_wires_to_the_tpm_is_the_root_key(tpm: SoftwareTpm, path: Path) -> None:
    made = await TpmKey.create(path, Tpm(device=tpm.device))
    await TpmKey.open(path, Tpm(device=tpm.device))

    assert not _heard(tpm, made)


async def test_listening_to_the_wires_would_hear_a_root_key_that_passes_in_clear(
    tpm: SoftwareTpm, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The mutant: no session that encrypts what it takes to seal."""
    real = tpm_module._Tools.__call__

    async def bare(tools: tpm_module._Tools, program: str, *arguments: str, **more: bytes | None) -> bytes:
        if program == "tpm2_create":
            place = arguments.index("-S")
            arguments = arguments[:place] + arguments[place + 2 :]
        return await real(tools, program, *arguments, **more)

    monkeypatch.setattr(tpm_module._Tools, "__call__", bare)

    assert _heard(tpm, await TpmKey.create(path, Tpm(device=tpm.device)))


async def test_it_leaves_nothing_in_the_tpm(tpm: SoftwareTpm, path: Path, tmp_path: Path) -> None:
    """It has room for three objects: whoever leaves one behind is locked out at the fourth start."""
    await TpmKey.create(path, Tpm(device=tpm.device, pcrs="sha256:7"))
    for _ in range(4):
        await TpmKey.open(path, Tpm(device=tpm.device))
    path.write_text(path.read_text().replace("sha256:7", ""))
    with pytest.raises(CannotOpen):
        await TpmKey.open(path, Tpm(device=tpm.device))

    for kind in ("handles-transient", "handles-loaded-session", "handles-saved-session"):
        tpm.tool("sh", "-c", f'test -z "$(tpm2_getcap {kind})"')


async def test_a_password_of_the_owner_hierarchy_is_named(tpm: SoftwareTpm, path: Path) -> None:
    tpm.tool("tpm2_changeauth", "-c", "owner", "password")

    with pytest.raises(SettingsInvalid, match="tpm2_changeauth"):
        await TpmKey.create(path, Tpm(device=tpm.device))
    assert not path.exists()


async def test_a_machine_without_a_tpm_is_told_what_to_do(path: Path) -> None:
    with pytest.raises(RootKeyUnavailable, match="switch it on in the machine's firmware"):
        await TpmKey.create(path, Tpm(device="device:/nowhere/tpmrm0"))


async def test_missing_tools_are_named(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(path.parent))

    with pytest.raises(RootKeyUnavailable, match="install the package tpm2-tools"):
        await TpmKey.create(path, Tpm())


@pytest.mark.parametrize("pcrs", ["7", "sha256", "sha256:", "sha256:7,", "md5:1", "sha256:7;x"])
def test_pcrs_that_name_none_are_refused(pcrs: str) -> None:
    with pytest.raises(SettingsInvalid, match="pcrs=sha256:7"):
        Tpm(pcrs=pcrs)
