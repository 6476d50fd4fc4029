"""How one door is reached over MQTT. Words and defaults are Home Assistant's."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from postern.access.controller import Contact
from postern.errors import BadInput

SECONDS = "{seconds}"
_ENDLESS = frozenset({"ON", "UNLOCK", '{"STATE":"ON"}', '{"STATE":"UNLOCK"}'})


class Kind(StrEnum):
    """What the device is to Home Assistant."""

    LOCK = "lock"
    BUTTON = "button"
    SWITCH = "switch"


DEFAULT_COMMANDS = {
    Kind.LOCK: "OPEN",
    Kind.BUTTON: "PRESS",
    Kind.SWITCH: f'{{"state": "ON", "on_time": {SECONDS}}}',
}


@dataclass(frozen=True, kw_only=True, slots=True)
class MqttDoorSettings:
    """A broker, the topics of one door on it, and what is said on them.

    `node` names this door's connection on the broker, and its retained status at `postern/<node>/status`.
    `payload`: what releases the door, None for the kind's default; `{seconds}` in it becomes the duration.
    `relocks_itself`: vouches that the device ends what an UNLOCK or ON without a duration began.
    `…_field`: the name of the value where a topic carries a JSON object, as Zigbee2MQTT's do.
    `announce`: publish the door under `homeassistant/…`, for devices that do not do it themselves.
    """

    host: str
    node: str
    command_topic: str
    port: int = 1883
    kind: Kind = Kind.LOCK
    payload: str | None = None
    relocks_itself: bool = False
    state_topic: str | None = None
    state_field: str | None = None
    states_released: tuple[str, ...] = ("UNLOCKED", "OPEN", "ON")
    availability_topic: str | None = None
    availability_field: str | None = None
    payload_available: str = "online"
    contact_topic: str | None = None
    contact_field: str | None = None
    contact_open: str = "ON"
    contact_closed: str = "OFF"
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    tls: bool = False
    ca: Path | None = None
    announce: bool = False
    name: str = "Door"
    timeout: float = 3.0

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", self.node):
            raise BadInput("a door's node on MQTT is named with up to 64 letters, digits, - and _")
        topics = (self.command_topic, *self.listened)
        if any(not topic or "#" in topic or "+" in topic for topic in topics):
            raise BadInput("an MQTT topic of a door is one topic, without # or +")
        if self.release_payload.replace(" ", "").upper() in _ENDLESS and not self.relocks_itself:
            raise BadInput(
                f"{self.release_payload!r} would leave the door released for good; use a payload with "
                f"{SECONDS}, or say that the device relocks itself"
            )

    @property
    def release_payload(self) -> str:
        """The command before the duration is put in."""
        return DEFAULT_COMMANDS[self.kind] if self.payload is None else self.payload

    @property
    def status_topic(self) -> str:
        """Where this door's connection says whether it is there (its last will is `offline`)."""
        return f"postern/{self.node}/status"

    @property
    def listened(self) -> tuple[str, ...]:
        """The device's topics, each once; what is needed to release comes last."""
        topics = (self.contact_topic, self.state_topic, self.availability_topic)
        return tuple(dict.fromkeys(topic for topic in topics if topic is not None))

    def command(self, seconds: float) -> str:
        """The command that releases the door for `seconds`."""
        return self.release_payload.replace(SECONDS, f"{seconds:g}")

    def contact_of(self, told: str) -> Contact:
        """The contact that the device told; anything but the two agreed words is unknown."""
        if told == self.contact_open:
            return Contact.OPEN
        return Contact.CLOSED if told == self.contact_closed else Contact.UNKNOWN


def field_of(text: str, name: str | None) -> str | None:
    """`text`, or the value `name` of the JSON object in it as text; None when the object lacks it."""
    if name is None:
        return text
    try:
        fields = json.loads(text)
    except ValueError:
        return None
    if not isinstance(fields, dict) or fields.get(name) is None:
        return None
    told = fields[name]
    return told if isinstance(told, str) else json.dumps(told)
