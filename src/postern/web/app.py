"""The console and the API as one application, handed everything it needs."""

from __future__ import annotations

from fastapi import Depends, FastAPI
from starlette.staticfiles import StaticFiles

from postern.operations.services import Services
from postern.settings import Settings
from postern.web import endpoints, plain_text, problems
from postern.web.api import agent_erasures, v1
from postern.web.api import agents as agent_wire
from postern.web.api import journal as journal_checkpoints
from postern.web.console import (
    agents,
    alarms,
    approvals,
    breach,
    doors,
    employments,
    garage,
    garage_cases,
    garage_desk,
    garage_money,
    garage_permits,
    garage_setup,
    garage_simulator,
    garage_tariffs,
    general,
    hours,
    hours_periods,
    hours_person,
    hours_rosters,
    hours_rules,
    hours_setup,
    imports,
    keys,
    kiosk,
    kiosk_aboard,
    kiosk_ticket,
    kiosk_visit,
    kiosks,
    levels,
    lockdown,
    muster,
    occupancy,
    people,
    person_acts,
    privacy,
    privacy_requests,
    privacy_retention,
    privacy_rules,
    privacy_texts,
    profile,
    provider,
    roles,
    schedules,
    search,
    settings,
    sign_ins,
    signing,
    sites,
    teams,
    trust,
    try_picture,
    vehicles,
    visits,
    wall,
)
from postern.web.head import HeadAsGet
from postern.web.heard import Heard
from postern.web.last_resort import LastResort
from postern.web.limits import BodyLimit
from postern.web.login import closed_afterwards, signed_in
from postern.web.own import held as own_held
from postern.web.own import home as own_home
from postern.web.own import hours as own_hours
from postern.web.own import signing as own_signing
from postern.web.own.login import signed_in_member
from postern.web.pages import ASSETS
from postern.web.ports import ConsolePorts
from postern.web.security import OriginCheck, SecurityHeaders

PRIVATE = (
    general.private,
    signing.private,
    wall.router,
    muster.router,
    occupancy.router,
    lockdown.router,
    trust.router,
    approvals.router,
    privacy.router,
    breach.router,
    privacy_requests.router,
    privacy_retention.router,
    privacy_rules.router,
    privacy_texts.router,
    alarms.router,
    doors.router,
    people.router,
    person_acts.router,
    employments.router,
    teams.router,
    hours.router,
    hours_periods.router,
    hours_rosters.router,
    hours_setup.router,
    hours_rules.router,
    hours_person.router,
    imports.router,
    vehicles.router,
    visits.router,
    levels.router,
    schedules.router,
    sites.router,
    agents.router,
    try_picture.router,
    search.router,
    roles.router,
    garage_cases.router,
    garage_desk.router,
    garage_money.router,
    garage_setup.router,
    garage_tariffs.router,
    garage_simulator.router,
    garage_permits.router,
    garage.router,
    kiosks.router,
    keys.router,
    settings.router,
    profile.router,
    provider.private,
    sign_ins.router,
)
OWN = (own_signing.router, own_home.router, own_held.router, own_hours.router)
"""Pages of people about themselves: they take a member's cookie, and no operator's."""
NO_PORTS = ConsolePorts()


def create_app(services: Services, settings_: Settings, ports: ConsolePorts = NO_PORTS) -> FastAPI:
    """The application. Whatever is not listed as public here needs a login, or an agent's signature."""
    everywhere = [Depends(endpoints.listed), Depends(plain_text.checked)]
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None, dependencies=everywhere)
    app.state.services = services
    app.state.settings = settings_
    app.state.ports = ports
    app.state.heard = Heard()
    by_kiosk = (kiosk.router, kiosk_aboard.router, kiosk_ticket.router, kiosk_visit.router)
    for router in (general.public, signing.public, provider.public, *by_kiosk, own_signing.public):
        app.include_router(router, dependencies=[Depends(closed_afterwards)], include_in_schema=False)
    app.include_router(agent_wire.router)
    app.include_router(agent_erasures.router)
    app.include_router(journal_checkpoints.router)
    private = [Depends(closed_afterwards), Depends(signed_in)]
    for router in PRIVATE:
        app.include_router(router, dependencies=private, include_in_schema=False)
    for router in OWN:
        own = [Depends(closed_afterwards), Depends(signed_in_member)]
        app.include_router(router, dependencies=own, include_in_schema=False)
    app.include_router(kiosk.sockets)
    app.include_router(kiosks.sockets)
    app.include_router(v1.router, dependencies=private)
    app.mount("/assets", StaticFiles(directory=ASSETS), name="assets")
    endpoints.install(app)
    problems.install(app)
    app.add_middleware(LastResort, answer=problems.unforeseen)
    app.add_middleware(HeadAsGet)
    app.add_middleware(OriginCheck)
    app.add_middleware(BodyLimit)
    app.add_middleware(SecurityHeaders)
    return app
