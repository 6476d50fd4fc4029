"""All checks together, and how they are shown."""

from __future__ import annotations

import json
from collections.abc import Sequence
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
        *models.examine(),
        *certificate.examine(certificate_file, clock.now()),
        *backups.examine(settings, clock.now()),
    ]


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
