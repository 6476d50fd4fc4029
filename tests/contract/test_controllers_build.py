"""From a door's settings to its controller, and what the simulated door does by itself."""

from __future__ import annotations

import asyncio

import pytest

from postern.access.controller import Contact, Visitor
from postern.clock import SystemClock
from postern.devices.controllers.build import controller_for, mqtt_settings, relay_settings
from postern.devices.controllers.mqtt_settings import Kind
from postern.devices.controllers.simulated import SimulatedDoor
from postern.errors import BadInput
from postern.sites.model import ControllerKind, ControllerSettings


async def test_a_door_without_settings_is_simulated() -> None:
    controller = controller_for(ControllerSettings(), clock=SystemClock())
    assert isinstance(controller, SimulatedDoor)


def test_a_relay_takes_its_channels_and_password_from_the_door() -> None:
    given = ControllerSettings(
        kind=ControllerKind.HTTP_RELAY,
        url="https://10.0.0.5/?open_when=on",
        password="sesame",
        channel=1,
        contact_channel=2,
    )
    built = relay_settings(given)
    assert (built.url, built.switch, built.input) == ("https://10.0.0.5/", 1, 2)
    assert (built.open_when, built.password) == (True, "sesame")


def test_an_mqtt_door_is_found_by_the_name_of_its_device() -> None:
    given = ControllerSettings(
        kind=ControllerKind.MQTT, url="mqtts://broker.example", name="garage/door", contact_channel=0
    )
    built = mqtt_settings(given)
    assert (built.host, built.port, built.tls) == ("broker.example", 8883, True)
    assert (built.command_topic, built.state_topic) == ("garage/door/set", "garage/door/state")
    assert (built.contact_topic, built.availability_topic) == (
        "garage/door/contact",
        "garage/door/availability",
    )
    assert built.node == "postern-garage-door"


def test_zigbee2mqtt_fits_into_the_address() -> None:
    url = (
        "mqtt://10.0.0.6?kind=switch&state=zigbee2mqtt/gate&state_field=state"
        "&contact=zigbee2mqtt/gate-contact&contact_field=contact&contact_open=false&contact_closed=true"
        "&availability=zigbee2mqtt/gate/availability&availability_field=state"
    )
    built = mqtt_settings(ControllerSettings(kind=ControllerKind.MQTT, url=url, name="zigbee2mqtt/gate"))
    assert built.kind is Kind.SWITCH
    assert built.command(5) == '{"state": "ON", "on_time": 5}'
    assert built.contact_of("false") is Contact.OPEN
    assert built.listened == (
        "zigbee2mqtt/gate-contact",
        "zigbee2mqtt/gate",
        "zigbee2mqtt/gate/availability",
    )


@pytest.mark.parametrize(
    ("kind", "url", "name"),
    [
        (ControllerKind.HTTP_RELAY, "", ""),
        (ControllerKind.HTTP_RELAY, "http://relay?colour=red", ""),
        (ControllerKind.HTTP_RELAY, "http://relay?open_when=perhaps", ""),
        (ControllerKind.HTTP_RELAY, "http://relay:port", ""),
        (ControllerKind.MQTT, "http://broker", "door"),
        (ControllerKind.MQTT, "mqtt://broker", ""),
        (ControllerKind.MQTT, "mqtt://broker?kind=trapdoor", "door"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(kind: ControllerKind, url: str, name: str) -> None:
    with pytest.raises(BadInput):
        controller_for(ControllerSettings(kind=kind, url=url, name=name), clock=SystemClock())


async def contacts(door: SimulatedDoor, count: int) -> list[Contact]:
    states = door.states()
    async with asyncio.timeout(20):
        return [(await anext(states)).contact for _ in range(count)]


async def test_somebody_goes_through_the_simulated_door_after_a_release() -> None:
    door = SimulatedDoor(clock=SystemClock(), walk_up=0.05, walk_through=0.05)
    await door.release(seconds=1)
    assert await contacts(door, 3) == [Contact.CLOSED, Contact.OPEN, Contact.CLOSED]
    await door.close()


async def test_the_simulated_door_can_be_held_open_and_shut_again() -> None:
    door = SimulatedDoor(clock=SystemClock(), walk_up=0.05, walk_through=0)
    door.expect(Visitor.HOLDS_IT_OPEN)
    await door.release(seconds=1)
    assert await contacts(door, 2) == [Contact.CLOSED, Contact.OPEN]
    door.shut()
    assert await contacts(door, 1) == [Contact.CLOSED]
    await door.close()


async def test_the_simulated_door_stays_closed_when_nobody_goes_through() -> None:
    door = SimulatedDoor(clock=SystemClock(), walk_up=0)
    door.expect(Visitor.NOBODY)
    await door.release(seconds=1)
    assert await contacts(door, 1) == [Contact.CLOSED]
    await door.close()
