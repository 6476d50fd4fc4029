"""`postern prove`: arguments only."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from postern.errors import BadInput


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def prove(
    *,
    size: Annotated[
        str, typer.Option("--size", metavar="quick|full|soak", help="how much is tried")
    ] = "quick",
    seed: Annotated[
        int | None,
        typer.Option("--seed", min=0, help="repeat a run; without it a fresh one is drawn and printed"),
    ] = None,
    json_file: Annotated[
        Path | None, typer.Option("--json", metavar="FILE", help="write a signed report there as well")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="ATTACK", help="this attack alone; may be repeated")
    ] = None,
    check: Annotated[
        Path | None, typer.Option("--check", metavar="FILE", help="check a signed report, and attack nothing")
    ] = None,
    key: Annotated[
        str | None, typer.Option("--key", metavar="KEY", help="with --check: who must have signed, 64 digits")
    ] = None,
) -> None:
    """Attack every promise of the threat model on a throw-away hub; exit status 1 when one does not hold.

    The table tells of each attack how often it was tried, what leaked, what was lost, and whether the same
    attack caught a mutant: a program with a fault of just that kind.
    """
    from postern.logs import log_to_screen

    log_to_screen("critical")
    if check is not None:
        _check(check, key)
        return
    from postern.prove import running
    from postern.prove.model import Size
    from postern.prove.registry import ATTACKS, UNATTACKED
    from postern.prove.report import signed
    from postern.sealing import signing

    try:
        wanted = Size(size)
    except ValueError:
        raise BadInput(f"--size {size!r} should be quick, full or soak") from None
    unknown = sorted(set(only or ()) - {attack.name for attack in ATTACKS})
    if unknown:
        raise BadInput(
            f"no such attack: {', '.join(unknown)}; there are {', '.join(a.name for a in ATTACKS)}"
        )
    attacks = [attack for attack in ATTACKS if not only or attack.name in only]
    report = asyncio.run(running.run(attacks, wanted, running.drawn_seed() if seed is None else seed, _print))
    for section, why in UNATTACKED.items():
        _print(f"not attacked here: {section}: {why}")
    if json_file is not None:
        private = _signing_key()
        try:
            json_file.write_bytes(signed(report, private))
        except OSError as fault:
            raise BadInput(f"{json_file} cannot be written ({fault.strerror})") from None
        _print(f"{json_file} is signed by {signing.public_of(private).hex()}; see postern prove --check")
    _print(f"seed {report.seed}: " + ("every promise held" if report.is_held else "NOT every promise held"))
    if not report.is_held:
        raise typer.Exit(1)


def _signing_key() -> bytes:
    """This machine's own for reports, made the first time."""
    from postern.agent.files import write_private
    from postern.sealing import signing
    from postern.settings import Settings

    path = Settings().folder("keys") / "prove.key"
    if not path.exists():
        write_private(path, signing.generate())
    return path.read_bytes()


def _check(file: Path, key: str | None) -> None:
    from postern.privacy.receipt import public_key_of
    from postern.prove.report import heading, row, verified

    try:
        document = file.read_bytes()
    except OSError as fault:
        raise BadInput(f"{file} cannot be read ({fault.strerror}); check the path") from None
    report, by = verified(document, public_key_of(key) if key is not None else None)
    _print(heading())
    for line in report.lines:
        _print(row(line))
    _print(
        f"Postern {report.version}, size {report.size.value}, seed {report.seed}, {report.begun_at:%F %R} UTC"
    )
    _print(f"signed by {by.hex()}" + ("" if key else "; compare it with the one that the run printed"))
    if not report.is_held:
        raise typer.Exit(1)
