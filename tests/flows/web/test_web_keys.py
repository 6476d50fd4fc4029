"""The page of keys and its address in the API: what they tell, and how a rotation is begun and watched."""

from __future__ import annotations

import pytest

from postern.errors import RootKeyUnavailable
from postern.keystore import rotation_store
from postern.keystore.keyring import PostgresKeyring
from postern.operations.demo import Demo
from postern.operations.keys import rotate_index
from postern.operations.services import Services
from tests.flows.web.conftest import SAME_ORIGIN, Browser

WHY = "an administrator left"


async def test_the_page_tells_every_kind_of_key_and_that_the_root_is_rotated_by_command(
    browser: Browser,
) -> None:
    page = (await browser.get("/keys")).text
    for words in ("Root key", "Tenant key", "Index keys", "Signing keys", "Version 1", "Never"):
        assert words in page
    assert "postern keys rotate root" in page
    assert 'href="/keys" aria-current="page"' in page
    browser.client.cookies.set("postern-language", "zh")
    chinese = (await browser.get("/keys")).text
    assert "根密钥" in chinese
    assert "Root key" not in chinese


async def test_a_rotation_is_begun_with_a_reason_and_a_second_press_says_that_one_runs(
    browser: Browser, hub: Services
) -> None:
    nothing = await browser.send("/keys", kind="index", reason="")
    assert nothing.status_code == 422
    assert "Please fill this in." in nothing.text
    begun = await browser.send("/keys", kind="index", reason=WHY)
    assert (begun.status_code, begun.headers["location"]) == (303, "/keys?said=rotation-started")
    assert isinstance(hub.keyring, PostgresKeyring)
    await hub.rotation.finished()
    async with rotation_store.one_at_a_time(hub.keyring.database):
        again = await browser.send("/keys", kind="index", reason=WHY)
        assert again.status_code == 422
        assert "A rotation is running already. Wait" in again.text
    assert "Version 2" in (await browser.get("/keys")).text
    assert WHY in (await browser.get("/journal")).text


async def test_one_that_was_cut_off_is_told_with_its_step(
    browser: Browser, hub: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RootKeyUnavailable("the disk is gone")

    with monkeypatch.context() as patch:
        patch.setattr(rotate_index, "_move_all", fail)
        await browser.send("/keys", kind="index", reason=WHY)
        await hub.rotation.finished()
    page = (await browser.get("/keys")).text
    assert "Cut off" in page
    assert "the disk is gone" in page
    assert "0 of " in page
    await browser.send("/keys", kind="index", reason=WHY)
    await hub.rotation.finished()
    page = (await browser.get("/keys")).text
    assert "Cut off" not in page
    assert "the disk is gone" not in page


async def test_the_root_key_is_not_rotated_by_a_form(browser: Browser, hub: Services) -> None:
    answer = await browser.send("/keys", kind="root", reason=WHY)
    assert answer.status_code == 422
    assert "postern keys rotate root" in answer.text
    assert not hub.rotation.busy


async def test_the_api_tells_and_rotates(browser: Browser, hub: Services, demo: Demo) -> None:
    found = (await browser.get("/api/v1/keys")).json()
    assert found["running"] is False
    assert [one["kind"] for one in found["keys"]][:3] == ["root", "tenant", "index"]
    headers = {**SAME_ORIGIN, "Postern-Form-Key": await browser.form_key()}

    async def rotate(kind: str, reason: str) -> int:
        path = f"/api/v1/keys/{kind}/rotation"
        answer = await browser.client.post(path, json={"reason": reason}, headers=headers)
        return answer.status_code

    assert await rotate("tenant", " ") == 422
    assert await rotate("root", WHY) == 422
    assert await rotate("tenant", WHY) == 202
    await hub.rotation.finished()
    found = (await browser.get("/api/v1/keys")).json()
    assert {one["kind"]: one["version"] for one in found["keys"]}["tenant"] == 2
