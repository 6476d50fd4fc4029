"""Operators' desks, API keys and bait over the API."""

from __future__ import annotations

from datetime import date, datetime
from uuid import UUID

from fastapi import APIRouter, Response
from pydantic import BaseModel, Field

from postern.ids import AccessLevelId, OperatorId, PersonId, SiteId
from postern.operations.insiders import bait, budget
from postern.operations.operators import api_keys, sign_ins, who_they_are
from postern.operations.operators import operators as operations
from postern.operations.operators.api_keys import KeyLine, NewKey
from postern.operations.operators.sign_ins import History
from postern.operators.roles import Duty
from postern.people.model import PersonDetails
from postern.vehicles.model import VehicleDetails
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["operators"])
NAME = 120


class OperatorOut(BaseModel):
    """An operator. `person`: who in the registry they are, if that was said."""

    id: UUID
    login_name: str
    role: str
    disabled: bool
    person: UUID | None


class SignInOut(BaseModel):
    """An attempt to sign in. `operator` null: nobody has the name that was tried."""

    at: datetime
    operator: str | None
    how: str
    address: str
    browser: str
    succeeded: bool
    open: bool

    @classmethod
    def every(cls, history: History) -> list[SignInOut]:
        """From the operation's."""
        still_open = {one.id for one in history.logins}
        return [
            cls(
                at=one.at,
                operator=history.names.get(one.operator) if one.operator is not None else None,
                how=one.how,
                address=one.came_from.address,
                browser=one.came_from.browser,
                succeeded=one.succeeded,
                open=one.id in still_open,
            )
            for one in history.attempts
        ]


class DeskIn(BaseModel):
    """The sites whose live walls are an operator's own desk."""

    sites: list[int] = Field(max_length=1000)


class WhoIn(BaseModel):
    """Who in the registry an operator is; null: nobody in particular."""

    person: UUID | None


class KeyIn(BaseModel):
    """A key that asks the API for `operator`, within `scopes` (duties), until the end of `last_day`, UTC.

    With `see-hours` or `keep-hours` but not `see-all-hours` it reaches the hours of the people whom the
    operator manages; where they are linked with nobody, it is refused.
    """

    operator: UUID
    name: str = Field(max_length=NAME)
    scopes: list[Duty] = Field(max_length=len(Duty))
    last_day: date

    def key(self) -> NewKey:
        """As the operation wants it."""
        return NewKey(
            operator=OperatorId(self.operator),
            name=self.name,
            scopes=tuple(self.scopes),
            last_day=self.last_day,
        )


class KeyOut(BaseModel):
    """A key, without its secret."""

    id: UUID
    name: str
    operator: str
    scopes: list[str]
    last_day: date
    used_day: date | None
    good: bool

    @classmethod
    def of(cls, one: KeyLine) -> KeyOut:
        """From the operation's."""
        return cls(
            id=one.id,
            name=one.name,
            operator=one.operator,
            scopes=list(one.scopes),
            last_day=one.last_day,
            used_day=one.used_day,
            good=one.good,
        )


class MadeKeyOut(BaseModel):
    """A new key; `secret` is told only now."""

    id: UUID
    secret: str


class BaitPersonIn(BaseModel):
    """Somebody who does not exist, with a card that is refused."""

    name: str = Field(max_length=200)
    employee_number: str | None = None
    card: str = Field(max_length=100)
    access_level: UUID


class BaitVehicleIn(BaseModel):
    """A vehicle that does not exist."""

    plate: str = Field(max_length=30)
    country: str | None = None
    description: str = Field(default="", max_length=200)
    access_level: UUID


class Planted(BaseModel):
    """What was planted."""

    id: UUID


@router.get("/operators")
async def listed(hub: Hub, caller: SignedIn) -> list[OperatorOut]:
    """Everyone who may sign in."""
    linked = await who_they_are.linked_people(hub, caller.actor)
    return [
        OperatorOut(
            id=one.id,
            login_name=one.login_name,
            role=one.role.value,
            disabled=one.disabled,
            person=linked[one.id].id if one.id in linked else None,
        )
        for one in await operations.operators(hub, caller.actor)
    ]


@router.get("/sign-ins/own")
async def own_sign_ins(hub: Hub, caller: SignedIn) -> list[SignInOut]:
    """One's own attempts to sign in of the last 90 days, the latest first."""
    return SignInOut.every(await sign_ins.own_history(hub, caller.actor))


@router.get("/sign-ins")
async def every_sign_in(hub: Hub, caller: SignedIn) -> list[SignInOut]:
    """Every operator's. Journalled."""
    return SignInOut.every(await sign_ins.history(hub, caller.actor))


@router.put("/operators/{id}/desk", status_code=204)
async def set_desk(hub: Hub, caller: SignedIn, id: UUID, wanted: DeskIn) -> Response:
    """Say which sites' live walls are an operator's own desk, where looking is not counted."""
    await budget.set_desk(hub, caller.actor, OperatorId(id), [SiteId(one) for one in wanted.sites])
    return Response(status_code=204)


@router.put("/operators/{id}/person", status_code=204)
async def link_person(hub: Hub, caller: SignedIn, id: UUID, wanted: WhoIn) -> Response:
    """Say who in the registry an operator is: managers see the hours of their own people by it."""
    person = None if wanted.person is None else PersonId(wanted.person)
    await who_they_are.link_person(hub, caller.actor, OperatorId(id), person)
    return Response(status_code=204)


@router.get("/api-keys")
async def keys(hub: Hub, caller: SignedIn) -> list[KeyOut]:
    """The organisation's keys, ended ones too."""
    return [KeyOut.of(one) for one in await api_keys.keys(hub, caller.actor)]


@router.post("/api-keys", status_code=201)
async def make_key(hub: Hub, caller: SignedIn, wanted: KeyIn) -> MadeKeyOut:
    """A new key, told once."""
    made = await api_keys.make_key(hub, caller.actor, wanted.key())
    return MadeKeyOut(id=made.id, secret=made.secret)


@router.post("/api-keys/{id}/end", status_code=204)
async def end_key(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """End a key at once."""
    await api_keys.end_key(hub, caller.actor, id)
    return Response(status_code=204)


@router.post("/bait/people", status_code=201)
async def plant_person(hub: Hub, caller: SignedIn, wanted: BaitPersonIn) -> Planted:
    """Plant a person."""
    details = PersonDetails(name=wanted.name, employee_number=wanted.employee_number)
    level = AccessLevelId(wanted.access_level)
    made = await bait.plant_person(hub, caller.actor, details, card=wanted.card, level=level)
    return Planted(id=made.id)


@router.post("/bait/vehicles", status_code=201)
async def plant_vehicle(hub: Hub, caller: SignedIn, wanted: BaitVehicleIn) -> Planted:
    """Plant a vehicle."""
    details = VehicleDetails(plate=wanted.plate, country=wanted.country, description=wanted.description)
    made = await bait.plant_vehicle(hub, caller.actor, details, level=AccessLevelId(wanted.access_level))
    return Planted(id=made.id)


@router.post("/bait/api-keys", status_code=201)
async def plant_key(hub: Hub, caller: SignedIn, wanted: KeyIn) -> MadeKeyOut:
    """Plant a key; leave it where a thief would find it."""
    made = await api_keys.plant_key(hub, caller.actor, wanted.key())
    return MadeKeyOut(id=made.id, secret=made.secret)
