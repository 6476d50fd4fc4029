"""Settings: the certificate, and the operators."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError
from postern.ids import OperatorId, SiteId
from postern.operations.insiders import budget
from postern.operations.operators import operators as operator_operations
from postern.operations.operators import who_they_are
from postern.operations.people import employments
from postern.operations.sites import places as site_operations
from postern.operators.model import Role
from postern.operators.roles import Duty, require
from postern.web.console.holders import zone_for
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for
from postern.web.ports import ConsolePorts

router = APIRouter()


def _ports(request: Request) -> ConsolePorts:
    ports: ConsolePorts = request.app.state.ports
    return ports


@router.get("/settings")
async def settings(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """The certificate, and how to have another one."""
    require(caller.actor, Duty.CHANGE_SITES)
    certificate = _ports(request).certificate()
    return page(request, "settings/settings.html", certificate=certificate, zone=await zone_for(hub, caller))


@router.get("/settings/root.crt")
async def root(request: Request, caller: SignedIn) -> Response:
    """The local authority's root, to be installed on devices. It is no secret, yet only operators need it."""
    del caller
    certificate = _ports(request).certificate()
    if certificate is None or certificate.root is None:
        raise NotFound("this console's certificate is not from the local authority")
    return Response(
        certificate.root,
        media_type="application/x-x509-ca-cert",
        headers={"Content-Disposition": 'attachment; filename="postern-root.crt"'},
    )


@router.get("/operators")
async def operators(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Who may sign in."""
    return await _operators(request, hub, caller, EMPTY)


@router.post("/operators")
async def invite(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """A new operator with a one-time link, shown once."""
    name = fields.needed("login_name")
    role = fields.parsed("role", Role, "form.not-in-list")
    if role is None:
        fields.errors.setdefault("role", "form.needed")
    if fields.errors or role is None:
        return await _operators(request, hub, caller, fields.result())
    try:
        link = await operator_operations.add_operator(hub, caller.actor, login_name=name, role=role)
    except PosternError as fault:
        return await _operators(request, hub, caller, fields.result(fault))
    return await _operators(request, hub, caller, EMPTY, link=link)


@router.post("/operators/{id}/link")
async def renew(request: Request, hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """A new link for somebody who lost what they sign in with; their logins end."""
    link = await operator_operations.renew_link(hub, caller.actor, OperatorId(id))
    return await _operators(request, hub, caller, EMPTY, link=link)


@router.post("/operators/{id}/disable")
async def disable(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """Let an operator sign in no more."""
    everyone = await operator_operations.operators(hub, caller.actor)
    found = next((one for one in everyone if one.id == id), None)
    if found is None:
        raise NotFound("there is no such operator")
    await operator_operations.change_operator(hub, caller.actor, replace(found, disabled=True))
    return go("/operators", "saved")


@router.post("/operators/{id}/desk")
async def set_desk(hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Say which sites' live walls are an operator's own desk."""
    chosen = [SiteId(int(one)) for one in fields.chosen.get("site", ()) if one.isdecimal()]
    await budget.set_desk(hub, caller.actor, OperatorId(id), chosen)
    return go("/operators", "saved")


@router.post("/operators/{id}/person")
async def set_person(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Say who in the registry an operator is, by employee number."""
    number = fields.text("person")
    try:
        person = await employments.person_by(hub, caller.actor, number) if number else None
        await who_they_are.link_person(hub, caller.actor, OperatorId(id), person)
    except NotFound:
        raise
    except PosternError as fault:
        return await _operators(request, hub, caller, Form(fault=fault))
    return go("/operators", "saved")


async def _operators(request: Request, hub: Hub, caller: Caller, form: Form, link: str = "") -> Response:
    t = words_for(request)
    return page(
        request,
        "settings/operators.html",
        status=422 if form.wrong else 200,
        operators=await operator_operations.operators(hub, caller.actor),
        sites=await site_operations.sites(hub, caller.actor),
        linked=await who_they_are.linked_people(hub, caller.actor),
        desks=await budget.desks(hub, caller.actor),
        roles=[(one.value, t(f"role.{one.value}")) for one in Role],
        form=form,
        link=link,
    )
