"""What opens while the hub runs is alarmed within a minute, once; what was accepted is in the journal."""

from __future__ import annotations

import os
import socket
from collections.abc import Sequence

from postern.doctor import sockets
from postern.doctor.finding import Finding, Level
from postern.exposure_watch import EVERY_SECONDS, ExposureWatch
from postern.journal import browse
from postern.journal.browse import Wanted
from postern.journal.model import Act
from postern.operations.demo import Demo
from postern.operations.services import Services
from postern.operations.sites import alarms, exposure
from postern.operators.model import Actor
from postern.records.alarms import AlarmKind
from postern.settings import Settings


async def journalled(hub: Services, demo: Demo, act: Act, purpose: str) -> list[str]:
    async with hub.database.transaction(demo.tenant) as tx:
        wanted = Wanted(act=act, purpose=purpose)
        found = await browse.find(tx, hub.keyring, demo.tenant, wanted, before=None, limit=50)
    return [one.entry.detail for one in found]


async def alarmed(hub: Services, admin: Actor, demo: Demo) -> int:
    found = await alarms.alarms(hub, admin, demo.site)
    return sum(one.kind is AlarmKind.EXPOSED for one in found)


async def test_a_new_listener_is_seen_within_a_minute_and_told_once(
    hub: Services, demo: Demo, admin: Actor
) -> None:
    assert EVERY_SECONDS < 60
    settings = Settings(mode="demo")
    before = {one.port for one in sockets.listening_of(os.getpid())}

    async def examine() -> Sequence[Finding]:
        seen = [one for one in sockets.listening_of(os.getpid()) if one.port not in before]
        return [one for one in sockets.judge(seen, settings, has_tls=True) if one.level is Level.DANGER]

    watch = ExposureWatch(hub, examine)
    await watch.look()
    assert (watch.standing, await alarmed(hub, admin, demo)) == ((), 0)
    with socket.create_server(("127.0.0.1", 0)) as stray:
        port = stray.getsockname()[1]
        await watch.look()
        await watch.look()
        assert any(f":{port}" in one for one in watch.standing)
    assert await alarmed(hub, admin, demo) == 1
    told = await journalled(hub, demo, Act.ALARMED, "exposure")
    assert len(told) == 1
    assert f":{port}" in told[0]
    await watch.look()
    assert watch.standing == ()


async def test_what_the_installer_accepted_is_in_the_journal(hub: Services, demo: Demo) -> None:
    await exposure.note_accepted(hub, demo.tenant, ["files: others may open it"])
    assert await journalled(hub, demo, Act.STARTED, "danger accepted") == ["files: others may open it"]


def test_each_word_of_the_alarm_is_there_in_both_languages() -> None:
    assert alarms.words(AlarmKind.EXPOSED, "en") != alarms.words(AlarmKind.EXPOSED, "zh")
