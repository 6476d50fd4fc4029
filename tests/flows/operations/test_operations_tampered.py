"""Somebody changes a row of the archive: it is shown as what it is, alarms once, and hides nothing else."""

from __future__ import annotations

from datetime import UTC

import pytest

from postern.access.decision import PlatePresented, Request
from postern.errors import CannotOpen
from postern.ids import TenantId
from postern.operations import look
from postern.operations.admit import Entrance, admit
from postern.operations.archive.receive import receive
from postern.operations.demo import Demo
from postern.operations.services import Services
from postern.operations.sites.alarms import alarms, words
from postern.operators.model import Actor
from postern.records.alarms import AlarmKind
from postern.records.model import RecordKey
from postern.sites.store import SitePlan
from postern.web.api.models import HappeningOut
from postern.web.console.wall_rows import rows_of
from postern.web.i18n import Words
from tests.flows.operations.drawn import NOON, DrawnAgent

TODAY = NOON.date()
TAMPERED = [
    "UPDATE record SET sealed = set_byte(sealed, 40, get_byte(sealed, 40) # 1) WHERE seq = 2",
    "UPDATE record SET sealed = (SELECT sealed FROM record WHERE seq = 1) WHERE seq = 2",
    "UPDATE record SET sealed = '' WHERE seq = 2",
    "UPDATE record SET kind = 4 WHERE seq = 2",
    "UPDATE record SET kind = 99 WHERE seq = 2",
    "UPDATE record SET digest = 'short' WHERE seq = 2",
    "UPDATE record SET tag = NULL WHERE seq = 2",
]


@pytest.fixture
async def passages(hub: Services, agent: DrawnAgent, entrance: Entrance, places: SitePlan) -> None:
    """Three passages of the same registered vehicle, with their pictures."""
    drive = next(one for one in places.access_points if one.name == "Driveway barrier, in")
    policy = await agent.policy()
    for _ in range(3):
        request = Request(access_point=drive.id, presented=PlatePresented(text="P-DM 1001", score=0.9))
        await admit(entrance, policy, request, evidence=b"a jpeg")
    await receive(hub, await agent.known(), agent.entries, agent.pictures)


async def tamper(hub: Services, how: str) -> None:
    async with hub.database.transaction(TenantId(1)) as tx:
        await tx.execute(how)  # type: ignore[arg-type]


def kinds(rows: tuple[look.Row, ...] | list[look.Row]) -> list[str]:
    return [type(row).__name__ for row in sorted(rows, key=lambda row: row.key.seq)]


@pytest.mark.usefixtures("passages")
@pytest.mark.parametrize("how", TAMPERED)
async def test_a_changed_record_is_shown_as_one_that_cannot_be_opened_and_alarms_once(
    hub: Services, admin: Actor, demo: Demo, how: str
) -> None:
    await tamper(hub, how)
    for _ in range(2):
        shown = await look.wall(hub, admin, demo.site)
        assert kinds(shown.rows) == ["Passing", "Unopenable", "Passing"]
    raised = await alarms(hub, admin, demo.site)
    assert [(one.kind, one.day) for one in raised] == [(AlarmKind.ARCHIVE_TAMPERED, TODAY)]
    assert "changed or moved" in words(raised[0].kind)


@pytest.mark.usefixtures("passages")
async def test_a_search_goes_on_past_a_changed_record(hub: Services, admin: Actor, demo: Demo) -> None:
    await tamper(hub, TAMPERED[0])
    found = await look.search_passages(
        hub,
        admin,
        look.Wanted(plate="PDM1001"),
        site_ids=[demo.site],
        first=TODAY,
        last=TODAY,
        purpose="parked across the exit",
        case="C-17",
    )
    assert kinds(found) == ["Passing", "Unopenable", "Passing"]


@pytest.mark.usefixtures("passages")
async def test_the_evidence_of_a_changed_record_does_not_open_and_the_others_does(
    hub: Services, admin: Actor, demo: Demo, agent: DrawnAgent
) -> None:
    await tamper(hub, TAMPERED[0])

    def key(seq: int) -> RecordKey:
        return RecordKey(site=demo.site, day=TODAY, agent=agent.enrolled.agent, seq=seq)

    with pytest.raises(CannotOpen, match="look at the alarms"):
        await look.evidence(hub, admin, key(2), purpose="who was it")
    assert await look.evidence(hub, admin, key(3), purpose="who was it") == b"a jpeg"
    assert [one.kind for one in await alarms(hub, admin, demo.site)] == [AlarmKind.ARCHIVE_TAMPERED]


@pytest.mark.usefixtures("passages")
@pytest.mark.parametrize(("language", "said"), [("en", "Cannot be opened"), ("zh", "无法打开")])
async def test_the_wall_and_the_api_say_so_in_words(
    hub: Services, admin: Actor, demo: Demo, places: SitePlan, language: str, said: str
) -> None:
    await tamper(hub, TAMPERED[0])
    shown = await look.wall(hub, admin, demo.site)
    (row,) = (row for row in shown.rows if isinstance(row, look.Unopenable))
    (line,) = rows_of([row], Words(language=language), UTC)
    assert (line.verdict, line.tone, line.picture) == (said, "bad", False)
    assert HappeningOut.of(row, "1-20260304-1-2").kind == "cannot-open"


@pytest.mark.usefixtures("passages")
async def test_what_cannot_be_opened_is_shown_beside_the_record_before_it(
    hub: Services, admin: Actor, demo: Demo
) -> None:
    await tamper(hub, TAMPERED[0])
    (row,) = (
        row for row in (await look.wall(hub, admin, demo.site)).rows if isinstance(row, look.Unopenable)
    )
    assert row.at == NOON
    await tamper(hub, TAMPERED[2].replace("seq = 2", "seq = 1"))
    rows = (await look.wall(hub, admin, demo.site)).rows
    first = next(row for row in rows if row.key.seq == 1)
    assert first.at.date() == TODAY
    assert first.at.hour == 0


async def test_no_alarm_is_raised_where_nothing_was_changed(
    hub: Services, admin: Actor, demo: Demo, passages: None
) -> None:
    await look.wall(hub, admin, demo.site)
    assert await alarms(hub, admin, demo.site) == []
