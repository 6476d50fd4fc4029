"""The visitor's way on a phone: details, terms to sign, the QR code, what is held; and the host's answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from starlette.datastructures import UploadFile
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from postern.errors import BadInput, Conflict, NotFound, TooMany, Unavailable
from postern.operations.public import counter_wire as wire
from postern.web.pages import words_for
from postern.web.public.pay import counter_of
from postern.web.public.shell import client_of, page
from postern.web.qr import qr_picture

_LONGEST_NAME = 200
_GONE = {"not-found": "visit.gone", "too-many": "visit.too-many"}
_FACE_FAULTS = {
    "bad-input": "visit.face-sign",
    "conflict": "visit.face-changed",
    "photo": "visit.face-no-photo",
}
_FAULTS = {"bad-input": "visit.sign-name", "conflict": "visit.terms-changed"}
Handler = Callable[[Request], Awaitable[Response]]


def answered(handler: Handler) -> Handler:
    """A link that is not good, asked for too often, or a hub that is away, in the visitor's words."""

    async def guarded(request: Request) -> Response:
        try:
            return await handler(request)
        except (NotFound, TooMany, Unavailable) as fault:
            words = words_for(request)(_GONE.get(fault.code, "visit.later"))
            return page(request, "public/visit_gone.html", status=fault.status, words=words)

    return guarded


async def invitation(request: Request) -> Response:
    """GET /visit/…: the visitor's page."""
    return _invitation_page(request, await _ask(request))


async def sign(request: Request) -> Response:
    """POST /visit/…: the terms are signed."""
    form = await request.form()
    number = str(form.get("number", ""))
    asked = wire.SignTerms(
        link=_link(request),
        client=client_of(request),
        number=int(number) if number.isascii() and number.isdigit() and len(number) < 9 else 0,
        language="zh" if str(form.get("language", "")) == "zh" else "en",
        name=str(form.get("name", ""))[: _LONGEST_NAME + 1] if form.get("agreed") else "",
    )
    try:
        await counter_of(request).ask("sign", asked, wire.InvitationView)
    except (BadInput, Conflict) as fault:
        words = words_for(request)(_FAULTS.get(fault.code, "visit.later"))
        return _invitation_page(request, await _ask(request), fault=words)
    return RedirectResponse(f"/visit/{_link(request)}", 303)


async def face(request: Request) -> Response:
    """POST /visit/…/face: consent and a photo. The link is asked for before the photo is read."""
    view = await _ask(request)
    async with request.form(max_files=1, max_fields=20) as form:
        photo = form.get("photo")
        asked = wire.GiveFace(
            link=_link(request),
            client=client_of(request),
            wording=str(form.get("wording", ""))[:_LONGEST_NAME],
            language="zh" if str(form.get("language", "")) == "zh" else "en",
            name=str(form.get("name", ""))[: _LONGEST_NAME + 1] if form.get("agreed") else "",
            photo=await photo.read() if isinstance(photo, UploadFile) else b"",
            minor=bool(form.get("minor")),
            movements=bool(form.get("movements")),
            guardian=str(form.get("guardian", ""))[: _LONGEST_NAME + 1],
        )
    try:
        answer = await counter_of(request).ask("face", asked, wire.FaceAnswer)
    except (TooMany, Unavailable) as fault:
        later = words_for(request)("visit.face-too-many" if fault.code == "too-many" else "visit.face-later")
        return _invitation_page(request, view, face_fault=later)
    if answer.fault.code:
        return _invitation_page(request, answer.view, face_fault=_face_words(request, answer.fault))
    return RedirectResponse(f"/visit/{_link(request)}#face-title", 303)


async def faceless(request: Request) -> Response:
    """POST /visit/…/faceless: the consent is withdrawn."""
    asked = wire.WithdrawFace(link=_link(request), client=client_of(request))
    await counter_of(request).ask("faceless", asked, wire.InvitationView)
    return RedirectResponse(f"/visit/{_link(request)}#face-title", 303)


def _face_words(request: Request, fault: wire.FaceFault) -> str:
    t = words_for(request)
    told = fault.chinese if t.language == "zh" else fault.english
    return told or t(_FACE_FAULTS.get(fault.code, "visit.face-later"))


async def _ask(request: Request) -> wire.InvitationView:
    asked = wire.AskInvitation(link=_link(request), client=client_of(request))
    return await counter_of(request).ask("invitation", asked, wire.InvitationView)


def _invitation_page(
    request: Request, view: wire.InvitationView, *, fault: str = "", face_fault: str = ""
) -> Response:
    language = words_for(request).language
    terms = view.terms
    return page(
        request,
        "public/visit.html",
        status=422 if fault or face_fault else 200,
        view=view,
        link=_link(request),
        fault=fault,
        face_fault=face_fault,
        picture=qr_picture(view.code) if view.code else "",
        directions=view.directions_chinese if language == "zh" else view.directions_english,
        terms="" if terms is None else (terms.chinese if language == "zh" else terms.english),
    )


async def waiting(request: Request) -> Response:
    """GET /visit/host/…: who waits for the host."""
    asked = wire.AskAsHost(link=_link(request), client=client_of(request))
    view = await counter_of(request).ask("waiting", asked, wire.WaitingView)
    return page(request, "public/visit_host.html", view=view, link=_link(request), fault="")


async def answer(request: Request) -> Response:
    """POST /visit/host/…: the host lets them in, or not."""
    form = await request.form()
    asked = wire.AnswerAsHost(
        link=_link(request), client=client_of(request), approve=form.get("answer") == "approve"
    )
    try:
        await counter_of(request).ask("answer", asked, wire.WaitingView)
    except Conflict:
        again = wire.AskAsHost(link=_link(request), client=client_of(request))
        view = await counter_of(request).ask("waiting", again, wire.WaitingView)
        words = words_for(request)("visit.decided-already")
        return page(
            request, "public/visit_host.html", status=409, view=view, link=_link(request), fault=words
        )
    return RedirectResponse(f"/visit/host/{_link(request)}", 303)


def _link(request: Request) -> str:
    return str(request.path_params["link"])[:100]


ROUTES = (
    Route("/visit/host/{link}", answered(waiting)),
    Route("/visit/host/{link}", answered(answer), methods=["POST"]),
    Route("/visit/{link}/face", answered(face), methods=["POST"]),
    Route("/visit/{link}/faceless", answered(faceless), methods=["POST"]),
    Route("/visit/{link}", answered(invitation)),
    Route("/visit/{link}", answered(sign), methods=["POST"]),
)
