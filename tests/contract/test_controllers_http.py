"""What is particular to the relay over HTTP: logins, faults, and what is tried again."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from postern.access.controller import Contact
from postern.clock import SystemClock
from postern.devices.controllers import shelly
from postern.devices.controllers.http_relay import HttpRelay, HttpRelaySettings
from postern.errors import BadInput, ControllerUnavailable
from tests.contract.shelly_device import ShellyDevice


@pytest.fixture
async def device() -> AsyncIterator[ShellyDevice]:
    one = ShellyDevice()
    await one.start()
    yield one
    await one.stop()


def relay(device: ShellyDevice, **settings: Any) -> HttpRelay:
    return HttpRelay(HttpRelaySettings(url=device.url, timeout=2, **settings), clock=SystemClock())


async def first_contact(controller: HttpRelay) -> Contact:
    async with asyncio.timeout(20):
        return (await anext(controller.states())).contact


async def test_a_relay_without_a_password_needs_none(device: ShellyDevice) -> None:
    controller = relay(device)
    await controller.release(seconds=2)
    assert await first_contact(controller) is Contact.CLOSED
    await controller.close()


async def test_a_wrong_password_is_named_and_opens_nothing(device: ShellyDevice) -> None:
    device.password = "sesame"
    controller = relay(device, password="guess")
    with pytest.raises(ControllerUnavailable, match="password"):
        await controller.release(seconds=2)
    async with asyncio.timeout(20):
        state = await anext(controller.states())
    assert not state.online
    assert device.releases == []
    await controller.close()


async def test_every_release_signs_in_anew_when_the_relay_forgets_its_nonce(device: ShellyDevice) -> None:
    device.password = "sesame"
    controller = relay(device, password="sesame")
    for _ in range(3):
        await controller.release(seconds=2)
    assert device.releases == [2, 2, 2]
    await controller.close()


async def test_a_relay_that_hangs_may_have_opened_and_is_not_told_again(device: ShellyDevice) -> None:
    device.behaviour = "hangs"
    controller = HttpRelay(HttpRelaySettings(url=device.url, timeout=0.3), clock=SystemClock())
    with pytest.raises(ControllerUnavailable, match="may have opened"):
        await controller.release(seconds=2)
    assert device.posts == 1
    await controller.close()


async def test_something_else_at_the_address_is_told_apart_from_a_relay(device: ShellyDevice) -> None:
    device.behaviour = "babbles"
    controller = relay(device)
    with pytest.raises(ControllerUnavailable, match="check the address"):
        await controller.release(seconds=2)
    await controller.close()


async def test_a_switch_that_the_relay_lacks_is_refused_in_its_own_words(device: ShellyDevice) -> None:
    controller = relay(device, switch=7)
    with pytest.raises(ControllerUnavailable, match=r"not found.*-105"):
        await controller.release(seconds=2)
    await controller.close()


async def test_nobody_at_the_address_is_said_so() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}"
    controller = HttpRelay(HttpRelaySettings(url=url, timeout=2), clock=SystemClock())
    with pytest.raises(ControllerUnavailable, match="no connection"):
        await controller.release(seconds=2)
    await controller.close()


async def test_a_contact_wired_the_other_way_round_is_read_so(device: ShellyDevice) -> None:
    controller = relay(device, open_when=True)
    assert await first_contact(controller) is Contact.OPEN
    await controller.close()


async def test_a_relay_without_a_contact_is_online_and_says_nothing_of_the_door(device: ShellyDevice) -> None:
    controller = relay(device, input=None)
    async with asyncio.timeout(20):
        state = await anext(controller.states())
    assert (state.contact, state.online) == (Contact.UNKNOWN, True)
    await controller.close()


@pytest.mark.parametrize("url", ["192.168.1.20", "ftp://relay", "http://", "http://admin:pw@relay"])
def test_an_address_that_is_none_is_refused_before_anything_is_sent(url: str) -> None:
    with pytest.raises(BadInput, match="address"):
        HttpRelaySettings(url=url)


def test_the_password_is_not_in_the_settings_as_printed() -> None:
    assert "sesame" not in repr(HttpRelaySettings(url="http://relay", password="sesame"))


def test_a_challenge_of_another_digest_is_refused() -> None:
    with pytest.raises(ControllerUnavailable, match="SHA-256"):
        shelly.challenge_of('{"auth_type": "digest", "nonce": 1, "realm": "r", "algorithm": "MD5"}')


def test_an_input_set_up_as_a_button_tells_nothing_of_a_door() -> None:
    assert shelly.contact_of({"id": 0, "state": None}, open_when=False) is Contact.UNKNOWN
    assert shelly.contact_of({"id": 0}, open_when=False) is None
    assert shelly.contact_of(None, open_when=False) is None
