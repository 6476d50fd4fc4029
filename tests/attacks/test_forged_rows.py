"""Whoever writes in the data's database, and not in the keystore's, lets nobody in by it.

`postern prove` makes the same forgeries over and over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from postern.keystore.row_marks import PostgresRowMarks
from postern.operations.insiders.alarms import insider_alarms
from postern.operations.insiders.put_back import look
from postern.operations.keys.mark_rows import mark_once, mark_rows
from postern.operators.concerns import Concern
from postern.operators.model import Role
from postern.postgres.embedded import Cluster
from postern.prove.attacks.forged_rows import FORGERIES, believes
from postern.prove.forged_rows import a_login_that_nobody_began
from postern.prove.scratch import DrawnSite, drawn_site


@pytest.fixture(scope="module")
async def site(cluster: Cluster) -> AsyncIterator[DrawnSite]:
    async with drawn_site(cluster) as made:
        yield made


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda one: one.__name__)
async def test_a_forged_row_lets_nobody_in(site: DrawnSite, forgery: object) -> None:
    assert not await forgery(site)  # type: ignore[operator]


@pytest.mark.parametrize("forgery", FORGERIES, ids=lambda one: one.__name__)
async def test_the_forgery_catches_a_hub_that_believes_its_database(
    site: DrawnSite, forgery: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(PostgresRowMarks, "standing", believes)
    assert await forgery(site)  # type: ignore[operator]


async def test_rows_that_somebody_else_wrote_raise_an_alarm_once(cluster: Cluster) -> None:
    async with drawn_site(cluster) as own:
        assert await look(own.hub, own.demo.tenant) == {}
        await a_login_that_nobody_began(own)
        assert await look(own.hub, own.demo.tenant) == {"login": 1}
        assert await look(own.hub, own.demo.tenant) == {"login": 1}
        officer = replace(own.admin, role=Role.PRIVACY_OFFICER)
        told = [one.concern for one in await insider_alarms(own.hub, officer)]
        assert told == [Concern.ROWS_PUT_BACK]


async def test_rows_written_by_hand_are_good_once_they_are_accepted(cluster: Cluster) -> None:
    async with drawn_site(cluster) as own:
        await a_login_that_nobody_began(own)
        await mark_rows(own.hub, why="a login for the test")
        assert await look(own.hub, own.demo.tenant) == {}


async def test_the_rows_of_a_release_that_marked_none_are_marked_once(cluster: Cluster) -> None:
    async with drawn_site(cluster) as own:
        await own.hub.keyring.marks.forget_all()
        await mark_once(own.hub)
        assert await look(own.hub, own.demo.tenant) == {}
        await a_login_that_nobody_began(own)
        await mark_once(own.hub)
        assert await look(own.hub, own.demo.tenant) == {"login": 1}
