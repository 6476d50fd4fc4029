"""What every holder of a root key must do, whatever it is made of."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from postern.errors import CannotOpen, RootKeyUnavailable
from postern.ids import TenantId
from postern.keystore import open_keystore, providers
from postern.keystore.providers import Provider
from postern.keystore.rootkey import RootKey
from postern.postgres.pool import Database
from postern.settings import Settings
from tests.contract.root_key_holders import (
    PASSPHRASE,
    FileHolder,
    Holder,
    HsmHolder,
    SoftHsm,
    TpmHolder,
    VaultHolder,
)
from tests.contract.vault_server import VaultServer
from tests.needs import needs

SECRET = bytes(range(40))

HOLDERS = [
    "file",
    "unattended",
    pytest.param("tpm", marks=needs("swtpm", "tpm2_unseal")),
    pytest.param("tpm with PCR", marks=needs("swtpm", "tpm2_unseal")),
    pytest.param("tpm with passphrase", marks=needs("swtpm", "tpm2_unseal")),
    pytest.param("tpm with both", marks=needs("swtpm", "tpm2_unseal")),
    pytest.param("pkcs11", marks=needs("softhsm2-util")),
    "vault",
]
AWAY = [
    pytest.param("tpm", marks=needs("swtpm", "tpm2_unseal")),
    pytest.param("pkcs11", marks=needs("softhsm2-util")),
    "vault",
]
_TPMS = {
    "tpm": "",
    "tpm with PCR": "pcrs=sha256:7",
    "tpm with passphrase": "passphrase=yes",
    "tpm with both": "pcrs=sha256:0,7;passphrase=yes",
}


@pytest.fixture
async def holder(request: pytest.FixtureRequest, tmp_path: Path, softhsm: SoftHsm) -> AsyncIterator[Holder]:
    data, kind = tmp_path / "data", request.param
    if kind in _TPMS:
        made: Holder = TpmHolder(tmp_path, data, _TPMS[kind])
    elif kind == "pkcs11":
        made = HsmHolder(softhsm, f"device-{uuid4().hex[:8]}", data)
    elif kind == "vault":
        server = VaultServer(tmp_path)
        await server.start()
        made = VaultHolder(server, data)
    else:
        mode = "demo" if kind == "unattended" else "production"
        made = FileHolder(Settings.model_validate({"data": data, "mode": mode, "root_key": kind}))
    try:
        yield made
    finally:
        await made.close()


def _chosen(holder: Holder) -> tuple[Provider, Path]:
    provider = providers.chosen(holder.settings)
    return provider, holder.settings.folder("keys") / provider.file


async def _create(holder: Holder) -> RootKey:
    provider, path = _chosen(holder)
    return await providers.create(provider, path, holder.settings, PASSPHRASE)


async def _open(holder: Holder) -> RootKey:
    provider, path = _chosen(holder)
    return await providers.open_root(provider, path, holder.settings, PASSPHRASE)


@pytest.mark.parametrize("holder", HOLDERS, indirect=True)
async def test_what_it_wrapped_it_unwraps_also_after_a_restart(holder: Holder) -> None:
    first = await _create(holder)
    wrapped = [await first.wrap(SECRET, label="tenant|1"), await first.wrap(b"", label="hub")]

    again = await _open(holder)

    assert again.id == first.id
    for root in (first, again):
        assert await root.unwrap(wrapped[0], label="tenant|1") == SECRET
        assert await root.unwrap(wrapped[1], label="hub") == b""
    assert SECRET[:16] not in wrapped[0]


@pytest.mark.parametrize("holder", HOLDERS, indirect=True)
async def test_it_unwraps_nothing_for_another_place(holder: Holder) -> None:
    root = await _create(holder)
    wrapped = await root.wrap(SECRET, label="tenant|1")

    for label in ("tenant|2", "tenant|1|2", "tenant|", "", "hub"):
        with pytest.raises(CannotOpen):
            await root.unwrap(wrapped, label=label)


@pytest.mark.parametrize("holder", HOLDERS, indirect=True)
async def test_it_unwraps_nothing_of_which_a_byte_was_changed_or_cut(holder: Holder) -> None:
    root = await _create(holder)
    wrapped = await root.wrap(SECRET, label="tenant|1")

    step = 1 if isinstance(holder, FileHolder | TpmHolder | HsmHolder) else 9
    for place in range(0, len(wrapped), step):
        changed = bytearray(wrapped)
        changed[place] ^= 1 << place % 8
        with pytest.raises(CannotOpen):
            await root.unwrap(bytes(changed), label="tenant|1")
    for length in (0, 1, 8, 9, 20, len(wrapped) - 1):
        with pytest.raises(CannotOpen):
            await root.unwrap(wrapped[:length], label="tenant|1")


@pytest.mark.parametrize("holder", HOLDERS, indirect=True)
async def test_two_root_keys_do_not_unwrap_each_other_s(holder: Holder) -> None:
    first = await _create(holder)
    _, path = _chosen(holder)
    path.rename(path.with_suffix(".first"))
    second = await _create(holder)
    wrapped = await first.wrap(SECRET, label="tenant|1")

    assert first.id != second.id
    with pytest.raises(CannotOpen):
        await second.unwrap(wrapped, label="tenant|1")


@pytest.mark.parametrize("holder", HOLDERS, indirect=True)
async def test_its_file_is_never_replaced_and_is_its_owner_s_alone(holder: Holder) -> None:
    await _create(holder)
    _, path = _chosen(holder)
    before = path.read_bytes()

    with pytest.raises(FileExistsError):
        await _create(holder)

    assert path.read_bytes() == before
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == [path.name]


@pytest.mark.parametrize("holder", HOLDERS, indirect=True)
async def test_a_keystore_starts_with_it_and_starts_again(
    holder: Holder, keystore_database: Database
) -> None:
    first = await open_keystore(keystore_database, holder.settings, PASSPHRASE)
    key = await first.purpose_key(TenantId(1), "journal")

    again = await open_keystore(keystore_database, holder.settings, PASSPHRASE)

    assert await again.purpose_key(TenantId(1), "journal") == key


@pytest.mark.parametrize("holder", AWAY, indirect=True)
async def test_while_it_is_away_it_says_so_with_the_cure_and_serves_again_when_it_is_back(
    holder: Holder, keystore_database: Database
) -> None:
    keyring = await open_keystore(keystore_database, holder.settings, None)
    key = await keyring.purpose_key(TenantId(1), "journal")

    await holder.go_away()
    with pytest.raises(RootKeyUnavailable, match=r"see that|switch it on|plug it in"):
        await open_keystore(keystore_database, holder.settings, None)

    await holder.come_back()
    again = await open_keystore(keystore_database, holder.settings, None)
    assert await again.purpose_key(TenantId(1), "journal") == key
