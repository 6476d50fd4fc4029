"""Import from CSV over the API: a dry run unless it is said otherwise."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form
from pydantic import BaseModel

from postern.operations.people import import_csv
from postern.operations.people.import_csv import ImportKind, ImportReport
from postern.web.login import Hub, SignedIn

router = APIRouter(prefix="/imports", tags=["imports"])


class BadLine(BaseModel):
    """A refused line, the heading being line 1, and why."""

    line: int
    problem: str


class ImportOut(BaseModel):
    """How many lines the file has, which are refused, and how many were taken in: none in a dry run."""

    lines: int
    refused: list[BadLine]
    applied: int

    @classmethod
    def of(cls, report: ImportReport) -> ImportOut:
        """From the operation's."""
        refused = [BadLine(line=one.line, problem=one.problem) for one in report.bad]
        return cls(lines=len(report.lines), refused=refused, applied=report.applied)


@router.post("")
async def take_in(
    hub: Hub,
    caller: SignedIn,
    kind: Annotated[ImportKind, Form()],
    file: Annotated[bytes, File()],
    dry_run: Annotated[bool, Form()] = True,
    skip_bad: Annotated[bool, Form()] = False,
) -> ImportOut:
    """Judge every line; with `dry_run` false take in all or, with `skip_bad`, those that are right."""
    if dry_run:
        return ImportOut.of(await import_csv.check_import(hub, caller.actor, kind=kind, data=file))
    done = await import_csv.apply_import(hub, caller.actor, kind=kind, data=file, skip_bad=skip_bad)
    return ImportOut.of(done)
