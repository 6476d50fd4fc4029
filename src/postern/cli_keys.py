"""`postern keys …`: arguments only."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from postern.settings import Settings

keys_app = typer.Typer(help="The keys: how old they are, rotation, a safe copy.", no_args_is_help=True)
rotate_app = typer.Typer(
    help="Make a new key and rewrap what hangs on it; safe to cut off and run again.", no_args_is_help=True
)
keys_app.add_typer(rotate_app, name="rotate")

Tenant = Annotated[int | None, typer.Option("--tenant", help="whose, where there are several")]


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _given(to: str | None = None) -> tuple[Settings, str | None, Callable[[str], None]]:
    """The settings, the passphrase where the root key or its next holder wants one, and where words go."""
    from postern.key_jobs import as_running
    from postern.keystore.providers import Provider, chosen
    from postern.settings import Settings

    settings = as_running(Settings())
    if settings.passphrase is not None:
        return settings, settings.passphrase.get_secret_value(), _print
    wants, next_wants = (
        chosen(settings).wants_passphrase,
        to is not None and Provider.parse(to).wants_passphrase,
    )
    if not (wants or next_wants) or not sys.stdin.isatty():
        return settings, None, _print
    prompt = "The root key's passphrase" if wants else "A passphrase for the new root key"
    return settings, str(typer.prompt(prompt, hide_input=True, confirmation_prompt=not wants)), _print


@keys_app.command()
def show(tenant: Tenant = None) -> None:
    """Print what keys there are by kind: how many, since when, and the last rotation."""
    from postern import key_jobs

    settings, passphrase, say = _given()
    asyncio.run(key_jobs.show(settings, passphrase, tenant, say))


@rotate_app.command()
def root(
    to: Annotated[
        str | None, typer.Option("--to", metavar="HOLDER", help="file, tpm, pkcs11:... or vault:...")
    ] = None,
) -> None:
    """Make a new root key, in the same holder or in another, and rewrap the tenants' keys."""
    from postern import key_jobs

    settings, passphrase, say = _given(to)
    asyncio.run(key_jobs.rotate_root(settings, passphrase, to, say))


@rotate_app.command(name="tenant")
def tenant_(tenant: Tenant = None) -> None:
    """Make a new key for a tenant, and rewrap its subject, site-day and signing keys."""
    from postern import key_jobs

    settings, passphrase, say = _given()
    asyncio.run(key_jobs.rotate_tenant(settings, passphrase, tenant, say))


@rotate_app.command()
def index(tenant: Tenant = None) -> None:
    """Make new index keys for a tenant, and compute anew what finds its people, vehicles and credentials."""
    from postern import key_jobs

    settings, passphrase, say = _given()
    asyncio.run(key_jobs.rotate_index(settings, passphrase, tenant, say))


@keys_app.command(name="copy")
def copy_(file: Annotated[Path, typer.Argument(metavar="FILE")]) -> None:
    """Write the root key of a file or a TPM to FILE, locked by a passphrase, for a safe."""
    from postern import key_jobs

    settings, passphrase, say = _given()
    prompt = "A passphrase for the copy"
    own = str(typer.prompt(prompt, hide_input=True, confirmation_prompt=True))
    asyncio.run(key_jobs.copy(settings, passphrase, file, own, say))


@keys_app.command(name="accept-rows")
def accept_rows(
    reason: Annotated[str, typer.Option("--reason", help="why, for the journal")],
) -> None:
    """Take the rows of the database as they stand, after you wrote in it by hand.

    Operators, logins, API keys and agents are remembered beside the keys, so that whoever writes in the
    database alone can let nobody in. What was written there by hand is refused until it is accepted.
    """
    from postern import key_jobs

    settings, passphrase, say = _given()
    asyncio.run(key_jobs.accept_rows(settings, passphrase, reason, say))
