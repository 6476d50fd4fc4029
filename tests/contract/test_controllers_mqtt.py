"""What is particular to the door over MQTT, on a real broker: logins, wills, expiry, restarts, discovery."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiomqtt
import pytest

from postern.access.controller import Contact, DoorState
from postern.clock import SystemClock
from postern.devices.controllers.discovery import announcements
from postern.devices.controllers.mqtt import MqttDoor
from postern.devices.controllers.mqtt_settings import Kind, MqttDoorSettings, field_of
from postern.errors import BadInput, ControllerUnavailable
from tests.contract.mqtt_broker import LOGIN, PASSWORD, Broker, MqttDevice
from tests.needs import needs


def settings(port: int = 1883, **changed: Any) -> MqttDoorSettings:
    usual: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "login": LOGIN,
        "password": PASSWORD,
        "node": "postern-door",
        "command_topic": "door/set",
        "state_topic": "door/state",
        "availability_topic": "door/availability",
        "contact_topic": "door/contact",
        "timeout": 2,
    }
    return MqttDoorSettings(**(usual | changed))


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    one = Broker(tmp_path)
    await one.start()
    yield one
    await one.kill()


async def until(states: AsyncIterator[DoorState], contact: Contact, *, online: bool = True) -> None:
    async with asyncio.timeout(30):
        async for state in states:
            if state.contact is contact and state.online is online:
                return


async def retained(broker: Broker, topic: str) -> str:
    async with broker.client() as client:
        await client.subscribe(topic, qos=1)
        async with asyncio.timeout(20):
            message = await anext(aiter(client.messages))
    assert isinstance(message.payload, bytes)
    return message.payload.decode()


@needs("mosquitto")
async def test_a_wrong_login_is_refused_and_said_so(broker: Broker) -> None:
    controller = MqttDoor(settings(broker.port, password="guess"), clock=SystemClock())
    with pytest.raises(ControllerUnavailable, match="login"):
        await controller.release(seconds=2)
    await controller.close()


@needs("mosquitto")
async def test_the_door_works_again_after_the_broker_was_killed_and_restarted(broker: Broker) -> None:
    device = MqttDevice(broker)
    await device.start()
    controller = MqttDoor(settings(broker.port), clock=SystemClock())
    states = controller.states()
    await until(states, Contact.CLOSED)
    await broker.kill()
    await until(states, Contact.UNKNOWN, online=False)
    with pytest.raises(ControllerUnavailable):
        await controller.release(seconds=2)
    await broker.start()
    await until(states, Contact.CLOSED)
    await controller.release(seconds=2)
    assert device.commands == ["OPEN"]
    assert device.retained == [False]
    await controller.close()
    await device.lose_power()


@needs("mosquitto")
async def test_a_device_that_does_not_confirm_is_not_taken_for_one_that_did(broker: Broker) -> None:
    device = MqttDevice(broker, confirms=False)
    await device.start()
    controller = MqttDoor(settings(broker.port), clock=SystemClock())
    with pytest.raises(ControllerUnavailable, match="did not confirm"):
        await controller.release(seconds=2)
    await controller.close()
    await device.lose_power()


@needs("mosquitto")
async def test_a_command_is_not_kept_for_a_device_that_comes_back_too_late(broker: Broker) -> None:
    async with broker.client(identifier="device", clean_session=False) as client:
        await client.subscribe("door/set", qos=1)
    controller = MqttDoor(
        settings(broker.port, state_topic=None, availability_topic=None, contact_topic=None, timeout=1),
        clock=SystemClock(),
    )
    await controller.release(seconds=2)
    await asyncio.sleep(2.5)
    async with broker.client(identifier="device", clean_session=False) as client:
        await client.publish("door/set", "the next command", qos=1)
        async with asyncio.timeout(20):
            message = await anext(aiter(client.messages))
    assert message.payload == b"the next command"
    await controller.close()


@needs("mosquitto")
async def test_the_broker_tells_when_we_come_break_off_and_leave(broker: Broker) -> None:
    controller = MqttDoor(settings(broker.port, availability_topic=None), clock=SystemClock())
    async with broker.client() as client:
        await client.subscribe("postern/postern-door/status", qos=1)
        messages = aiter(client.messages)
        async with asyncio.timeout(90):
            await until(controller.states(), Contact.UNKNOWN)
            assert (await anext(messages)).payload == b"online"
            # As a power cut ends it: no DISCONNECT is sent.
            assert controller._client is not None
            controller._client._client.socket().shutdown(socket.SHUT_RDWR)
            assert (await anext(messages)).payload == b"offline"
            assert (await anext(messages)).payload == b"online"
            await controller.close()
            assert (await anext(messages)).payload == b"offline"


@pytest.mark.parametrize("ticks", [None, 0, 1, 2, 3])
@needs("mosquitto")
async def test_a_door_closed_while_it_still_greets_says_farewell_and_is_gone(
    broker: Broker, monkeypatch: pytest.MonkeyPatch, ticks: int | None
) -> None:
    """So many turns of the event loop after the broker has acknowledged the greeting, or before it does."""
    controller = MqttDoor(settings(broker.port, availability_topic=None), clock=SystemClock())
    greeted, taken = asyncio.Event(), aiomqtt.Client._on_publish

    def acknowledged(*given: Any) -> None:
        if ticks is not None or greeted.is_set():
            taken(*given)
        greeted.set()

    async with broker.client() as client:
        await client.subscribe("postern/postern-door/status", qos=1)
        monkeypatch.setattr(aiomqtt.Client, "_on_publish", acknowledged)
        controller.states()
        async with asyncio.timeout(30):
            await greeted.wait()
        for _ in range(ticks or 0):
            await asyncio.sleep(0)
        closing = asyncio.create_task(controller.close())
        done, _ = await asyncio.wait((closing,), timeout=10)
        assert done == {closing}
        messages = aiter(client.messages)
        async with asyncio.timeout(10):
            assert (await anext(messages)).payload == b"online"
            assert (await anext(messages)).payload == b"offline"


@needs("mosquitto")
async def test_a_device_that_does_not_announce_itself_is_announced_to_home_assistant(broker: Broker) -> None:
    told = settings(broker.port, announce=True, availability_topic=None)
    controller = MqttDoor(told, clock=SystemClock())
    await until(controller.states(), Contact.UNKNOWN)
    lock = json.loads(await retained(broker, "homeassistant/lock/postern-door/config"))
    assert (lock["command_topic"], lock["payload_open"], lock["retain"]) == ("door/set", "OPEN", False)
    contact = json.loads(await retained(broker, "homeassistant/binary_sensor/postern-door/config"))
    assert (contact["state_topic"], contact["device_class"]) == ("door/contact", "door")
    assert lock["device"] == contact["device"]
    await controller.close()


@pytest.mark.parametrize("payload", ["UNLOCK", "ON", '{"state": "ON"}', '{"state":"UNLOCK"}', "on"])
def test_a_command_that_would_leave_the_door_released_is_refused(payload: str) -> None:
    with pytest.raises(BadInput, match="for good"):
        settings(payload=payload)
    assert settings(payload=payload, relocks_itself=True).command(5) == payload


@pytest.mark.parametrize(
    ("kind", "command"),
    [(Kind.LOCK, "OPEN"), (Kind.BUTTON, "PRESS"), (Kind.SWITCH, '{"state": "ON", "on_time": 4.5}')],
)
def test_each_kind_has_its_usual_command(kind: Kind, command: str) -> None:
    assert settings(kind=kind).command(4.5) == command


@pytest.mark.parametrize("changed", [{"node": "a door"}, {"command_topic": "#"}, {"contact_topic": "a/+"}])
def test_a_topic_for_many_is_no_topic_of_a_door(changed: dict[str, str]) -> None:
    with pytest.raises(BadInput):
        settings(**changed)


def test_a_topic_with_json_is_read_by_the_name_of_its_field() -> None:
    assert field_of('{"contact": false, "state": "ON"}', "contact") == "false"
    assert field_of('{"contact": false, "state": "ON"}', "state") == "ON"
    assert field_of('{"linkquality": 90}', "contact") is None
    assert field_of("not json", "contact") is None
    assert field_of("ON", None) == "ON"


def test_a_switch_that_needs_a_duration_is_not_announced_as_one_to_leave_on() -> None:
    topics = [one.topic for one in announcements(settings(kind=Kind.SWITCH))]
    assert topics == ["homeassistant/binary_sensor/postern-door/config"]


def test_the_password_is_not_in_the_settings_as_printed() -> None:
    assert PASSWORD not in repr(settings())
