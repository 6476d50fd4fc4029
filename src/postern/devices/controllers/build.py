"""From a door's settings to its controller."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, urlsplit, urlunsplit

from postern.access.controller import DoorController
from postern.clock import Clock
from postern.devices.controllers.http_relay import HttpRelay, HttpRelaySettings
from postern.devices.controllers.mqtt import MqttDoor
from postern.devices.controllers.mqtt_settings import Kind, MqttDoorSettings
from postern.devices.controllers.simulated import SimulatedDoor
from postern.errors import BadInput
from postern.sites.model import ControllerKind, ControllerSettings

MQTT_PORTS = {"mqtt": 1883, "mqtts": 8883}


def controller_for(settings: ControllerSettings, *, clock: Clock) -> DoorController:
    """The controller that `settings` describe; nothing is connected yet.

    What a kind has beyond the fields of `ControllerSettings` stands in the address, as `?name=value`
    (`docs/doors.md` lists it). Raises `BadInput` on an address that cannot be meant.
    """
    match settings.kind:
        case ControllerKind.SIMULATED:
            return SimulatedDoor(clock=clock)
        case ControllerKind.HTTP_RELAY:
            return HttpRelay(relay_settings(settings), clock=clock)
        case ControllerKind.MQTT:
            return MqttDoor(mqtt_settings(settings), clock=clock)


def relay_settings(settings: ControllerSettings) -> HttpRelaySettings:
    """A relay's settings. Of the address: `open_when=on|off`, `ca=FILE`."""
    address, more = _split(settings.url, {"open_when", "ca"})
    return HttpRelaySettings(
        url=urlunsplit(address._replace(query="", fragment="")),
        switch=settings.channel,
        input=settings.contact_channel,
        open_when=_is_on(more.get("open_when", "off")),
        password=settings.password or None,
        ca=Path(more["ca"]) if "ca" in more else None,
    )


def mqtt_settings(settings: ControllerSettings) -> MqttDoorSettings:
    """A door on a broker, its topics `<name>/set`, `/state`, `/availability` and `/contact` unless given.

    Of the address: `kind`, `payload`, `relocks`, `announce`, `ca`, the topics `command`, `state`,
    `availability` and `contact` (an empty one: the device has none), `state_field`, `availability_field`,
    `contact_field` for topics that carry JSON, and the words `contact_open`, `contact_closed`, `available`.
    """
    address, more = _split(settings.url, _MQTT_WORDS)
    if address.scheme not in MQTT_PORTS or not address.hostname:
        raise BadInput("a broker's address looks like mqtt://192.168.1.30 or mqtts://broker.example:8883")
    if not settings.name:
        raise BadInput("an MQTT door needs the name of its device")
    if more.get("kind", "lock") not in tuple(Kind):
        raise BadInput(f"an MQTT door's kind is one of {', '.join(Kind)}")
    fitted = "" if settings.contact_channel is None else f"{settings.name}/contact"
    return MqttDoorSettings(
        host=address.hostname,
        port=address.port or MQTT_PORTS[address.scheme],
        tls=address.scheme == "mqtts",
        ca=Path(more["ca"]) if "ca" in more else None,
        login=settings.login or None,
        password=settings.password or None,
        node="postern-" + "".join(one if one.isalnum() and one.isascii() else "-" for one in settings.name),
        name=settings.name,
        kind=Kind(more.get("kind", "lock")),
        payload=more.get("payload"),
        relocks_itself=_is_on(more.get("relocks", "off")),
        announce=_is_on(more.get("announce", "off")),
        command_topic=more.get("command", f"{settings.name}/set"),
        state_topic=more.get("state", f"{settings.name}/state") or None,
        state_field=more.get("state_field"),
        availability_topic=more.get("availability", f"{settings.name}/availability") or None,
        availability_field=more.get("availability_field"),
        payload_available=more.get("available", "online"),
        contact_topic=more.get("contact", fitted) or None,
        contact_field=more.get("contact_field"),
        contact_open=more.get("contact_open", "ON"),
        contact_closed=more.get("contact_closed", "OFF"),
    )


_MQTT_WORDS = {
    *("kind", "payload", "relocks", "announce", "ca", "command", "state", "availability", "contact"),
    *("state_field", "availability_field", "contact_field", "contact_open", "contact_closed", "available"),
}


def _split(url: str, known: set[str]) -> tuple[SplitResult, dict[str, str]]:
    try:
        address = urlsplit(url)
        _ = address.port
        more = dict(parse_qsl(address.query, keep_blank_values=True))
    except ValueError as fault:
        raise BadInput("the controller's address is no address; it looks like http://192.168.1.20") from fault
    if unknown := more.keys() - known:
        raise BadInput(f"a controller's address has no setting {', '.join(sorted(unknown))}")
    return address, more


def _is_on(word: str) -> bool:
    if word.lower() not in ("on", "off"):
        raise BadInput(f"{word!r} is neither on nor off")
    return word.lower() == "on"
