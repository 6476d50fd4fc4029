"""A real mosquitto on a free loopback port with a password file, and a door's device that speaks to it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import subprocess
from pathlib import Path

import aiomqtt

LOGIN, PASSWORD = "postern", "correct horse"


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class Broker:
    """mosquitto without anonymous logins; can be killed and started again on its port."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        passwords = folder / "passwords"
        subprocess.run(
            ["mosquitto_passwd", "-c", "-b", str(passwords), LOGIN, PASSWORD], check=True, capture_output=True
        )
        user = "user root\n" if os.geteuid() == 0 else ""
        (folder / "mosquitto.conf").write_text(
            f"{user}listener {self.port} 127.0.0.1\nallow_anonymous false\n"
            f"password_file {passwords}\npersistence false\nlog_type none\n"
        )

    async def start(self) -> None:
        self._process = await asyncio.create_subprocess_exec(
            "mosquitto",
            "-c",
            str(self._folder / "mosquitto.conf"),
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        async with asyncio.timeout(20):
            while True:
                with contextlib.suppress(OSError):
                    _, writer = await asyncio.open_connection("127.0.0.1", self.port)
                    writer.close()
                    await writer.wait_closed()
                    return
                await asyncio.sleep(0.02)

    async def kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()

    def client(
        self,
        will: aiomqtt.Will | None = None,
        *,
        identifier: str | None = None,
        clean_session: bool = True,
    ) -> aiomqtt.Client:
        """Somebody else on the broker, in MQTT 3.1.1 as most devices are."""
        return aiomqtt.Client(
            "127.0.0.1",
            self.port,
            username=LOGIN,
            password=PASSWORD,
            will=will,
            identifier=identifier,
            clean_session=clean_session,
        )


class MqttDevice:
    """A lock with a contact: commands at `door/set`; tells `door/state`, `/contact`, `/availability`."""

    def __init__(self, broker: Broker, *, confirms: bool = True) -> None:
        self.commands: list[str] = []
        self.retained: list[bool] = []
        self._broker = broker
        self._confirms = confirms
        self._client: aiomqtt.Client | None = None
        self._living: asyncio.Task[None] | None = None
        self._powered = True

    async def start(self) -> None:
        there = asyncio.Event()
        self._powered = True
        self._living = asyncio.create_task(self._live(there))
        async with asyncio.timeout(20):
            await there.wait()

    async def _live(self, there: asyncio.Event) -> None:
        while self._powered:  # being cancelled can be lost while it waits for the broker's answer
            with contextlib.suppress(aiomqtt.MqttError):
                will = aiomqtt.Will("door/availability", "offline", qos=1, retain=True)
                async with self._broker.client(will) as client:
                    await client.subscribe("door/set", qos=1)
                    await client.publish("door/state", "LOCKED", qos=1, retain=True)
                    await client.publish("door/contact", "OFF", qos=1, retain=True)
                    await client.publish("door/availability", "online", qos=1, retain=True)
                    self._client = client
                    there.set()
                    async for message in client.messages:
                        await self._obey(client, message)
            self._client = None
            await asyncio.sleep(0.1)

    async def _obey(self, client: aiomqtt.Client, message: aiomqtt.Message) -> None:
        assert isinstance(message.payload, bytes)
        self.commands.append(message.payload.decode())
        self.retained.append(message.retain)
        if self._confirms:
            await client.publish("door/state", "UNLOCKED", qos=1, retain=True)
            await client.publish("door/state", "LOCKED", qos=1, retain=True)

    async def tell_contact(self, word: str) -> None:
        assert self._client is not None
        await self._client.publish("door/contact", word, qos=1, retain=True)

    async def lose_power(self) -> None:
        """Gone without a farewell, so that the broker publishes the last will."""
        if self._living is None:
            return
        if self._client is not None:
            # What a power cut does to the connection, as the broker sees it: it ends without DISCONNECT.
            sock = self._client._client.socket()
            if sock is not None:
                sock.shutdown(socket.SHUT_RDWR)
        self._powered = False
        self._living.cancel()
        await asyncio.wait((self._living,))
        self._living = self._client = None
