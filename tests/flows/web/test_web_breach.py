"""The breach page: everything the journal tells of a span is in the report, and each draft is journalled."""

from __future__ import annotations

from uuid import UUID

import pytest

from postern.errors import BadInput, CannotOpen, Refused
from postern.journal import store as journal
from postern.journal.model import Act, Entry
from postern.operations.demo import Demo
from postern.operations.privacy import breach as operations
from postern.operations.privacy.breach import Wanted
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from tests.flows.web.conftest import Browser

ADA, BEN = UUID(int=1 << 100), UUID(int=2 << 100)


async def written(hub: Services, demo: Demo, by: str, act: Act, *subjects: UUID) -> None:
    entry = Entry(at=hub.clock.now(), actor=by, act=act, purpose="curious", subjects=subjects)
    async with hub.database.transaction(demo.tenant) as tx:
        await journal.append(tx, hub.keyring, demo.tenant, [entry])


def wanted(hub: Services, by: str = "mallory") -> Wanted:
    today = hub.clock.now().date()
    return Wanted(by=by, since=today, until=today, noticed=today)


async def test_the_report_is_whole_and_of_nobody_else(hub: Services, demo: Demo, admin: Actor) -> None:
    for _ in range(3):
        await written(hub, demo, "mallory", Act.LOOKED, ADA)
    await written(hub, demo, "mallory", Act.EXPORTED, ADA, BEN)
    await written(hub, demo, "somebody", Act.LOOKED, BEN)
    found = await operations.breach(hub, admin, wanted(hub), purpose="a stolen login")
    assert [(one.subject, one.count) for one in found.concerned] == [(ADA, 4), (BEN, 1)]
    assert dict(found.acts) == {Act.LOOKED: 3, Act.EXPORTED: 1}
    assert found.actors == ["mallory"]
    assert (found.due.date() - wanted(hub).noticed).days == 3
    everybody = await operations.breach(hub, admin, wanted(hub, ""), purpose="a stolen login")
    assert {one.subject: one.count for one in everybody.concerned}[BEN] == 2


async def test_a_journal_with_a_gap_gives_no_report(
    hub: Services, demo: Demo, admin: Actor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A thief who takes their own entry out is not told to the authority as innocent."""
    await written(hub, demo, "mallory", Act.LOOKED, ADA)
    await written(hub, demo, "somebody", Act.LOOKED, BEN)
    async with hub.database.transaction(demo.tenant) as tx:
        whole = await journal.read(tx, hub.keyring, demo.tenant, before=None, limit=1)
    monkeypatch.setattr("postern.journal.store._last", _after(whole[0].index))
    with pytest.raises(CannotOpen):
        await operations.breach(hub, admin, wanted(hub), purpose="a stolen login")


def _after(index: int) -> object:
    async def last(*_: object) -> int:
        return index + 1

    return last


async def test_only_who_keeps_privacy_may_ask_and_only_with_a_reason(
    hub: Services, demo: Demo, admin: Actor
) -> None:
    auditor = Actor(tenant=demo.tenant, name="ann", role=Role.AUDITOR)
    with pytest.raises(Refused):
        await operations.breach(hub, auditor, wanted(hub), purpose="a stolen login")
    with pytest.raises(BadInput):
        await operations.breach(hub, admin, wanted(hub), purpose=" ")


async def test_the_page_tells_and_its_drafts_are_files_in_both_languages(
    browser: Browser, hub: Services, demo: Demo, admin: Actor
) -> None:
    await written(hub, demo, "mallory", Act.EXPORTED, ADA)
    day = str(hub.clock.now().date())
    asked = {"by": "mallory", "since": day, "until": day, "noticed": day, "reason": "a stolen login"}
    assert (await browser.get("/privacy/breach")).status_code == 200
    page = await browser.send("/privacy/breach", **asked)
    assert page.status_code == 200
    assert str(ADA) in page.text
    for notice in ("authority", "person"):
        for language, word in (("en", "Notice to"), ("zh", "个人信息泄露")):
            draft = {**asked, "notice": notice, "language": language}
            text = await browser.send("/privacy/breach", **draft, **{"as": "text"})
            assert word in text.text
            assert str(ADA) not in text.text
            assert ("mallory" in text.text) == (notice == "authority")
            printed = await browser.send("/privacy/breach", **draft, **{"as": "pdf"})
            assert printed.content.startswith(b"%PDF")
    found = await operations.breach(hub, admin, wanted(hub, ""), purpose="what was taken out")
    assert sum(one.entry.purpose == "breach notice" for one in found.entries) == 8


async def test_a_span_that_cannot_be_says_so(browser: Browser) -> None:
    asked = {"by": "", "since": "2026-03-04", "until": "2026-03-01", "noticed": "2026-03-04"}
    assert (await browser.send("/privacy/breach", **asked, reason="a stolen login")).status_code == 422
    assert (await browser.send("/privacy/breach", by="", reason="")).status_code == 422
