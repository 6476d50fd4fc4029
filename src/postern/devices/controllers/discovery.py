"""What Home Assistant's MQTT discovery wants to be told of a door, where a device does not tell it itself.

Source: Home Assistant's documentation of MQTT discovery, MQTT lock, button, switch and binary sensor.
"""

from __future__ import annotations

import json
from dataclasses import dataclass

from postern.devices.controllers.mqtt_settings import SECONDS, Kind, MqttDoorSettings


@dataclass(frozen=True, kw_only=True, slots=True)
class Announcement:
    """A retained message that describes one entity."""

    topic: str
    payload: str


def announcements(settings: MqttDoorSettings) -> list[Announcement]:
    """The door's actuator, and its contact where there is one, as entities of one device.

    A switch whose command carries a duration is left out: Home Assistant could only switch it on for good.
    """
    told = []
    if SECONDS not in settings.release_payload:
        told.append(_announcement(settings, settings.kind.value, _actuator(settings)))
    if settings.contact_topic is not None:
        told.append(_announcement(settings, "binary_sensor", _contact(settings, settings.contact_topic)))
    return told


def _announcement(settings: MqttDoorSettings, component: str, own: dict[str, object]) -> Announcement:
    config: dict[str, object] = {
        "name": None if component != "binary_sensor" else "Contact",
        "unique_id": f"{settings.node}_{component}",
        "qos": 1,
        "device": {"identifiers": [settings.node], "name": settings.name},
        "origin": {"name": "Postern"},
        **own,
    }
    if settings.availability_topic is not None:
        config["availability_topic"] = settings.availability_topic
        config["payload_available"] = settings.payload_available
        if settings.availability_field is not None:
            config["availability_template"] = _template(settings.availability_field)
    topic = f"homeassistant/{component}/{settings.node}/config"
    return Announcement(topic=topic, payload=json.dumps(config))


def _actuator(settings: MqttDoorSettings) -> dict[str, object]:
    words: dict[Kind, dict[str, object]] = {
        Kind.LOCK: {"payload_open": settings.release_payload},
        Kind.BUTTON: {"payload_press": settings.release_payload},
        Kind.SWITCH: {"payload_on": settings.release_payload},
    }
    own: dict[str, object] = {
        "command_topic": settings.command_topic,
        "retain": False,
        **words[settings.kind],
    }
    if settings.state_topic is not None and settings.kind is not Kind.BUTTON:
        own["state_topic"] = settings.state_topic
        if settings.state_field is not None:
            own["value_template"] = _template(settings.state_field)
    return own


def _contact(settings: MqttDoorSettings, topic: str) -> dict[str, object]:
    own: dict[str, object] = {
        "state_topic": topic,
        "device_class": "door",
        "payload_on": settings.contact_open,
        "payload_off": settings.contact_closed,
    }
    if settings.contact_field is not None:
        own["value_template"] = _template(settings.contact_field)
    return own


def _template(name: str) -> str:
    return "{{ value_json." + name + " }}"
