"""What is particular to Vault: logins that end, sealed servers, policies, versions and certificates."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from postern.errors import CannotOpen, RootKeyUnavailable, SettingsInvalid
from postern.keystore.vault import AppRole, Transit, VaultKey
from tests.contract.vault_server import ROLE_ID, SECRET_ID, VaultServer


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[VaultServer]:
    made = VaultServer(tmp_path)
    await made.start()
    yield made
    await made.stop()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "vault.key"


@pytest.fixture
def transit(server: VaultServer) -> Transit:
    login = AppRole(role_id=ROLE_ID, secret_id=SECRET_ID)
    return Transit(address=server.address, key="postern", authority=server.authority, login=login, seconds=5)


async def test_it_signs_in_once_and_again_only_when_the_login_has_ended(
    server: VaultServer, transit: Transit, path: Path
) -> None:
    root = await VaultKey.create(path, transit)
    wrapped = await root.wrap(b"secret", label="hub")
    assert server.logins == 1

    server.end_logins()

    assert await root.unwrap(wrapped, label="hub") == b"secret"
    assert server.logins == 2


async def test_a_pass_from_the_settings_serves_too(server: VaultServer, transit: Transit, path: Path) -> None:
    root = await VaultKey.create(path, replace(transit, login="s.fixed"))

    assert await root.unwrap(await root.wrap(b"secret", label="hub"), label="hub") == b"secret"
    assert server.logins == 0


async def test_a_refused_login_is_named(transit: Transit, path: Path) -> None:
    with pytest.raises(RootKeyUnavailable, match="refuses the AppRole"):
        await VaultKey.create(path, replace(transit, login=AppRole(role_id=ROLE_ID, secret_id="guess")))
    with pytest.raises(RootKeyUnavailable, match="POSTERN_VAULT_TOKEN"):
        await VaultKey.create(path, replace(transit, login="s.guess"))
    assert not path.exists()


async def test_a_sealed_vault_is_named_and_works_once_unsealed(
    server: VaultServer, transit: Transit, path: Path
) -> None:
    root = await VaultKey.create(path, transit)
    wrapped = await root.wrap(b"secret", label="hub")

    server.sealed = True
    with pytest.raises(RootKeyUnavailable, match="is sealed: unseal it"):
        await root.unwrap(wrapped, label="hub")

    server.sealed = False
    assert await root.unwrap(wrapped, label="hub") == b"secret"


async def test_older_versions_unwrap_after_a_rotation_in_vault(
    server: VaultServer, transit: Transit, path: Path
) -> None:
    root = await VaultKey.create(path, transit)
    old = await root.wrap(b"secret", label="hub")

    await root.rotate()

    new = await root.wrap(b"secret", label="hub")
    assert (b"vault:v1:" in old, b"vault:v2:" in new) == (True, True)
    for wrapped in (old, new):
        assert await root.unwrap(wrapped, label="hub") == b"secret"


async def test_a_policy_that_allows_no_rotation_is_named(
    server: VaultServer, transit: Transit, path: Path
) -> None:
    root = await VaultKey.create(path, transit)
    server.may_rotate = False

    with pytest.raises(RootKeyUnavailable, match="refuses transit/keys/postern/rotate"):
        await root.rotate()


@pytest.mark.parametrize("changed", [{"key": "other"}, {"mount": "elsewhere"}])
async def test_a_key_that_is_not_there_is_named(
    transit: Transit, path: Path, changed: dict[str, str]
) -> None:
    with pytest.raises(SettingsInvalid, match="knows no transit key"):
        await VaultKey.create(path, replace(transit, **changed))


async def test_another_transit_key_opens_nothing(server: VaultServer, transit: Transit, path: Path) -> None:
    root = await VaultKey.create(path, transit)
    wrapped = await root.wrap(b"secret", label="hub")
    server.keys["other"] = [bytes(32)]
    other = await VaultKey.open(path, replace(transit, key="other"))

    with pytest.raises(CannotOpen):
        await other.unwrap(wrapped, label="hub")


async def test_a_certificate_that_is_not_trusted_is_refused(transit: Transit, path: Path) -> None:
    with pytest.raises(RootKeyUnavailable, match="its certificate is trusted"):
        await VaultKey.create(path, replace(transit, authority=None))


async def test_a_file_without_certificates_is_named(transit: Transit, path: Path) -> None:
    path.with_name("empty.pem").write_text("")
    with pytest.raises(SettingsInvalid, match="correct 'ca'"):
        await VaultKey.create(path, replace(transit, authority=path.with_name("empty.pem")))


async def test_no_secret_is_in_what_is_shown_of_it(transit: Transit) -> None:
    assert SECRET_ID not in repr(transit)
