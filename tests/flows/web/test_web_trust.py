"""The pages by which those in charge see what was done with the data, and do what the law asks of them."""

from __future__ import annotations

import re
from datetime import timedelta

from postern.clock import utc_day
from postern.ids import AgentId
from postern.operations.demo import Demo
from postern.operations.journal.checkpoints import CheckpointJob
from postern.operations.services import Services
from postern.records import quarantine
from postern.records.alarms import AlarmKind, put_alarm
from postern.records.model import Kind, SealedRecord
from postern.sites import store as sites
from tests.flows.web.conftest import Browser
from tests.flows.web.test_web_pages import first_id


async def searched(browser: Browser, hub: Services, **fields: str) -> str:
    today = utc_day(hub.clock.now())
    asked = {
        "what": "person",
        "who": "Ada Nowak",
        "site": "1",
        "first": str(today - timedelta(days=1)),
        "last": str(today),
        "purpose": "stolen bicycle",
        "case": "2026-17",
    }
    return (await browser.send("/search", **asked | fields)).text


async def test_a_search_for_passages_is_in_the_journal_with_its_purpose_and_case(
    browser: Browser, hub: Services
) -> None:
    person = await first_id(browser, "/people")
    assert f'href="/search?person={person}"' in (await browser.get(f"/people/{person}")).text
    assert 'value="Ada Nowak"' in (await browser.get(f"/search?person={person}")).text
    assert "No passages" in await searched(browser, hub)
    journal = (await browser.get("/journal")).text
    assert "stolen bicycle (2026-17)" in journal


async def test_a_search_asks_for_what_it_lacks(browser: Browser, hub: Services) -> None:
    assert "Choose at least one site." in await searched(browser, hub, site="")
    assert "Please fill this in." in await searched(browser, hub, case="")
    assert "Nobody of that name is registered." in await searched(browser, hub, who="Nobody at all")
    assert "Several people fit." in await searched(browser, hub, who="a")


async def test_every_role_reads_the_table_that_binds_it(browser: Browser) -> None:
    page = (await browser.get("/roles")).text
    assert "Find somebody&#39;s passages" in page
    assert "POST /search" in page


async def raised(hub: Services, demo: Demo) -> None:
    """An alarm, and a record that was kept aside."""
    async with hub.database.transaction(demo.tenant) as tx:
        (site,) = await sites.sites(tx, hub.keyring, demo.tenant)
        day = utc_day(hub.clock.now())
        await put_alarm(tx, site.id, AlarmKind.RECORD_CONTRADICTED, day=day, agent=AgentId(1))
        record = SealedRecord(
            site=site.id,
            day=day,
            agent=AgentId(1),
            seq=1,
            kind=Kind.DOOR,
            tag=None,
            digest=bytes(32),
            sealed=b"sealed",
        )
        await quarantine.keep_aside(tx, [record])


async def test_an_alarm_is_looked_into_once_with_a_note(browser: Browser, hub: Services, demo: Demo) -> None:
    await raised(hub, demo)
    page = (await browser.get("/alarms")).text
    assert "Records kept aside" in page
    found = re.search(r'action="(/alarms/1/[0-9a-f-]{36})"', page)
    assert found is not None
    path = found.group(1)
    assert "say why" in (await browser.send(path, reason="")).text
    assert (await browser.send(path, reason="The box was copied; reported.")).status_code == 303
    page = (await browser.get("/alarms")).text
    assert "The box was copied; reported." in page
    assert path not in page
    assert "looked into this alarm already" in (await browser.send(path, reason="again, by another")).text
    assert "looked into an alarm" in (await browser.get("/journal")).text


async def test_the_journal_is_browsed_by_who_what_when_and_why(browser: Browser, hub: Services) -> None:
    await searched(browser, hub)
    found = (await browser.get("/journal?act=searched&purpose=BICYCLE&actor=administrator")).text
    assert "stolen bicycle (2026-17)" in found
    assert found.count("<tr>") == 2
    assert "No such entry" in (await browser.get("/journal?actor=nobody")).text
    assert "No such entry" in (await browser.get("/journal?day=1999-01-01")).text


async def test_an_entry_is_proved_against_the_newest_checkpoint(browser: Browser, hub: Services) -> None:
    assert "None is signed yet." in (await browser.get("/journal")).text
    await CheckpointJob(hub).look(now=True)
    page = (await browser.get("/journal")).text
    assert "postern journal verify journal.export --key postern-journal/" in page
    found = re.search(r'href="(/journal/\d+/proof)"', page)
    assert found is not None
    proof = (await browser.get(found.group(1))).text
    assert "In the journal" in proof
    assert "&#34;path&#34;" in proof
    assert (await browser.get("/journal/9999/proof")).status_code == 404
