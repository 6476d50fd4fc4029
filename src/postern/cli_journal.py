"""`postern journal …`: arguments only."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Annotated

import typer

journal_app = typer.Typer(
    help="The journal of who did and saw what: export it, verify it, be its witness.", no_args_is_help=True
)

Key = Annotated[str, typer.Option("--key", metavar="KEY", help="the journal's public key, or a file with it")]
NOT_WHOLE = 1


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


@journal_app.command()
def key() -> None:
    """Print the public key of each journal of the hub on this machine; hand it to auditors yourself."""
    from postern import journal_files
    from postern.settings import Settings

    keys = asyncio.run(journal_files.public_keys(Settings()))
    for tenant, found in keys.items():
        _print(found.text if len(keys) == 1 else f"{found.text}  (tenant {tenant})")


@journal_app.command()
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE")],
    tenant: Annotated[int | None, typer.Option(help="whose journal, where there are several")] = None,
) -> None:
    """Write the journal of the hub on this machine to FILE. Nothing is opened: what is sealed stays so."""
    from postern import journal_files
    from postern.settings import Settings

    count = asyncio.run(journal_files.export_to(Settings(), file, tenant))
    _print(f"{file}: {count} lines. Check it with: postern journal verify {file} --key KEY")


@journal_app.command()
def verify(
    exported: Annotated[Path, typer.Argument(metavar="EXPORT")],
    key: Key,
    witness: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="what a witness saw; repeat it for several")
    ] = None,
    cosigner: Annotated[
        list[str] | None, typer.Option(metavar="KEY", help="an agent that must have signed it as a witness")
    ] = None,
) -> None:
    """Check an exported journal, without the hub and without any secret; exit status 1 when it is not whole.

    Without --witness, a journal that was rewritten or cut by whoever holds the signing key passes, and so
    does an older copy.
    """
    from postern import journal_files

    report = journal_files.verify(
        exported,
        journal_files.key_from(key),
        witnesses=witness or (),
        cosigners=[journal_files.key_from(one) for one in cosigner or ()],
    )
    journal_files.tell(report, _print)
    if not report.is_whole:
        sys.exit(NOT_WHOLE)


@journal_app.command()
def witness(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="your own; keep it where nobody else writes")],
    key: Annotated[str | None, typer.Option(metavar="KEY", help="the public key, for a new FILE")] = None,
    hub: Annotated[str | None, typer.Option(metavar="URL", help="fetch the newest checkpoint here")] = None,
    export: Annotated[Path | None, typer.Option(metavar="EXPORT", help="or take it from an export")] = None,
) -> None:
    """Be a witness: append the newest checkpoint to FILE if it continues the last one there; else exit 1."""
    from postern import journal_files, witness_file
    from postern.clock import SystemClock
    from postern.journal.findings import Finding
    from postern.journal.verify import Report
    from postern.journal.witness import Seen

    known = journal_files.key_from(key) if key is not None else None
    outcome: Finding | Report | Seen
    if hub is not None and export is None:
        outcome = witness_file.witness_hub(file, hub, known, SystemClock())
    elif export is not None and hub is None:
        outcome = witness_file.witness_export(file, export, known, SystemClock())
    else:
        raise typer.BadParameter("give either --hub or --export")
    match outcome:
        case Finding():
            _print(f"{outcome.what.upper()}: {outcome.words}")
            _print(f"REFUSED. The checkpoint is kept in {file}.refused")
            sys.exit(NOT_WHOLE)
        case Report():
            journal_files.tell(outcome, _print)
            sys.exit(NOT_WHOLE)
        case Seen():
            _print(f"{outcome.head.size} entries, consistent with all that was seen before. Kept in {file}.")
