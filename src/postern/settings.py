"""Settings, read once from the environment (`POSTERN_…`) and from `postern.toml` in the data folder."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)


def default_data_folder() -> Path:
    """`$POSTERN_DATA`, else /var/lib/postern for root, else the XDG data folder of this user."""
    named = os.environ.get("POSTERN_DATA")
    if named:
        return Path(named).expanduser().absolute()
    if os.geteuid() == 0:
        return Path("/var/lib/postern")
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share") / "postern"


class IceServer(BaseModel):
    """A STUN or TURN server for calls between kiosks and attendants, as WebRTC names it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    urls: str
    username: str | None = None
    credential: str | None = None
    """Browsers on both ends are told it."""


class Settings(BaseSettings):
    """What an installer may decide. Every field has a default that is safe on one machine."""

    model_config = SettingsConfigDict(env_prefix="POSTERN_", extra="forbid", frozen=True)

    data: Path = Field(default_factory=default_data_folder)
    mode: Literal["demo", "production"] = "production"
    host: str = "127.0.0.1"
    port: int = Field(default=8440, ge=0, le=65535)
    public_url: str | None = None
    """The console's address as browsers see it, for links and passkeys; None: http(s)://host:port."""
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    acme_domain: str | None = None
    acme_directory: str | None = None
    database_url: SecretStr | None = None
    """A PostgreSQL server for the data, as the role that owns the tables; None: the embedded one."""
    database_runtime_url: SecretStr | None = None
    """The same server as the role postern_app, which owns nothing (docs/isolation.md); None: the role in
    `database_url` is turned into it."""
    keystore_url: SecretStr | None = None
    """A PostgreSQL server for the keystore, another one than the data's; None: the embedded one."""
    pictures_url: str | None = None
    """A bucket for sealed pictures, s3://bucket/folder, with keys in `AWS_…`; None: the data folder."""
    pictures_endpoint: str | None = None
    """The S3 server's address where it is not Amazon's."""
    backup_target: str | None = None
    """Where backups go: a folder that another host empties, or s3://bucket/folder (docs/backup.md); None:
    none are made."""
    backup_key: Path | None = None
    """The file backup-hub.key, which `postern backup keys` makes on another machine."""
    backup_endpoint: str | None = None
    """The S3 server's address where it is not Amazon's."""
    backup_key_id: str | None = None
    """With `backup_secret`: the bucket's keys, which can add and nothing else; None: those in `AWS_…`."""
    backup_secret: SecretStr | None = None
    backup_every: int = Field(default=60, ge=5, le=240)
    """Seconds from one round of backups to the next: about what a lost hub loses."""
    postgres_bin: Path | None = None
    """Folder of PostgreSQL's programs; None: the system's (16 or newer), else the wheel's."""
    passphrase: SecretStr | None = None
    """Unlocks the root key file in production; asked for at the terminal when absent."""
    root_key: str | None = None
    """What holds the root key: file, unattended, tpm, pkcs11:… or vault:… (docs/keys.md); None: file, and in
    a demo unattended."""
    pkcs11_pin: SecretStr | None = None
    vault_token: SecretStr | None = None
    vault_role_id: str | None = None
    """With `vault_secret_id`: sign in to Vault or OpenBao by AppRole instead of with `vault_token`."""
    vault_secret_id: SecretStr | None = None
    pay_host: str = "127.0.0.1"
    """Where drivers' phones come to, directly or through a proxy: the public process's own listener."""
    pay_port: int | None = Field(default=None, ge=0, le=65535)
    """None: the port after the console's."""
    pay_url: str | None = None
    """The public pages' address as phones see it; None: http(s)://pay_host:pay_port."""
    pay_tls_certificate: Path | None = None
    pay_tls_key: Path | None = None
    pay_acme_domain: str | None = None
    muster_host: str = "127.0.0.1"
    """Where wardens' phones reach the agent's own muster page, always over TLS (docs/muster.md)."""
    muster_port: int | None = Field(default=None, ge=0, le=65535)
    """None: the second port after the console's; 0: no page."""
    muster_tls_certificate: Path | None = None
    muster_tls_key: Path | None = None
    stripe_secret_key: SecretStr | None = None
    """Drivers pay by Stripe Checkout (docs/payments.md); None: at a desk, by a code."""
    stripe_webhook_secret: SecretStr | None = None
    """None: the hub asks Stripe instead, every half minute and when a phone is back."""
    stripe_api_base: str | None = None
    """Another address than Stripe's own, for tests."""
    smtp_url: SecretStr | None = None
    """The mail server for letters to visitors and hosts: smtp://login@host:587 or smtps://…; None: none."""
    smtp_password_file: Path | None = None
    """A file (mode 600) with its password, instead of one in `smtp_url`."""
    smtp_from: str | None = None
    """From whom letters are."""
    oidc_issuer: str | None = None
    """The organisation's OpenID Connect provider, as it names itself (docs/sign-in.md); None: none."""
    oidc_client_id: str | None = None
    oidc_client_secret: SecretStr | None = None
    oidc_client_secret_file: Path | None = None
    """A file (mode 600) with the client's secret, instead of `oidc_client_secret`."""
    oidc_label: str = Field(default="Single sign-on", min_length=1, max_length=40)
    """What the button on the sign-in page says after "Sign in with"."""
    oidc_login_name_claim: str | None = None
    """The claim that must be an operator's login name before the two can be linked; None: any may be."""
    hub_url: str | None = None
    """Where an agent finds its hub; None: the hub on this machine."""
    hub_root: Path | None = None
    """The root certificate of the hub's own authority, from its console; None: the usual authorities, and the
    hub's on this machine."""
    security_contact: str | None = Field(default=None, pattern=r"^(mailto:|https://|tel:)[\x21-\x7e]+$")
    """Whom to tell of a hole here, for /.well-known/security.txt: mailto:… or https://…; None: none."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    ice_servers: tuple[IceServer, ...] = ()
    """Help for calls across networks, as JSON: [{"urls": "stun:…"}]. None: browsers of one network only."""
    recognition_threads: int = Field(default=1, ge=1, le=64)

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Arguments first, then the environment, then `postern.toml`."""
        del dotenv_settings, file_secret_settings
        toml = TomlConfigSettingsSource(settings_cls, toml_file=default_data_folder() / "postern.toml")
        return init_settings, env_settings, toml

    def folder(self, name: str) -> Path:
        """A private (0700) folder `name` under the data folder, made when missing."""
        path = self.data
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir(mode=0o700, exist_ok=True)
        for part in Path(name).parts:
            path = path / part
            path.mkdir(mode=0o700, exist_ok=True)  # one by one, since `parents` would not apply the mode
        return path
