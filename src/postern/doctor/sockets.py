"""Which network sockets our processes listen on, beside what the settings declare."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import psutil

from postern.console_tls import is_loopback, muster_side, public_side
from postern.doctor.finding import Finding, danger, ok, warn
from postern.settings import Settings

NAME = "sockets"


@dataclass(frozen=True, kw_only=True, slots=True)
class Listening:
    """A TCP socket that waits for connections."""

    program: str
    host: str
    port: int


def listening_of(parent: int) -> list[Listening]:
    """TCP sockets on which `parent` and all its descendants listen."""
    found = []
    for process in family(parent):
        try:
            connections = process.net_connections(kind="tcp")
            program = process.name()
        except psutil.Error:
            continue
        found += [
            Listening(program=program, host=str(one.laddr.ip), port=int(one.laddr.port))
            for one in connections
            if one.status == psutil.CONN_LISTEN
        ]
    return found


def family(parent: int) -> list[psutil.Process]:
    """`parent` and its descendants; empty when it is gone."""
    try:
        root = psutil.Process(parent)
        return [root, *root.children(recursive=True)]
    except psutil.Error:
        return []


def judge(sockets: Iterable[Listening], settings: Settings, *, has_tls: bool) -> list[Finding]:
    """Only the console, the drivers' pages and the agent's muster page may listen; the console beyond this
    machine only with TLS.

    The drivers' pages take no password; beyond this machine they always have a certificate, and the muster
    page has one everywhere.
    """
    findings, sockets = [], list(sockets)
    drivers, wardens = public_side(settings), muster_side(settings)
    undeclared = [one for one in sockets if one.port not in (settings.port, drivers.port, wardens.port)]
    findings += [
        danger(
            NAME,
            f"{one.program} listens on {one.host}:{one.port}, which no setting declares",
            "stop Postern, find out what opened it, and block the port until then",
        )
        for one in undeclared
    ]
    sides = (
        (settings, "the console listens"),
        (drivers, "the drivers' pages listen"),
        (wardens, "the muster page listens"),
    )
    for side, name in sides:
        wider = [one for one in sockets if one.port == side.port and not is_loopback(one.host)]
        findings += [
            danger(
                NAME,
                f"{name} on {one.host}:{one.port}, but the settings say {side.host}",
                "restart Postern so that the settings are in force",
            )
            for one in wider
            if is_loopback(side.host)
        ]
    if not is_loopback(settings.host) and not has_tls:
        findings.append(
            danger(
                NAME,
                f"the console is on {settings.host}:{settings.port} without TLS: passwords travel in clear",
                "give it a certificate (docs/certificates.md) or bind it to 127.0.0.1",
            )
        )
    places = ", ".join(f"{side.host}:{side.port}" for side, _ in sides)
    return findings or [ok(NAME, f"only the console, the drivers' and the muster page listen, on {places}")]


def examine(parent: int | None, settings: Settings, *, has_tls: bool) -> list[Finding]:
    """Look at the running Postern; `parent` is its supervisor's process id, None when it does not run."""
    if parent is None:
        findings = judge([], settings, has_tls=has_tls)
        cure = "start it with 'postern up' and ask again"
        return [warn(NAME, "Postern is not running: its sockets could not be looked at", cure)] + [
            one for one in findings if one.cure
        ]
    return judge(listening_of(parent), settings, has_tls=has_tls)
