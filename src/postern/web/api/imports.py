"""Import from CSV over the API: a dry run unless it is said otherwise."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, File, Form
from pydantic import BaseModel

from postern.operations.people import import_csv
from postern.operations.people.import_csv import ImportKind, ImportReport, Outcome
from postern.web.login import Hub, SignedIn

router = APIRouter(prefix="/imports", tags=["imports"])


class BadLine(BaseModel):
    """A refused line, the heading being line 1, and why."""

    line: int
    problem: str


class NewValue(BaseModel):
    """A column in which a line differs from what is known, and what the line says."""

    field: str
    value: str


class ChangedLine(BaseModel):
    """A line that changes somebody who is known. What was known before is never told."""

    line: int
    changes: list[NewValue]


class ImportOut(BaseModel):
    """How many lines the file has, what becomes of them, and how many were taken in: none in a dry run."""

    lines: int
    new: int
    changed: list[ChangedLine]
    unchanged: int
    refused: list[BadLine]
    applied: int
    mark: str
    """Of a dry run: hand it back as `as_checked`, so that exactly what it said is done, or nothing."""

    @classmethod
    def of(cls, report: ImportReport) -> ImportOut:
        """From the operation's."""
        changed = [
            ChangedLine(
                line=one.line,
                changes=[NewValue(field=change.field, value=change.value) for change in one.changes],
            )
            for one in report.of(Outcome.CHANGED)
        ]
        return cls(
            lines=len(report.lines),
            new=len(report.of(Outcome.NEW)),
            changed=changed,
            unchanged=len(report.of(Outcome.UNCHANGED)),
            refused=[BadLine(line=one.line, problem=one.problem) for one in report.bad],
            applied=report.applied,
            mark=report.mark,
        )


@router.post("")
async def take_in(
    hub: Hub,
    caller: SignedIn,
    kind: Annotated[ImportKind, Form()],
    file: Annotated[bytes, File()],
    dry_run: Annotated[bool, Form()] = True,
    skip_bad: Annotated[bool, Form()] = False,
    as_checked: Annotated[str | None, Form()] = None,
) -> ImportOut:
    """Judge every line; with `dry_run` false take in all or, with `skip_bad`, those that are right. With the
    `mark` of a dry run in `as_checked` nothing is taken in if the registry changed since."""
    if dry_run:
        return ImportOut.of(await import_csv.check_import(hub, caller.actor, kind=kind, data=file))
    done = await import_csv.apply_import(
        hub, caller.actor, kind=kind, data=file, skip_bad=skip_bad, as_checked=as_checked
    )
    return ImportOut.of(done)
