"""Kiosks: one code, one tablet, one thing that it can do."""

from __future__ import annotations

from datetime import timedelta

import pytest

from postern.clock import SetClock
from postern.errors import BadInput, NotFound, NotSignedIn, Refused
from postern.ids import KioskId, new_id
from postern.journal import store as journal
from postern.operations.demo import Demo
from postern.operations.parking import calls
from postern.operations.parking.calls import Line, Side
from postern.operations.services import Services
from postern.operations.sites import kiosks
from postern.operators.model import Actor, Role
from postern.sites.kiosks import Kiosk
from postern.sites.store import SitePlan


@pytest.fixture
async def kiosk(hub: Services, admin: Actor, demo: Demo, places: SitePlan) -> Kiosk:
    return await kiosks.add_kiosk(hub, admin, site=demo.site, name="Exit 1", door=places.doors[0].id)


async def test_a_code_makes_one_tablet_the_kiosk_and_no_second_one(
    hub: Services, admin: Actor, kiosk: Kiosk
) -> None:
    code = await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)
    cookie = await kiosks.open_kiosk(hub, f" {code.lower().replace('-', ' - ')} ")
    assert (await kiosks.known_kiosk(hub, cookie)).kiosk == kiosk
    with pytest.raises(Refused, match="not good"):
        await kiosks.open_kiosk(hub, code)


async def test_a_code_ends_after_half_an_hour(
    hub: Services, admin: Actor, kiosk: Kiosk, clock: SetClock
) -> None:
    code = await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)
    clock.advance(kiosks.CODE_GOOD_FOR + timedelta(seconds=1))
    with pytest.raises(Refused, match="not good"):
        await kiosks.open_kiosk(hub, code)


async def test_a_new_tablet_shuts_the_old_one_out(hub: Services, admin: Actor, kiosk: Kiosk) -> None:
    first = await kiosks.open_kiosk(
        hub, await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)
    )
    second = await kiosks.open_kiosk(
        hub, await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)
    )
    assert (await kiosks.known_kiosk(hub, second)).kiosk == kiosk
    with pytest.raises(NotSignedIn):
        await kiosks.known_kiosk(hub, first)


@pytest.mark.parametrize("code", ["", "1", "7KQ4M-2XPRT", "1-7KQ4M", "x-7KQ4M-2XPRT", "1-7KQ4M-2XPRTT"])
async def test_what_is_no_code_is_said_to_be_none(hub: Services, demo: Demo, code: str) -> None:
    with pytest.raises(BadInput, match="looks like"):
        await kiosks.open_kiosk(hub, code)


@pytest.mark.parametrize("code", ["1-7KQ4M-2XPRT", "999-7KQ4M-2XPRT"])
async def test_a_guessed_code_is_refused_alike_at_every_site(hub: Services, demo: Demo, code: str) -> None:
    with pytest.raises(Refused, match="not good"):
        await kiosks.open_kiosk(hub, code)


@pytest.mark.parametrize("cookie", ["", "1", "1.", ".x", "1.guessed", "999.guessed", "x.guessed", "²." + "a"])
async def test_a_tablet_without_the_secret_is_no_kiosk(hub: Services, kiosk: Kiosk, cookie: str) -> None:
    with pytest.raises(NotSignedIn):
        await kiosks.known_kiosk(hub, cookie)


async def test_a_removed_kiosk_can_do_nothing(hub: Services, admin: Actor, kiosk: Kiosk) -> None:
    code = await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)
    cookie = await kiosks.open_kiosk(hub, code)
    await kiosks.remove_kiosk(hub, admin, site=kiosk.site, id=kiosk.id)
    with pytest.raises(NotSignedIn):
        await kiosks.known_kiosk(hub, cookie)
    with pytest.raises(NotFound):
        await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)


async def test_help_is_asked_for_once_until_somebody_has_helped(
    hub: Services, admin: Actor, kiosk: Kiosk
) -> None:
    code = await kiosks.new_kiosk_code(hub, admin, site=kiosk.site, id=kiosk.id)
    cookie = await kiosks.open_kiosk(hub, code)
    call = await kiosks.ask_for_help(hub, await kiosks.known_kiosk(hub, cookie))
    assert await kiosks.ask_for_help(hub, await kiosks.known_kiosk(hub, cookie)) == call
    [state] = await kiosks.kiosks(hub, admin, kiosk.site)
    assert (state.opened, state.call) == (True, call)
    await kiosks.end_call(hub, admin, site=kiosk.site, id=kiosk.id)
    assert await kiosks.ask_for_help(hub, await kiosks.known_kiosk(hub, cookie)) != call
    async with hub.database.transaction(admin.tenant) as tx:
        entries = await journal.read(tx, hub.keyring, admin.tenant, before=None, limit=20)
    actors = {one.entry.actor for one in entries if one.entry.purpose == "help at a kiosk"}
    assert actors == {f"kiosk:{kiosk.id.hex[:8]}"}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.HR, Role.PRIVACY_OFFICER, Role.INSTALLER])
async def test_who_helps_no_drivers_answers_no_calls(
    hub: Services, admin: Actor, kiosk: Kiosk, role: Role
) -> None:
    other = Actor(tenant=admin.tenant, name="other", role=role)
    with pytest.raises(Refused, match="answer-calls"):
        await kiosks.answer(hub, other, site=kiosk.site, id=kiosk.id)


async def test_another_organisation_answers_no_calls(hub: Services, kiosk: Kiosk, stranger: Actor) -> None:
    with pytest.raises(NotFound):
        await kiosks.answer(hub, stranger, site=kiosk.site, id=kiosk.id)
    with pytest.raises(NotFound):
        await kiosks.kiosks(hub, stranger, kiosk.site)


async def test_each_side_of_a_line_hears_the_other_and_not_itself(hub: Services, demo: Demo) -> None:
    line = Line(tenant=demo.tenant, kiosk=KioskId(new_id()))
    hearing = calls.hear(hub, line, Side.ATTENDANT)
    assert await anext(hearing) is None
    await calls.say(hub, line, Side.ATTENDANT, "mine")
    await calls.say(hub, line, Side.KIOSK, "theirs " + "a=rtpmap:111 opus/48000/2\r\n" * 100)
    heard = await anext(hearing)
    assert heard is not None
    assert heard.startswith("theirs ")
    await hearing.aclose()


async def test_a_message_that_no_notice_carries_is_refused(hub: Services, demo: Demo) -> None:
    line = Line(tenant=demo.tenant, kiosk=KioskId(new_id()))
    with pytest.raises(BadInput, match="at most"):
        await calls.say(hub, line, Side.KIOSK, "x" * (calls.LONGEST + 1))
    with pytest.raises(BadInput, match="notice"):
        await calls.say(hub, line, Side.KIOSK, "".join(str(new_id()) for _ in range(440)))
