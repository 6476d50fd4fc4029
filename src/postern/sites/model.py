"""Tenant, Site, Area, Door, AccessPoint, Reader: where things are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from postern.errors import BadInput
from postern.ids import AccessPointId, AreaId, DoorId, ReaderId, SiteId, TenantId


@dataclass(frozen=True, kw_only=True, slots=True)
class Tenant:
    """One organisation, with its own keys."""

    id: TenantId
    name: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Site:
    """One physical place run as a unit. `country` (ISO 3166-1 alpha-2) helps to read plates."""

    id: SiteId
    tenant: TenantId
    name: str
    time_zone: str
    country: str | None = None
    version: int = 1

    def __post_init__(self) -> None:
        zone_of(self.time_zone)


def zone_of(name: str) -> ZoneInfo:
    """The time zone of that IANA name. Raises BadInput on an unknown one."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise BadInput(f"{name!r} is no time zone; give an IANA name such as Europe/Berlin") from fault


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """Space one may be in. `outside`: whoever is there has left the site."""

    id: AreaId
    site: SiteId
    name: str
    outside: bool = False
    version: int = 1


class DoorKind(StrEnum):
    """What the barrier is."""

    LEAF = "leaf"
    TURNSTILE = "turnstile"
    BOOM = "boom"


class ControllerKind(StrEnum):
    """How the door is driven."""

    SIMULATED = "simulated"
    HTTP_RELAY = "http-relay"
    MQTT = "mqtt"


@dataclass(frozen=True, kw_only=True, slots=True)
class ControllerSettings:
    """How a door's controller is reached. Sealed with the door, since it may carry a password.

    `url`: the relay's address (`http://10.0.0.5`) or the broker's (`mqtts://broker:8883`); `name`: the
    MQTT device name; `channel` and `contact_channel`: relay and input numbers; None: no contact fitted.
    """

    kind: ControllerKind = ControllerKind.SIMULATED
    url: str = ""
    name: str = ""
    login: str = ""
    password: str = ""
    channel: int = 0
    contact_channel: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Door:
    """The barrier itself. Spans are in seconds; `contact_fitted`: passages can be confirmed.

    `free_exit`: a handle opens it from inside without a request, so that no opening is called forced.
    """

    id: DoorId
    site: SiteId
    name: str
    kind: DoorKind = DoorKind.LEAF
    controller: ControllerSettings = ControllerSettings()
    release_seconds: float = 5.0
    held_open_seconds: float = 30.0
    contact_fitted: bool = True
    free_exit: bool = False
    version: int = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessPoint:
    """One direction through a door. `way_out`: it leads towards the outside and always opens."""

    id: AccessPointId
    site: SiteId
    door: DoorId
    name: str
    from_area: AreaId
    to_area: AreaId
    way_out: bool = False
    version: int = 1


class ReaderKind(StrEnum):
    """What a reader presents."""

    FACE_CAMERA = "face-camera"
    PLATE_CAMERA = "plate-camera"
    CARD_READER = "card-reader"
    KEYPAD = "keypad"
    QR_READER = "qr-reader"


@dataclass(frozen=True, kw_only=True, slots=True)
class Reader:
    """Whatever presents credentials at an access point; `source` is a camera's URL or a file's path.

    Sealed, since a camera's URL often carries its password.
    """

    id: ReaderId
    site: SiteId
    access_point: AccessPointId
    name: str
    kind: ReaderKind
    source: str = ""
    enabled: bool = True
    version: int = 1
