"""A door behind an MQTT broker, by Home Assistant's conventions for locks, buttons and switches.

A command is published with QoS 1 and never retained: the broker answers for having it, and a copy delivered
twice only starts the device's own time again. It expires at the broker after a few seconds (MQTT 5), so that
a device which comes back later does not open for somebody who has left. QoS 2 would cost more round trips and
promise nothing that matters here. The broker's answer says nothing of the device: where the device tells its
state, that is waited for.
"""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator

import aiomqtt
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties

from postern.access.controller import Contact, DoorState, checked_seconds
from postern.clock import Clock
from postern.devices.controllers.discovery import announcements
from postern.devices.controllers.feed import StateFeed
from postern.devices.controllers.mqtt_settings import MqttDoorSettings, field_of
from postern.errors import ControllerUnavailable

LONGEST_PAUSE = 10.0


class MqttDoor:
    """One door's controller on a broker."""

    def __init__(self, settings: MqttDoorSettings, *, clock: Clock) -> None:
        self._settings = settings
        self._feed = StateFeed(clock)
        self._client: aiomqtt.Client | None = None
        self._contact = Contact.UNKNOWN
        self._available = False
        self._released_now = False
        self._ready = asyncio.Event()
        self._moved = asyncio.Event()
        self._fault = "no connection to the broker; check its address and that it runs"
        self._running: asyncio.Task[None] | None = None
        self._leaving = False

    async def release(self, *, seconds: float) -> None:
        """See `DoorController`."""
        payload = self._settings.command(checked_seconds(seconds))
        self._start()
        client = await self._connected()
        self._moved.clear()
        expiry = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]  # paho has no types here
        expiry.MessageExpiryInterval = max(1, round(self._settings.timeout))
        try:
            await client.publish(
                self._settings.command_topic,
                payload,
                qos=1,
                retain=False,
                properties=expiry,
                timeout=self._settings.timeout,
            )
        except aiomqtt.MqttError as fault:
            raise self._unavailable("the broker did not take the command; it may have opened") from fault
        # A device that is released already need not tell it again.
        if self._settings.state_topic is not None and not self._released_now:
            await self._confirmed()

    async def _connected(self) -> aiomqtt.Client:
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._ready.wait()
        except TimeoutError as fault:
            raise self._unavailable(self._fault) from fault
        if self._client is None:
            raise self._unavailable(self._fault)
        return self._client

    async def _confirmed(self) -> None:
        try:
            async with asyncio.timeout(self._settings.timeout):
                await self._moved.wait()
        except TimeoutError as fault:
            raise self._unavailable("the device did not confirm; it may have opened the door") from fault

    def states(self) -> AsyncIterator[DoorState]:
        """See `DoorController`. The broker is connected to from the first call on."""
        self._start()
        return self._feed.states()

    async def close(self) -> None:
        """See `DoorController`."""
        self._feed.close()
        self._leaving = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait((self._running,))

    def _start(self) -> None:
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="watch a door over MQTT")

    async def _run(self) -> None:
        pause = 0.2
        # Being cancelled is not enough to leave: Python 3.11's wait_for, which aiomqtt waits with, forgets it
        # when the broker's answer comes in the same turn.
        while not self._leaving:
            try:
                async with self._new_client() as client, self._farewell(client):
                    await self._greet(client)
                    pause = 0.2
                    if not self._leaving:
                        async for message in client.messages:
                            self._heard(str(message.topic), _text(message.payload))
            except (aiomqtt.MqttError, OSError) as fault:
                self._client_is(None)
                self._fault = f"no connection to the broker ({fault}); check its address and login"
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    @contextlib.asynccontextmanager
    async def _farewell(self, client: aiomqtt.Client) -> AsyncIterator[None]:
        """Say that we go: a broker publishes the last will only of those who leave without a word."""
        try:
            yield
        finally:
            self._client_is(None)
            if self._leaving:
                with contextlib.suppress(aiomqtt.MqttError):
                    await client.publish(self._settings.status_topic, "offline", qos=1, retain=True)

    def _new_client(self) -> aiomqtt.Client:
        settings = self._settings
        return aiomqtt.Client(
            settings.host,
            settings.port,
            username=settings.login,
            password=settings.password,
            identifier=settings.node,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=aiomqtt.Will(settings.status_topic, "offline", qos=1, retain=True),
            tls_context=ssl.create_default_context(cafile=settings.ca) if settings.tls else None,
            timeout=settings.timeout,
            keepalive=15,
        )

    async def _greet(self, client: aiomqtt.Client) -> None:
        """Listen, then say that we are here, and what the door is to those who ask."""
        for topic in self._settings.listened:
            await client.subscribe(topic, qos=1)
        if self._settings.announce:
            for announcement in announcements(self._settings):
                await client.publish(announcement.topic, announcement.payload, qos=1, retain=True)
        await client.publish(self._settings.status_topic, "online", qos=1, retain=True)
        self._client_is(client)

    def _client_is(self, client: aiomqtt.Client | None) -> None:
        """Connected to the broker with `client`, or not at all; nothing is known of the device yet."""
        self._client = client
        self._contact = Contact.UNKNOWN
        self._released_now = False
        self._available = self._settings.availability_topic is None
        self._fault = f"the device has not said {self._settings.payload_available!r}; check its power"
        self._tell()

    def _tell(self) -> None:
        online = self._client is not None and self._available
        if online:
            self._ready.set()
        else:
            self._ready.clear()
        self._feed.tell(contact=self._contact if online else Contact.UNKNOWN, online=online)

    def _heard(self, topic: str, text: str) -> None:
        """Take in what the device says. One topic may carry several things (Zigbee2MQTT's does)."""
        settings = self._settings
        if topic == settings.availability_topic:
            self._available = field_of(text, settings.availability_field) == settings.payload_available
        if topic == settings.state_topic and (state := field_of(text, settings.state_field)) is not None:
            self._released_now = state in settings.states_released
            if self._released_now:
                self._moved.set()
        if topic == settings.contact_topic and (told := field_of(text, settings.contact_field)) is not None:
            self._contact = settings.contact_of(told)
        self._tell()

    def _unavailable(self, what: str) -> ControllerUnavailable:
        return ControllerUnavailable(f"the door at MQTT topic {self._settings.command_topic}: {what}")


def _text(payload: object) -> str:
    return payload.decode(errors="replace") if isinstance(payload, bytes | bytearray) else str(payload)
