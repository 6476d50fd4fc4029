"""`postern simulate …`: arguments only."""

from __future__ import annotations

import asyncio
from typing import Annotated

import typer

simulate_app = typer.Typer(
    help="Play drawn people or vehicles over the real path of a throw-away site.", no_args_is_help=True
)

Seed = Annotated[int, typer.Option("--seed", help="the same seed plays the same")]
Days = Annotated[int, typer.Option("--days", min=1, max=366, help="how many days to play")]
Json = Annotated[bool, typer.Option("--json", help="print only the summary, as one JSON object")]


def _print(text: str) -> None:
    print(text, flush=True)  # noqa: T201


def _silent(text: str) -> None:
    """Progress that nobody asked for."""


@simulate_app.command()
def site(seed: Seed = 1, days: Days = 7, as_json: Json = False) -> None:
    """People at work, with power cuts and a line that is cut; the last line is a JSON summary.

    The exit status is 1 when a record, an hour, a visit or somebody inside is not as it was.
    """
    from postern.logs import log_to_screen
    from postern.simulation.people import simulate_site

    log_to_screen("critical")
    summary = asyncio.run(simulate_site(seed=seed, days=days, say=_silent if as_json else _print))
    _print(summary.as_json())
    if not summary.is_right:
        raise typer.Exit(1)


@simulate_app.command()
def garage(
    seed: Seed = 1,
    days: Days = 7,
    bays: Annotated[int, typer.Option("--bays", min=10, max=1000, help="how large the garage is")] = 200,
    kills: Annotated[
        int, typer.Option("--kills", min=0, max=2000, help="play it again, killing the hub so often")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Vehicles through a garage's lanes, their drivers and payments; the last line is a JSON summary.

    With --kills it is played twice, and the exit status is 1 when the books of both runs differ.
    """
    from postern.logs import log_to_screen
    from postern.simulation.garage import Plan, same_books, simulate_garage

    log_to_screen("critical")
    say = _silent if as_json else _print
    outcome = asyncio.run(simulate_garage(Plan(seed=seed, days=days, bays=bays), say))
    differences: list[str] = []
    if kills:
        again = asyncio.run(simulate_garage(Plan(seed=seed, days=days, bays=bays, kills=kills), say))
        differences = same_books(outcome, again)
        say(f"killed {again.killed} times: {'the same books' if not differences else 'OTHER books'}")
        for line in differences:
            say(line)
    _print(outcome.summary.as_json())
    if differences:
        raise typer.Exit(1)
