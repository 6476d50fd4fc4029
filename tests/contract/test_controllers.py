"""What every door controller keeps to: the relay over HTTP, the door over MQTT, and the simulated one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest

from postern.access.controller import Contact, DoorController, DoorState, Visitor
from postern.clock import SystemClock
from postern.devices.controllers.http_relay import HttpRelay, HttpRelaySettings
from postern.devices.controllers.mqtt import MqttDoor
from postern.devices.controllers.mqtt_settings import MqttDoorSettings
from postern.devices.controllers.simulated import SimulatedDoor
from postern.errors import BadInput, ControllerUnavailable
from tests.contract.mqtt_broker import LOGIN, PASSWORD, Broker, MqttDevice
from tests.contract.shelly_device import ShellyDevice
from tests.needs import needs


class Rig(Protocol):
    """A controller and the means to move what it controls."""

    controller: DoorController

    def releases(self) -> list[float]: ...
    async def open(self) -> None: ...
    async def shut(self) -> None: ...
    async def vanish(self) -> None: ...
    async def come_back(self) -> None: ...


class HttpRig:
    def __init__(self, device: ShellyDevice) -> None:
        self.device = device
        settings = HttpRelaySettings(url=device.url, password=device.password, timeout=2)
        self.controller: DoorController = HttpRelay(settings, clock=SystemClock())

    def releases(self) -> list[float]:
        return self.device.releases

    async def open(self) -> None:
        await self.device.set_input(False)

    async def shut(self) -> None:
        await self.device.set_input(True)

    async def vanish(self) -> None:
        await self.device.stop()

    async def come_back(self) -> None:
        await self.device.start()


class MqttRig:
    def __init__(self, broker: Broker, device: MqttDevice) -> None:
        self.device = device
        settings = MqttDoorSettings(
            host="127.0.0.1",
            port=broker.port,
            login=LOGIN,
            password=PASSWORD,
            node="postern-door",
            command_topic="door/set",
            payload="OPEN {seconds}",
            state_topic="door/state",
            availability_topic="door/availability",
            contact_topic="door/contact",
            timeout=2,
        )
        self.controller: DoorController = MqttDoor(settings, clock=SystemClock())

    def releases(self) -> list[float]:
        return [float(command.removeprefix("OPEN ")) for command in self.device.commands]

    async def open(self) -> None:
        await self.device.tell_contact("ON")

    async def shut(self) -> None:
        await self.device.tell_contact("OFF")

    async def vanish(self) -> None:
        await self.device.lose_power()

    async def come_back(self) -> None:
        await self.device.start()


class SimulatedRig:
    def __init__(self) -> None:
        self.door = SimulatedDoor(clock=SystemClock())
        self.door.expect(Visitor.NOBODY)
        self.controller: DoorController = self.door

    def releases(self) -> list[float]:
        return self.door.releases

    async def open(self) -> None:
        self.door.force_open()

    async def shut(self) -> None:
        self.door.shut()

    async def vanish(self) -> None:
        self.door.switch_off()

    async def come_back(self) -> None:
        self.door.switch_on()


@contextlib.asynccontextmanager
async def _http_rig() -> AsyncIterator[Rig]:
    device = ShellyDevice(password="sesame")
    await device.start()
    rig = HttpRig(device)
    yield rig
    await rig.controller.close()
    await device.stop()


@contextlib.asynccontextmanager
async def _mqtt_rig(folder: Path) -> AsyncIterator[Rig]:
    broker = Broker(folder)
    await broker.start()
    device = MqttDevice(broker)
    await device.start()
    rig = MqttRig(broker, device)
    yield rig
    await rig.controller.close()
    await device.lose_power()
    await broker.kill()


@pytest.fixture(params=["http", pytest.param("mqtt", marks=needs("mosquitto")), "simulated"])
async def rig(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Rig]:
    match request.param:
        case "http":
            async with _http_rig() as one:
                yield one
        case "mqtt":
            async with _mqtt_rig(tmp_path) as one:
                yield one
        case _:
            simulated = SimulatedRig()
            yield simulated
            await simulated.controller.close()


async def until(states: AsyncIterator[DoorState], contact: Contact, *, online: bool = True) -> DoorState:
    """The next state that says so."""
    async with asyncio.timeout(20):
        async for state in states:
            if state.contact is contact and state.online is online:
                return state
    raise AssertionError("the states ended")


async def test_a_release_reaches_the_device_with_the_time_that_the_device_shall_keep(rig: Rig) -> None:
    await rig.controller.release(seconds=4.5)
    assert rig.releases() == [4.5]


async def test_a_second_release_is_taken_as_the_first(rig: Rig) -> None:
    await rig.controller.release(seconds=3)
    await rig.controller.release(seconds=3)
    assert rig.releases() == [3, 3]


@pytest.mark.parametrize("seconds", [0, -1, 0.05, 121, float("nan"), float("inf")])
async def test_a_release_without_a_sensible_end_never_reaches_the_device(rig: Rig, seconds: float) -> None:
    with pytest.raises(BadInput, match="seconds"):
        await rig.controller.release(seconds=seconds)
    assert rig.releases() == []


async def test_the_present_state_comes_first(rig: Rig) -> None:
    states = rig.controller.states()
    await until(states, Contact.CLOSED)
    await rig.open()
    await until(states, Contact.OPEN)
    first = await anext(rig.controller.states())
    assert (first.contact, first.online) == (Contact.OPEN, True)


async def test_every_change_of_the_contact_is_told_in_order_to_every_listener(rig: Rig) -> None:
    listeners = [rig.controller.states(), rig.controller.states()]
    tasks = [asyncio.ensure_future(until(states, Contact.CLOSED)) for states in listeners]
    await asyncio.gather(*tasks)
    await rig.open()
    await rig.shut()
    await rig.open()
    for states in listeners:
        async with asyncio.timeout(20):
            told = [(await anext(states)) for _ in range(3)]
        assert [state.contact for state in told] == [Contact.OPEN, Contact.CLOSED, Contact.OPEN]
        assert [state.at for state in told] == sorted(state.at for state in told)


async def test_a_device_that_is_gone_refuses_the_release_and_is_offline_until_it_is_back(rig: Rig) -> None:
    states = rig.controller.states()
    await until(states, Contact.CLOSED)
    await rig.vanish()
    await until(states, Contact.UNKNOWN, online=False)
    with pytest.raises(ControllerUnavailable):
        await rig.controller.release(seconds=3)
    assert rig.releases() == []
    await rig.come_back()
    await until(states, Contact.CLOSED)
    await rig.controller.release(seconds=3)
    assert rig.releases() == [3]


async def test_closing_ends_every_listener_and_may_be_done_twice(rig: Rig) -> None:
    states = rig.controller.states()
    await until(states, Contact.CLOSED)
    await rig.controller.close()
    await rig.controller.close()
    async with asyncio.timeout(20):
        assert [state async for state in states] == []
        assert [state async for state in rig.controller.states()] == []
