"""Faults as answers: RFC 9457 problem documents for programs, a page for people."""

from __future__ import annotations

from http import HTTPStatus

import structlog
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotSignedIn, PosternError
from postern.web import endpoints
from postern.web.pages import go, page, words_for
from postern.web.problem_document import is_for_programs, problem

LOG = structlog.get_logger(__name__)
OWN = "/me"
"""Where people sign in for themselves, and operators do not."""


def install(app: FastAPI) -> None:
    """Answer every fault, whether ours, the framework's or unforeseen."""
    app.exception_handler(PosternError)(_ours)
    app.exception_handler(HTTPException)(_http)
    app.exception_handler(RequestValidationError)(_invalid)


def for_a_program(request: Request) -> bool:
    """Whether the answer is read by a program."""
    return is_for_programs(request.url.path)


async def _ours(request: Request, fault: PosternError) -> Response:
    if for_a_program(request):
        return problem(fault.status, fault.code, str(fault))
    if isinstance(fault, NotSignedIn):
        return _to_sign_in(request)
    if fault.status >= 500:
        LOG.warning("fault shown", code=fault.code, detail=str(fault))
    return _page(request, fault.status, fault if str(fault) else "")


def _to_sign_in(request: Request) -> Response:
    own = request.url.path == OWN or request.url.path.startswith(f"{OWN}/")
    there = f"{OWN}/sign-in" if own else "/sign-in"
    if request.headers.get("hx-request") == "true":
        return Response(status_code=401, headers={"HX-Redirect": there})
    return go(there)


async def _http(request: Request, fault: HTTPException) -> Response:
    headers = dict(fault.headers or {})
    if fault.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(endpoints.methods_at(request))
    if for_a_program(request):
        code = HTTPStatus(fault.status_code).phrase.lower().replace(" ", "-")
        return problem(fault.status_code, code, str(fault.detail), headers)
    answer = _page(request, fault.status_code)
    answer.headers.update(headers)
    return answer


async def _invalid(request: Request, fault: RequestValidationError) -> Response:
    if not for_a_program(request):
        return _page(request, 404)
    wrong = [
        {"pointer": "/" + "/".join(str(part) for part in one["loc"]), "detail": one["msg"]}
        for one in fault.errors()
    ]
    return problem(422, "bad-input", "Some fields cannot be used; `errors` names each.", errors=wrong)


def unforeseen(request: Request) -> Response:
    """What is answered in place of an application that failed."""
    if for_a_program(request):
        return problem(500, "fault", "Something went wrong here; it is in the hub's log.")
    return _page(request, 500)


def _page(request: Request, status: int, detail: PosternError | str = "") -> Response:
    t = words_for(request)
    known = status if t.has(f"error.{status}.title") else (500 if status >= 500 else 400)
    return page(request, "error.html", status=status, number=status, known=str(known), detail=detail)
