"""The command line: arguments only. What they mean is done elsewhere, and imported only when asked for."""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Annotated, Any

import typer

from postern import __version__
from postern.cli_backup import backup_app, drill, restore
from postern.cli_journal import journal_app
from postern.cli_keys import keys_app
from postern.cli_prove import prove
from postern.cli_simulate import simulate_app
from postern.errors import BadInput, PosternError, SettingsInvalid
from postern.settings import Settings

app = typer.Typer(
    name="postern",
    help="The access system for people and vehicles that keeps its promise of 'securely stored'.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
agent_app = typer.Typer(help="The agent of a site on this machine.", no_args_is_help=False)
app.add_typer(agent_app, name="agent")
app.add_typer(backup_app, name="backup")
app.add_typer(journal_app, name="journal")
app.add_typer(keys_app, name="keys")
app.add_typer(simulate_app, name="simulate")
app.command()(prove)
app.command()(restore)
app.command()(drill)

FAULT = 1
USAGE = 2


def main() -> None:
    """Run a command. A fault is one line on standard error and status 1; --debug shows where it arose."""
    # Keys and templates are open in memory: neither this process nor its children may leave a core dump.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    debug = "--debug" in sys.argv
    sys.argv = [argument for argument in sys.argv if argument != "--debug"]
    try:
        app()
    except PosternError as fault:
        if debug:
            raise
        _say(str(fault))
        sys.exit(FAULT)
    except KeyboardInterrupt:
        sys.exit(130)
    except Exception as fault:
        # The last boundary: a person is at the terminal, who cannot read a traceback.
        if debug:
            raise
        name = type(fault).__name__
        _say(f"something went wrong that should not ({name}); --debug shows where, please report it")
        sys.exit(FAULT)


def _say(text: str) -> None:
    """One clear line on standard error."""
    print(f"postern: {' '.join(text.split())}", file=sys.stderr, flush=True)  # noqa: T201


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _run(work: Coroutine[Any, Any, None]) -> None:
    asyncio.run(work)


def _settings(**given: object) -> Settings:
    """The settings, with what the command line says put first. Raises SettingsInvalid in words."""
    from pydantic import ValidationError

    try:
        return Settings(**{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]  # pydantic checks them
    except ValidationError as fault:
        wrong = "; ".join(
            f"{'.'.join(str(part) for part in one['loc'])}: {one['msg']}" for one in fault.errors()
        )
        raise SettingsInvalid(f"the settings cannot be used: {wrong}") from None


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="with a demo site, and no passphrase")] = False,
    i_accept: Annotated[
        list[str] | None,
        typer.Option("--i-accept", metavar="NAME", help="start though this check of 'postern doctor' fails"),
    ] = None,
) -> None:
    """Bring up the hub and an agent on this machine, and keep them running until Ctrl-C."""
    from postern import up as parent
    from postern.supervise import no_core_dumps

    no_core_dumps()
    settings = _settings(mode="demo" if demo else None)
    passphrase = None if settings.mode == "demo" else _passphrase(settings)
    _run(parent.run(settings, passphrase=passphrase, say=_print, accepted=i_accept or ()))


def _passphrase(settings: Settings) -> str | None:
    """The root key's passphrase: from the settings, else asked for at a terminal, twice when it is new."""
    from postern.keystore.providers import chosen

    if settings.passphrase is not None:
        return settings.passphrase.get_secret_value()
    provider = chosen(settings)
    if not provider.wants_passphrase or not sys.stdin.isatty():
        return None
    is_new = not (settings.data / "keys" / provider.file).exists()
    prompt = "A passphrase for the new root key" if is_new else "The root key's passphrase"
    return str(typer.prompt(prompt, hide_input=True, confirmation_prompt=is_new))


@app.command(name="try")
def try_(
    sources: Annotated[
        list[str], typer.Argument(metavar="SOURCE...", help="pictures, folders, videos, rtsp://...")
    ],
    person: Annotated[
        list[str] | None,
        typer.Option("--person", metavar="NAME=PHOTO[,PHOTO...]", help="somebody who may pass"),
    ] = None,
    vehicle: Annotated[
        list[str] | None, typer.Option("--vehicle", metavar="PLATE", help="a vehicle that may pass")
    ] = None,
    keep: Annotated[
        bool, typer.Option("--keep", help="keep the site in $POSTERN_DATA instead of throwing it away")
    ] = False,
) -> None:
    """Show pictures, videos or streams to a throw-away site; print one JSON object for each passage.

    --person and --vehicle say who may pass; by giving a photo you confirm that the person consents.
    """
    from postern import trial
    from postern.logs import log_to_screen

    log_to_screen("error")
    wanted = trial.Trial(
        people=tuple(trial.person_named(one) for one in person or ()),
        vehicles=tuple(vehicle or ()),
        sources=tuple(sources),
    )
    folder = _settings(mode="demo").data if keep else None
    if not asyncio.run(trial.run(wanted, keep=folder, say=_print, warn=_say)):
        sys.exit(FAULT)


@app.command()
def read(
    files: Annotated[list[str], typer.Argument(metavar="FILE...")],
    country: Annotated[
        str | None, typer.Option(metavar="XX", help="two letters; makes that country's plates likelier")
    ] = None,
) -> None:
    """See what recognition sees in pictures: print one JSON object for each file, with plates and faces."""
    from postern import reading
    from postern.vehicles.grammars import is_known

    if country is not None and not is_known(country):
        _say(f"no plates of {country!r} are known here, so it makes none likelier; give two letters, or EU")
    if not reading.read(_settings(), files, country=country, say=_print, warn=_say):
        sys.exit(FAULT)


@app.command()
def compare(
    files: Annotated[list[str] | None, typer.Argument(metavar="A B")] = None,
    pairs: Annotated[
        str | None, typer.Option(metavar="CSV", help="compare the columns a and b of every line instead")
    ] = None,
) -> None:
    """Compare the faces in two photos, or in many pairs: print one JSON object for each pair."""
    from postern import reading

    if (pairs is None) == (not files) or (files and len(files) != 2):
        raise typer.BadParameter("name two files, or give --pairs")
    wanted = reading.pairs_in(pairs) if pairs is not None else [(files[0], files[1])] if files else []
    if not reading.compare(_settings(), wanted, say=_print, warn=_say):
        sys.exit(FAULT)


@app.command()
def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="print a JSON list instead of lines")] = False,
) -> None:
    """Look for what would break Postern's promises on this machine; exit status 1 when something does."""
    from postern.clock import SystemClock
    from postern.console_tls import certificate_file
    from postern.doctor import report
    from postern.doctor.finding import Level
    from postern.supervise import running_on

    settings = _settings()
    running = running_on(settings.data)
    findings = asyncio.run(
        report.examine(settings, running, SystemClock(), certificate_file=certificate_file(settings))
    )
    _print(report.as_json(findings) if as_json else report.as_text(findings))
    if report.worst(findings) is Level.DANGER:
        sys.exit(FAULT)


@app.command()
def receipt(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="the receipt, as handed out")],
    key: Annotated[str, typer.Option("--key", metavar="KEY", help="from the privacy desk, 64 digits")],
) -> None:
    """Check the signed receipt of an erasure or a withdrawal, anywhere, and tell what it certifies."""
    from postern.privacy.receipt import public_key_of, verified
    from postern.privacy.receipt_text import sentences

    try:
        document = file.read_bytes()
    except OSError as fault:
        raise BadInput(f"{file} cannot be read ({fault.strerror}); check the path") from None
    for sentence in sentences(verified(document, public_key_of(key))):
        _print(sentence)
    _print("The receipt is genuine.")


@app.command()
def version() -> None:
    """Print the version."""
    _print(__version__)


@app.command(hidden=True)
def hub() -> None:
    """The hub's process; started by `postern up`, which tells it on standard input what it needs."""
    from postern import hub as serving
    from postern.logs import log_to_file
    from postern.supervise import Handover, end_with_parent, no_core_dumps

    no_core_dumps()
    settings = _settings()
    handover = Handover.receive()
    end_with_parent()
    log_to_file(settings.folder("log") / "hub.log", settings.log_level)
    _run(serving.serve(settings, handover))


@app.command(hidden=True)
def public() -> None:
    """The public pages' process; started by `postern up`, which tells it on standard input what it needs."""
    from postern import public as serving
    from postern.logs import log_to_screen
    from postern.supervise import end_with_parent, no_core_dumps

    no_core_dumps()
    log_to_screen("warning")
    told = serving.PublicHandover.receive()
    bound = serving.bind_and_shut_in(told)
    end_with_parent()
    _run(serving.serve(told, bound))


@agent_app.callback(invoke_without_command=True)
def agent(context: typer.Context) -> None:
    """Run the agent of this machine's site."""
    if context.invoked_subcommand is not None:
        return
    from postern import wiring
    from postern.logs import log_to_file
    from postern.supervise import end_with_parent, no_core_dumps, until_told_to_stop

    no_core_dumps()
    settings = _settings()
    if os.environ.get("POSTERN_CHILD"):
        end_with_parent()
    log_to_file(settings.folder("log") / "agent.log", settings.log_level)
    _run(until_told_to_stop(wiring.run_agent(settings)))


@agent_app.command()
def enrol(
    hub_url: Annotated[str, typer.Option("--hub", metavar="URL", help="the hub's address")],
    code: Annotated[str, typer.Option("--code", help="the one-time code from the console")],
) -> None:
    """Make this machine an agent of a site; the code comes from the console, Sites, Agents."""
    from postern import wiring

    _run(wiring.enrol_agent(_settings(hub_url=hub_url), code))
    _print("Enrolled. Start it with: postern agent")
