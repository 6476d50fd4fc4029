"""Seats at the console: a role that asks every address, and another organisation's ids to ask with."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI

from postern.clock import SetClock
from postern.ids import OperatorId, PersonId, TenantId, new_id
from postern.operations import demo as invented
from postern.operations.insiders.alarms import raise_alarm
from postern.operations.insiders.approvals import Asked, Kind, ask
from postern.operations.operators import api_keys
from postern.operations.operators.api_keys import NewKey
from postern.operations.operators.sign_in import start_login
from postern.operations.people import employments, teams
from postern.operations.services import Services
from postern.operations.sites import places as sites
from postern.operators import store
from postern.operators.concerns import Concern
from postern.operators.model import Actor, Operator, Role
from postern.operators.roles import DUTIES, TABLE, Duty, Endpoint
from postern.people.employment import Terms
from postern.prove.drawn import NOON
from postern.prove.parked import Parked, parked
from postern.prove.visited import visited
from postern.web.login import FORM_KEY_HEADER, form_key_of

HOME = "https://postern.example.org"
SAME_ORIGIN = {"Sec-Fetch-Site": "same-origin"}
GUARDED = sorted(
    (
        endpoint
        for endpoint, need in TABLE.needs.items()
        if isinstance(need, Duty) and endpoint.method != "WEBSOCKET"  # test_web_kiosk speaks that
    ),
    key=lambda endpoint: (endpoint.path, endpoint.method),
)
STREAMS = {"/wall/stream/{site}", "/garage/cases/stream"}
ANY = {"key": "1-20260304-1-1", "kind": "doors", "agent": "1", "site": "1"}


@dataclass(frozen=True, kw_only=True)
class Seat:
    """A signed-in operator's browser."""

    client: httpx.AsyncClient
    form_key: str

    async def ask(self, endpoint: Endpoint, ids: Mapping[str, str]) -> httpx.Response:
        path = re.sub(r"\{(\w+)\}", lambda found: ids.get(found[1], str(uuid4())), endpoint.path)
        path += "?purpose=an+attack" if "evidence" in path else ""
        path += DAYS if path.endswith(("/ledger.csv", "/takings", "/hours")) else ""
        headers = {**SAME_ORIGIN, FORM_KEY_HEADER: self.form_key}
        if endpoint.path.startswith("/api/") and endpoint.method in ("POST", "PUT"):
            body = body_of(endpoint)
            return await self.client.request(endpoint.method, path, headers=headers, **body)
        if endpoint.method == "POST":
            return await self.client.post(path, data=FORM, headers=headers)
        return await self.client.request(endpoint.method, path, headers=headers)


SIGN_IN = {"/sign-in", "/me/sign-in"}
DAYS = "?first=2026-03-03&last=2026-03-04"
FORM = {
    "form_key": "",
    "name": "Drawn",
    "plate": "DRAWN 1",
    "version": "1",
    "kind": "leaf",
    "reason": "an attack",
    "agreed": "on",
    "value": "0410A1B2FF",
    "level": str(uuid4()),
    "site": "2",
    "door": str(uuid4()),
    "time_zone": "Europe/Berlin",
    "access_point": str(uuid4()),
    "reader": str(uuid4()),
    "way": "card",
    "source": "/dev/null",
    "release_seconds": "5",
    "held_open_seconds": "30",
    "controller": "simulated",
    "login_name": "drawn",
    "role": "auditor",
    "resolution": "dismiss",
    "why": "plate-clear",
    "holder": "Drawn",
    "plates": "DRAWN 1",
    "bays": "1",
    "currency": "EUR",
    "act": "cancel",
    "days": "90",
    "picture_days": "30",
    "start": "2026-03-04T13:00",
    "end": "2026-03-04T15:00",
}
PHOTO = {"files": {"photos": ("one.jpg", b"pic\x10\x20\x30"), "picture": ("one.jpg", b"pic\x10\x20\x30")}}
_ANY_BODY = {
    "done": False,
    "answer": "an attack",
    "name": "Drawn",
    "plate": "DRAWN 1",
    "time_zone": "Europe/Berlin",
    "version": 1,
    "reason": "an attack",
    "form": "signed-paper",
    "wording": "drawn",
    "kind": "card",
    "number": "0410A1B2FF",
    "access_points": [],
    "weekly": [],
    "special_days": [],
    "purpose": "an attack",
    "case": "C-0",
    "subject": str(uuid4()),
    "sites": [2],
    "first": "2026-03-03",
    "last": "2026-03-04",
    "recipient": "Nobody",
    "recipient_key": "age1uceh3fyxts64ffxy9qem6qrlh9ez7e0n6h9edkkykhf6c0qqr3dq5pljvn",
    "people": [str(uuid4())],
    "approved": True,
    "finding": "an attack",
    "operator": str(uuid4()),
    "scopes": ["see-sites"],
    "last_day": "2026-03-31",
    "card": "04BA170000",
    "amount": "1.00",
    "resolution": "dismiss",
    "access_level": str(uuid4()),
    "at": "2026-03-04T10:00:00Z",
    "direction": "in",
    "day": "2026-03-04",
    "deed": "excuse",
    "approve": True,
    "since": "2026-03-04",
    "roster": str(uuid4()),
    "pay": {"jurisdiction": "de"},
    "out": True,
    "area": str(uuid4()),
}


_PAPERS: dict[str, dict[str, object]] = {
    "retention": {"days": {}, "picture_days": 14},
    "consent-wordings": {"en": "Drawn", "zh": "画"},
    "lawful-requests": {
        "received": "2026-03-04",
        "authority": "Nobody",
        "law": "None",
        "asked": "All of it",
        "answer": "declined",
    },
}


def body_of(endpoint: Endpoint) -> dict[str, Any]:  # noqa: PLR0911 - a table of what each takes
    """A body that the endpoint would take from whoever may."""
    if endpoint.path.endswith("/grants"):
        return {"json": []}
    if "/exports" in endpoint.path:
        return {"json": _ANY_BODY | {"kind": "csv"}}
    if endpoint.path == "/api/v1/operators/{id}/person":
        return {"json": {"person": str(uuid4())}}
    if endpoint.path.endswith("/points"):
        return {"json": []}
    if endpoint.path.endswith("/rosters/{id}"):
        return {"json": {"name": "Drawn", "roster": {}}}
    if endpoint.path.endswith("/whereabouts"):
        return {"json": _ANY_BODY | {"area": str(uuid4())}}
    if "/visits" in endpoint.path:
        span = {"start": "2026-03-04T13:00:00+00:00", "end": "2026-03-04T15:00:00+00:00"}
        return {"json": _ANY_BODY | span | {"site": 2}}
    if endpoint.path.endswith("/photos"):
        return dict(PHOTO)
    if endpoint.path.endswith("/imports"):
        return {"files": {"file": ("people.csv", b"name\nDrawn\n")}, "data": {"kind": "people"}}
    if endpoint.path.endswith("/erasures"):
        return {"json": {"kind": "person", "subject": str(uuid4()), "reason": "an attack"}}
    if endpoint.path.endswith("/try"):
        return PHOTO | {"data": {"site": "2", "access_point": str(uuid4())}}
    return {"json": _ANY_BODY | _PAPERS.get(endpoint.path.rpartition("/")[2], {})}


@asynccontextmanager
async def seat(
    app: FastAPI, hub: Services, tenant: TenantId, role: Role, *, name: str | None = None
) -> AsyncIterator[Seat]:
    """Somebody of that role who is signed in."""
    operator = Operator(
        id=OperatorId(new_id()), tenant=tenant, login_name=name or f"{role.value}.{tenant}", role=role
    )
    async with hub.database.transaction(tenant) as tx:
        await store.add(tx, hub.keyring, operator)
        signed = await start_login(hub, tx, operator, detail="drawn")
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    cookies = {"__Host-postern": signed.secret}
    async with httpx.AsyncClient(transport=transport, base_url=HOME, cookies=cookies) as client:
        yield Seat(client=client, form_key=form_key_of(signed.secret))


def may(role: Role, endpoint: Endpoint) -> bool:
    return TABLE.needs[endpoint] in DUTIES[role]


async def _an_operator_with_an_alarm(hub: Services, tenant: TenantId) -> tuple[Operator, object]:
    nina = Operator(id=OperatorId(new_id()), tenant=tenant, login_name="nina", role=Role.ADMINISTRATOR)
    async with hub.database.transaction(tenant) as tx:
        await store.add(tx, hub.keyring, nina)
        await raise_alarm(hub, tx, tenant, Concern.AT_NIGHT, about="nina", principal="nina")
        cursor = await tx.execute("SELECT id FROM insider_alarm")
        ((alarm,),) = await cursor.fetchall()
    return nina, alarm


async def neighbours(hub: Services, clock: SetClock, folder: Path) -> dict[str, str]:
    """Ids of another organisation's things, as they would stand in an address; a garage is one of them."""
    tenant = (await sites.create_tenant(hub, "Neighbours")).id
    actor = Actor(tenant=tenant, name="job:demo", role=Role.ADMINISTRATOR)
    site = await sites.create_site(hub, actor, name="Next door", time_zone="Europe/Berlin")
    staff, always = await invented._places(hub, actor, site)
    await invented._people(hub, actor, site, staff, always)
    await invented._vehicles(hub, actor, staff, always)
    plan = await sites.plan(hub, actor, site.id)
    garage = await parked(hub, actor, clock, folder / "slips")
    async with hub.database.transaction(tenant) as tx:
        person = next(iter(await hub.registry.people.everyone(tx, tenant)))
        vehicle = next(iter(await hub.registry.vehicles.all(tx, tenant)))
        cursor = await tx.execute("SELECT id FROM schedule")
        ((schedule,),) = await cursor.fetchall()
    neighbour, alarm = await _an_operator_with_an_alarm(hub, tenant)
    wanted = NewKey(operator=neighbour.id, name="theirs", scopes=(Duty.SEE_SITES,), last_day=NOON.date())
    key = await api_keys.make_key(hub, actor, wanted)
    visit = await visited(hub, actor, site.id, name="Vera Nachbar")
    team = await teams.add_team(hub, actor, name="Roof")
    contractor = await teams.add_contractor(hub, actor, name="Nord Bau")
    employed = await employments.add_employment(
        hub, actor, person=PersonId(person), version=0, terms=Terms(first=NOON.date(), team=team.id)
    )
    asked = await ask(hub, actor, Asked(kind=Kind.SEARCH, exactly=b"", words=""), purpose="why", case="C-1")
    return _of_the_garage(garage) | {
        "operators": str(neighbour.id),
        "profile": str(uuid4()),
        "insider-alarms": str(alarm),
        "privacy": str(alarm),
        "api-keys": str(key.id),
        "approvals": str(asked.id),
        "site": str(site.id),
        "people": str(person),
        "vehicles": str(vehicle),
        "visits": str(visit.visit.id),
        "teams": str(team.id),
        "contractors": str(contractor.id),
        "hours": str(person),
        "employment": str(employed.every[0].id),
        "access-levels": str(staff),
        "schedules": str(schedule),
        "door": str(plan.doors[0].id),
        "doors": str(plan.doors[0].id),
        "readers": str(plan.readers[0].id),
        "kind": "doors",
        "agent": "1",
        "key": f"{site.id}-20260304-1-1",
        "tenant": str(tenant),
        "month": "2026-03-04",
        "number": "1",
    }


def _of_the_garage(garage: Parked) -> dict[str, str]:
    return {
        "garage-site": str(garage.driven.site),
        "cases": str(garage.case),
        "case": str(garage.case),
        "sessions": str(garage.session),
        "session": str(garage.session),
        "calls": str(garage.kiosk),
        "kiosks": str(garage.kiosk),
        "permits": str(garage.permit),
        "merchants": str(garage.merchant),
        "code": garage.slip,
        "reference": garage.reference,
    }


def ids_for(endpoint: Endpoint, known: Mapping[str, str]) -> dict[str, str]:
    """What `{id}` means depends on the slice that the address is of."""
    parts = endpoint.path.removeprefix("/api/v1").strip("/").split("/")
    if parts[0] in ("garage", "garages"):
        own = next((known[part] for part in parts[1:] if part in GARAGES), str(uuid4()))
        return {**known, "id": own, "site": known["garage-site"]}
    kind = "readers" if parts[0] == "sites" and "readers" in parts else parts[0]
    own = known.get("doors" if kind == "sites" else kind, str(uuid4()))
    return {**known, "id": own}


GARAGES = ("cases", "sessions", "calls", "kiosks", "permits", "merchants")
"""Parts of a garage's addresses that say what `{id}` is."""
LOOKS_NOTHING_UP = {"/wall/evidence/{key}"}  # a frame for the picture, whose own address does
TAKES_AN_ID = [
    endpoint
    for endpoint in GUARDED
    if re.search(r"\{(id|site|key|reference)\}", endpoint.path) and endpoint.path not in LOOKS_NOTHING_UP
]


async def rows_of(hub: Services, tenant: TenantId) -> dict[str, set[str]]:
    """What the tenant has in the tables that an operator changes."""
    tables: tuple[str, ...] = (
        "person",
        "vehicle",
        "holding",
        "visit",
        "consent",
        "access_level",
        "schedule",
        "site",
        "door",
        "reader",
    )
    tables += ("operator", "operator_desk", "insider_alarm", "api_key", "approval", "kiosk")
    tables += ("parking_garage", "parking_tariff", "parking_permit", "parking_merchant", "parking_notice")
    tables += ("ledger", "parking_receipt", "payment_attempt", "payment_link", "projection", "hub_recorder")
    tables += ("visit_letter", "visit_reference", "visit_rules", "visit_terms")
    async with hub.database.transaction(tenant) as tx:
        return {
            table: {repr(row) for row in await (await tx.execute(f"SELECT * FROM {table}")).fetchall()}  # noqa: S608 - the names above
            for table in tables
        }
