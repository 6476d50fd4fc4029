"""All checks together, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path

from postern.clock import Clock
from postern.doctor import (
    backups,
    certificate,
    databases,
    disk,
    files,
    models,
    outside,
    secrets,
    sockets,
    tenants,
    timekeeping,
)
from postern.doctor.finding import Finding, Level
from postern.settings import Settings
from postern.supervise import Running


async def examine(
    settings: Settings, running: Running | None, clock: Clock, *, certificate_file: Path | None
) -> list[Finding]:
    """Every check, in the order of the report; `running` is the Postern at work on the folder, if any."""
    return [
        *sockets.examine(running.pid if running else None, settings, has_tls=certificate_file is not None),
        *secrets.examine(settings),
        *files.examine(settings.data),
        *await databases.examine(settings, running.servers if running else {}),
        *await tenants.examine(settings, running.servers if running else {}),
        *disk.examine(settings.data),
        *await timekeeping.examine(settings.data, clock, hub_url=settings.hub_url),
        *await outside.examine(settings, running=running is not None),
        *models.examine(),
        *certificate.examine(certificate_file, clock.now()),
        *backups.examine(settings, clock.now()),
    ]


async def before_start(settings: Settings, servers: Mapping[str, str], clock: Clock) -> list[Finding]:
    """What may stop a start: who could get at what, and the clock. A full disk or an old model does not, for
    doors would stay closed over it."""
    past = timekeeping.judge_past(clock.now(), timekeeping.latest_log(settings.data))
    found = [
        *sockets.judge([], settings, has_tls=True),
        *secrets.examine(settings),
        *files.examine(settings.data),
        *await databases.examine(settings, servers),
        *await tenants.examine(settings, servers),
        *await outside.examine(settings, running=False),
        *([past] if past is not None else []),
    ]
    return [one for one in found if one.level is Level.DANGER]


async def while_running(
    settings: Settings, parent: int, servers: Mapping[str, str], clock: Clock
) -> list[Finding]:
    """What is looked at every minute: the dangers of the kind that somebody makes while it runs."""
    found = [
        *sockets.examine(parent, settings, has_tls=True),
        *secrets.examine(settings),
        *files.examine(settings.data),
        *await databases.examine(settings, servers),
        *await outside.examine(settings, running=True),
        *backups.examine(settings, clock.now()),
    ]
    return [one for one in found if one.level is Level.DANGER]


def refused(dangers: Sequence[Finding], accepted: Collection[str]) -> Finding | None:
    """The first danger whose check the installer has not accepted by name."""
    return next((one for one in dangers if one.name not in accepted), None)


def worst(findings: Sequence[Finding]) -> Level:
    """The most severe level found."""
    levels = {finding.level for finding in findings}
    return next((level for level in (Level.DANGER, Level.WARN) if level in levels), Level.OK)


def as_text(findings: Sequence[Finding]) -> str:
    """One line for each finding, and its cure below it."""
    lines = []
    for finding in findings:
        lines.append(f"{finding.level.value:<7} {finding.name:<12} {finding.message}")
        if finding.cure:
            lines.append(f"{'':20} -> {finding.cure}")
    return "\n".join(lines)


def as_json(findings: Sequence[Finding]) -> str:
    """A JSON list of {name, level, message, cure}."""
    return json.dumps([asdict(finding) for finding in findings], ensure_ascii=False, indent=2)
