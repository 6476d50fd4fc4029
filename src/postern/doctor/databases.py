"""Who is let into the databases, as whom, and whether what they store is durable and checked."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict

from postern.console_tls import is_loopback
from postern.doctor.finding import Finding, danger, ok, warn
from postern.settings import Settings

NAME = "databases"
_WEAK = {"trust": "without a password", "password": "with a password in clear", "ident": "on a client's word"}
_RULES_CURE = "restart Postern, which writes its own rules, and find out who changed them"
_ASKED = ("listen_addresses", "fsync", "full_page_writes", "data_checksums", "password_encryption")
_MUST_BE_ON = {
    "fsync": "what it says is stored may be lost in a power cut",
    "full_page_writes": "a power cut may tear its pages",
    "data_checksums": "a disk that changes bytes is not noticed",
}


def access_findings(rules: str, where: str) -> list[Finding]:
    """What a pg_hba.conf lets in that it should not."""
    findings = []
    for line in rules.splitlines():
        fields = line.split("#")[0].split()
        if not fields:
            continue
        method = next((word for word in fields[3:] if re.fullmatch(r"[a-z0-9-]+", word)), "")
        if method in _WEAK:
            message = f"{where} lets connections in {_WEAK[method]} ({' '.join(fields)})"
            findings.append(danger(NAME, message, _RULES_CURE))
        elif fields[0].startswith("host"):
            message = f"{where} lets connections in over the network ({' '.join(fields)})"
            findings.append(danger(NAME, message, _RULES_CURE))
    return findings


def server_findings(
    shown: Mapping[str, str], *, embedded: bool, superuser: bool, where: str
) -> list[Finding]:
    """What a running server's settings and our role in it say."""
    findings = []
    if superuser:
        cure = "give Postern a role that owns its database and is no superuser"
        findings.append(danger(NAME, f"Postern works as a superuser on {where}", cure))
    if embedded and shown.get("listen_addresses"):
        message = f"{where} listens on the network ({shown['listen_addresses']})"
        findings.append(danger(NAME, message, "ALTER SYSTEM RESET listen_addresses, then restart Postern"))
    for name, harm in _MUST_BE_ON.items():
        if shown.get(name, "on") != "on":
            message = f"{where} runs with {name} off: {harm}"
            findings.append(danger(NAME, message, f"turn {name} on in the server"))
    if shown.get("password_encryption", "scram-sha-256") != "scram-sha-256":
        message = f"{where} stores passwords as {shown['password_encryption']}"
        cure = "set password_encryption to scram-sha-256 and set the passwords anew"
        findings.append(warn(NAME, message, cure))
    return findings


def address_findings(settings: Settings) -> list[Finding]:
    """Servers given by URL: apart from each other, and encrypted where the network lies between."""
    findings, places = [], []
    urls = (("POSTERN_DATABASE_URL", settings.database_url), ("POSTERN_KEYSTORE_URL", settings.keystore_url))
    for setting, url in urls:
        if url is None:
            continue
        given = conninfo_to_dict(url.get_secret_value())
        host = str(given.get("host") or "localhost")
        places.append((host, str(given.get("port") or 5432)))
        local = host.startswith("/") or is_loopback(host)
        if not local and given.get("sslmode") not in ("verify-full", "verify-ca"):
            cure = f"add sslmode=verify-full and sslrootcert=… to {setting}"
            findings.append(danger(NAME, f"{setting}: nothing proves which server answers at {host}", cure))
    if len(places) == 2 and places[0] == places[1]:
        findings.append(
            danger(
                NAME,
                "the keys are in the same server as the data: they share its log and its backups",
                "give the keystore a server of its own, with backups of its own",
            )
        )
    return findings


async def asked(conninfo: str) -> tuple[dict[str, str], bool] | None:
    """The server's settings, and whether our role is a superuser; None when it does not answer."""
    try:
        async with await psycopg.AsyncConnection.connect(conninfo, connect_timeout=5) as connection:
            rows = await connection.execute(
                "SELECT name, setting FROM pg_settings WHERE name = ANY(%s)", (list(_ASKED),)
            )
            shown = {str(name): str(value) for name, value in await rows.fetchall()}
            role = await connection.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
            row = await role.fetchone()
            return shown, bool(row and row[0])
    except psycopg.Error:
        return None


async def examine(settings: Settings, servers: Mapping[str, str]) -> list[Finding]:
    """The rules on disk of the embedded clusters, the URLs, and the running `servers` (name to conninfo)."""
    findings = address_findings(settings)
    for name in ("data", "keystore"):
        rules = settings.data / "pg" / name / "pg_hba.conf"
        findings += access_findings(_read(rules), f"the {name} database")
    for name, conninfo in servers.items():
        answer = await asked(conninfo)
        where = f"the {name} database"
        if answer is None:
            cure = "see log/ in the data folder, then restart Postern"
            findings.append(danger(NAME, f"{where} does not answer", cure))
            continue
        url = settings.database_url if name == "data" else settings.keystore_url
        shown, superuser = answer
        findings += server_findings(shown, embedded=url is None, superuser=superuser, where=where)
    return findings or [ok(NAME, "closed to the network, passwords by SCRAM, no superuser at work")]


def _read(path: Path) -> str:
    """The file's text, empty when there is none or it belongs to another system user."""
    try:
        return path.read_text("utf-8")
    except (FileNotFoundError, PermissionError):
        return ""
