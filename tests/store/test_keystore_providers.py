"""How an installer chooses what holds the root key, and what happens when choice and folder differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr

from postern.errors import SettingsInvalid
from postern.keystore import open_keystore, providers
from postern.keystore.providers import Kind, Provider
from postern.postgres.pool import Database
from postern.settings import Settings

PASSPHRASE = "correct horse battery staple"


def _settings(folder: Path, **given: object) -> Settings:
    return Settings.model_validate({"data": folder, "mode": "production"} | given)


@pytest.mark.parametrize(
    ("text", "kind", "values"),
    [
        ("file", Kind.FILE, {}),
        ("tpm", Kind.TPM, {}),
        ("tpm:pcrs=sha256:0,7;passphrase=yes", Kind.TPM, {"pcrs": "sha256:0,7", "passphrase": "yes"}),
        ("tpm:device=swtpm:path=/run/s", Kind.TPM, {"device": "swtpm:path=/run/s"}),
        (
            "pkcs11:token=My%20key;object=root?module-path=/usr/lib/p11.so&pin-source=file:/run/pin",
            Kind.PKCS11,
            {
                "token": "My key",
                "object": "root",
                "module-path": "/usr/lib/p11.so",
                "pin-source": "file:/run/pin",
            },
        ),
        (
            "vault:address=https://vault.example.org:8200;key=postern",
            Kind.VAULT,
            {"address": "https://vault.example.org:8200", "key": "postern"},
        ),
    ],
)  # fmt: skip
def test_a_choice_is_read(text: str, kind: Kind, values: dict[str, str]) -> None:
    provider = Provider.parse(text)

    assert (provider.kind, provider.values, provider.text) == (kind, values, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "must be one of file, unattended, tpm, pkcs11, vault"),
        ("disk", "begins with 'disk'"),
        ("file:path=/x", "knows no 'path' for file"),
        ("tpm:pin=1", "knows no 'pin' for tpm"),
        ("tpm:pcrs", "'pcrs' is no name=value"),
        ("pkcs11:token=a;object=b", "lacks 'module-path'"),
        ("pkcs11:token=a;object=b?module-path=/x&pin-value=1234", "knows no 'pin-value'"),
        ("vault:key=postern", "lacks 'address'"),
    ],
)
def test_a_choice_that_cannot_be_read_says_what_is_wrong(text: str, words: str) -> None:
    with pytest.raises(SettingsInvalid, match=words):
        Provider.parse(text)


def test_production_refuses_an_unattended_root_key_by_name_too(tmp_path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="which production does not accept"):
        providers.chosen(_settings(tmp_path, root_key="unattended"))


@pytest.mark.parametrize("address", ["http://vault.example.org:8200", "vault.example.org", "http://10.0.0.1"])
async def test_keys_do_not_pass_to_vault_in_clear(tmp_path: Path, address: str) -> None:
    settings = _settings(tmp_path, root_key=f"vault:address={address};key=k", vault_token="t")

    with pytest.raises(SettingsInvalid, match="https://"):
        await providers.create(providers.chosen(settings), tmp_path / "vault.key", settings, None)


async def test_a_missing_login_or_pin_is_named(tmp_path: Path) -> None:
    vault = _settings(tmp_path, root_key="vault:address=https://localhost;key=k")
    with pytest.raises(SettingsInvalid, match="POSTERN_VAULT_ROLE_ID"):
        await providers.create(providers.chosen(vault), tmp_path / "vault.key", vault, None)

    card = _settings(tmp_path, root_key="pkcs11:token=a;object=b?module-path=/x")
    with pytest.raises(SettingsInvalid, match="POSTERN_PKCS11_PIN"):
        await providers.create(providers.chosen(card), tmp_path / "pkcs11.key", card, None)
    unread = _settings(tmp_path, root_key=f"pkcs11:token=a;object=b?module-path=/x&pin-source={tmp_path}/pin")
    with pytest.raises(SettingsInvalid, match="cannot be read"):
        await providers.create(providers.chosen(unread), tmp_path / "pkcs11.key", unread, None)


async def test_another_choice_than_the_folder_s_is_refused_and_changes_nothing(
    keystore_database: Database, tmp_path: Path
) -> None:
    await open_keystore(keystore_database, _settings(tmp_path), PASSPHRASE)

    with pytest.raises(SettingsInvalid, match=r"held by file .* but POSTERN_ROOT_KEY says tpm"):
        await open_keystore(keystore_database, _settings(tmp_path, root_key="tpm"), PASSPHRASE)

    assert [file.name for file in (tmp_path / "keys").iterdir()] == ["root.key"]


def test_the_secrets_of_the_providers_do_not_show(tmp_path: Path) -> None:
    settings = _settings(tmp_path, pkcs11_pin="1234pin", vault_token="s.shown", vault_secret_id="shown-id")

    assert isinstance(settings.pkcs11_pin, SecretStr)
    for secret in ("1234pin", "s.shown", "shown-id"):
        assert secret not in repr(settings)
