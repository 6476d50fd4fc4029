"""Passphrases and passwords that anybody would try first, and keys that nothing guards."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict
from pydantic import SecretStr

from postern.doctor.finding import Finding, danger, ok, warn
from postern.keystore.opening import UNATTENDED
from postern.keystore.rootkey import SHORTEST_PASSPHRASE
from postern.settings import Settings

NAME = "secrets"

_TRIED_FIRST = frozenset(
    """
    postern postgres password passwort passphrase secret geheim admin root changeme letmein welcome default
    qwerty qwertyuiop 123456 1234567890 123456789012 correcthorsebatterystaple test demo
    """.split()  # noqa: SIM905 - a list of words reads better as words
)


def is_guessable(secret: str) -> bool:
    """Whether it is empty, one of the words tried first, or such a word with figures or repeats around it."""
    plain = "".join(character for character in secret.lower() if character.isalnum())
    core = plain.strip("0123456789")
    repeated = len(set(plain)) < 3
    return repeated or plain in _TRIED_FIRST or core in _TRIED_FIRST


def passphrase_findings(passphrase: SecretStr | None) -> list[Finding]:
    """The root key's passphrase, where the environment or the settings file gives one."""
    if passphrase is None:
        return []
    secret = passphrase.get_secret_value()
    if is_guessable(secret) or len(secret) < SHORTEST_PASSPHRASE:
        return [
            danger(
                NAME,
                "the root key's passphrase is empty, short or one that anybody would try first",
                f"choose one of at least {SHORTEST_PASSPHRASE} characters, several random words for example",
            )
        ]
    return []


def database_findings(named: Iterable[tuple[str, SecretStr | None]]) -> list[Finding]:
    """Passwords in database URLs. The message names the setting and never the secret."""
    findings = []
    for setting, url in named:
        given = conninfo_to_dict(url.get_secret_value()) if url is not None else {}
        password = given.get("password")
        if password is not None and is_guessable(str(password)):
            findings.append(
                danger(
                    NAME,
                    f"{setting} has an empty or default password",
                    "give the database role a long random password and put it into the URL",
                )
            )
    return findings


def given_findings(settings: Settings) -> list[Finding]:
    """Other secrets that are set: none may be empty or one that anybody would try."""
    named = (
        ("POSTERN_PKCS11_PIN", settings.pkcs11_pin),
        ("POSTERN_VAULT_TOKEN", settings.vault_token),
        ("POSTERN_VAULT_SECRET_ID", settings.vault_secret_id),
        ("POSTERN_STRIPE_SECRET_KEY", settings.stripe_secret_key),
        ("POSTERN_STRIPE_WEBHOOK_SECRET", settings.stripe_webhook_secret),
        ("POSTERN_OIDC_CLIENT_SECRET", settings.oidc_client_secret),
    )
    return [
        danger(NAME, f"{setting} is empty or a default", "set it to the real, random one, or unset it")
        for setting, secret in named
        if secret is not None and is_guessable(secret.get_secret_value())
    ]


def file_findings(settings: Settings) -> list[Finding]:
    """Keys and passwords in files of their own, wherever they lie."""
    named = (
        ("POSTERN_TLS_KEY", settings.tls_key),
        ("POSTERN_PAY_TLS_KEY", settings.pay_tls_key),
        ("POSTERN_MUSTER_TLS_KEY", settings.muster_tls_key),
        ("POSTERN_SMTP_PASSWORD_FILE", settings.smtp_password_file),
        ("POSTERN_OIDC_CLIENT_SECRET_FILE", settings.oidc_client_secret_file),
    )
    return [
        danger(NAME, f"others on this machine may read or change {path} ({setting})", f"chmod 600 '{path}'")
        for setting, path in named
        if path is not None and path.exists() and path.stat().st_mode & 0o027
    ]


def root_key_findings(settings: Settings) -> list[Finding]:
    """A root key in a plain file: fine for a demonstration, a broken promise in production."""
    path = settings.data / "keys" / UNATTENDED
    if not path.exists():
        return []
    if settings.mode == "production" and "mode" in settings.model_fields_set:
        return [
            danger(
                NAME,
                f"production is asked for, but {path} is a root key that nothing guards",
                "use a new data folder for production; 'postern up' there asks for a passphrase",
            )
        ]
    return [
        warn(
            NAME,
            "this is a demo's data folder: whoever copies it can open everything in it",
            "for real people and vehicles start 'postern up' without --demo on a new data folder",
        )
    ]


def settings_file_findings(path: Path) -> list[Finding]:
    """`postern.toml` may carry secrets, so that others on the machine must not read it."""
    if path.exists() and path.stat().st_mode & 0o077:
        return [danger(NAME, f"others on this machine may read {path}", f"chmod 600 {path}")]
    return []


def examine(settings: Settings) -> list[Finding]:
    """Everything about secrets that can be seen without using them."""
    urls = (("POSTERN_DATABASE_URL", settings.database_url), ("POSTERN_KEYSTORE_URL", settings.keystore_url))
    findings = [
        *passphrase_findings(settings.passphrase),
        *database_findings(urls),
        *given_findings(settings),
        *file_findings(settings),
        *root_key_findings(settings),
        *settings_file_findings(settings.data / "postern.toml"),
    ]
    return findings or [ok(NAME, "no default password, no unguarded key")]
