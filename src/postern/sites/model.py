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


MOST_PEOPLE = 100_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Area:
    """Space one may be in. `outside`: whoever is there has left the site. `limit`: for so many people."""

    id: AreaId
    site: SiteId
    name: str
    outside: bool = False
    version: int = 1
    limit: int | None = None

    def __post_init__(self) -> None:
        if self.limit is not None and not 1 <= self.limit <= MOST_PEOPLE:
            raise BadInput(f"an area is for 1 to {MOST_PEOPLE} people; correct the number or leave it empty")


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


class LaneKind(StrEnum):
    """Which way vehicles drive through a garage's lane."""

    ENTRY = "entry"
    EXIT = "exit"


class LaneRule(StrEnum):
    """What the barrier does when it is not clear who stands before it, or what is owed."""

    OPEN_AND_SETTLE = "open-and-settle"
    WAIT = "wait"


SHORTEST_WAIT, LONGEST_WAIT = 5, 60
"""Seconds. Nobody is shut in for longer than that because a question has no answer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Lane:
    """An access point through which a garage's vehicles drive, in or out, whether they are known or not.

    `wait_seconds`: how long the barrier waits at most for an answer, the hub's or an attendant's, and then
    opens with a case. `least_score`: a plate read less surely than that (0 to 1) says nothing for certain.
    """

    kind: LaneKind
    rule: LaneRule = LaneRule.OPEN_AND_SETTLE
    wait_seconds: int = 10
    least_score: float = 0.6

    def __post_init__(self) -> None:
        if not SHORTEST_WAIT <= self.wait_seconds <= LONGEST_WAIT:
            raise BadInput(
                f"a lane waits {SHORTEST_WAIT} to {LONGEST_WAIT} seconds for an answer, "
                f"not {self.wait_seconds}; correct it"
            )
        if not 0 <= self.least_score <= 1:
            raise BadInput(f"a plate's score lies between 0 and 1; {self.least_score:g} can be none")


MOST_ABOARD = 100
"""People in one vehicle; a coach has fewer."""


@dataclass(frozen=True, kw_only=True, slots=True)
class AccessPoint:
    """One direction through a door. `way_out`: it leads towards the outside and always opens.

    With a `lane` it is a garage's: vehicles come in without being registered, and leave when it is settled.
    `asks_aboard`: drivers who came in by it are asked how many are aboard, at most so many.
    """

    id: AccessPointId
    site: SiteId
    door: DoorId
    name: str
    from_area: AreaId
    to_area: AreaId
    way_out: bool = False
    lane: Lane | None = None
    version: int = 1
    asks_aboard: int | None = None

    def __post_init__(self) -> None:
        if self.way_out and self.lane is not None:
            raise BadInput(
                "a way out opens for everybody, so it cannot be a garage's lane too; give the lane an access "
                "point of its own"
            )
        if self.asks_aboard is None:
            return
        if self.leads_out:
            raise BadInput("whoever leaves is not asked how many are aboard; ask at a way in")
        if not 1 <= self.asks_aboard <= MOST_ABOARD:
            raise BadInput(f"1 to {MOST_ABOARD} people are aboard a vehicle; correct the number")

    @property
    def leads_out(self) -> bool:
        """Whether whoever passes leaves."""
        return self.way_out or (self.lane is not None and self.lane.kind is LaneKind.EXIT)


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
