"""Requests: of people about themselves, to be answered; and of authorities, to be written down."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import BadInput, Conflict, NotFound
from postern.operations.privacy import lawful_requests, own_requests
from postern.operations.privacy.lawful_requests import Told
from postern.privacy.lawful import LawfulAnswer
from postern.web.console.holders import zone_for
from postern.web.forms import EMPTY, Form, FormReader
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/privacy/requests")


@dataclass(frozen=True, kw_only=True, slots=True)
class Forms:
    """The page's forms as they came back."""

    own: Form = EMPTY
    lawful: Form = EMPTY

    @property
    def wrong(self) -> bool:
        """Whether any has an error."""
        return self.own.wrong or self.lawful.wrong


NO_FORMS = Forms()


@router.get("")
async def shown(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """What waits, and the register."""
    return await _page(request, hub, caller, NO_FORMS)


async def _page(request: Request, hub: Hub, caller: Caller, forms: Forms) -> Response:
    t = words_for(request)
    waiting = await own_requests.waiting(hub, caller.actor) if caller.may("keep-privacy") else ()
    return page(
        request,
        "trust/requests.html",
        status=422 if forms.wrong else 200,
        forms=forms,
        waiting=waiting,
        register=await lawful_requests.register(hub, caller.actor),
        answers=[(one.value, t(f"requests.{one.value}")) for one in LawfulAnswer],
        zone=await zone_for(hub, caller),
    )


@router.post("/lawful")
async def record(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Write an authority's request down."""
    told = _told(fields)
    if told is None:
        return await _page(request, hub, caller, Forms(lawful=fields.result()))
    try:
        await lawful_requests.record(hub, caller.actor, told)
    except (BadInput, NotFound) as fault:
        return await _page(request, hub, caller, Forms(lawful=fields.result(fault)))
    return go("/privacy/requests", "lawful-recorded")


def _told(fields: FormReader) -> Told | None:
    received = fields.day("received")
    if received is None:
        fields.needed("received")
    answer = fields.parsed("answer", LawfulAnswer, "form.not-in-list") or LawfulAnswer.DECLINED
    tell_from = fields.day("tell-from")
    texts = {name: fields.needed(name) for name in ("authority", "law", "asked")}
    if fields.errors or received is None:
        return None
    return Told(
        received=received,
        authority=texts["authority"],
        law=texts["law"],
        asked=texts["asked"],
        answer=answer,
        handed=fields.text("handed"),
        numbers=[one.strip() for one in fields.text("numbers").split(",") if one.strip()],
        tell_from=tell_from,
        secrecy=fields.text("secrecy"),
    )


@router.post("/{id}")
async def decide(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Answer what a person asked about themself."""
    try:
        await own_requests.decide(
            hub, caller.actor, id, done=fields.text("decision") == "done", answer=fields.text("answer")
        )
    except (BadInput, Conflict) as fault:
        return await _page(request, hub, caller, Forms(own=fields.result(fault)))
    return go("/privacy/requests", "request-answered")
