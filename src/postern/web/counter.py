"""The counter on a Unix socket: the public process asks here, and only what is listed here.

Each question is a class of `operations/public/counter_wire.py`; whatever else is sent, is refused. There
is no login: the socket lies in a private folder, and what it offers is what anybody at a lane may ask.
"""

from __future__ import annotations

import traceback
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from postern import documents
from postern.errors import PosternError
from postern.operations.public import counter_wire as wire
from postern.operations.public.counter import Counter
from postern.operations.public.visit_counter import VisitCounter

LARGEST = 256 * 1024
LARGEST_PHOTO = 12 * 1024 * 1024
"""What a photo of 8 MB is as text."""
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class Question:
    """One thing that may be asked: its class, and who answers."""

    asked: type[Any]
    answer: Callable[[Any], Awaitable[object]]
    largest: int = LARGEST


def questions(counter: Counter) -> dict[str, Question]:
    """All there are."""
    visitors = VisitCounter(services=counter.services)
    return {
        "garage": Question(asked=wire.AskGarage, answer=counter.garage),
        "free": Question(asked=wire.AskFree, answer=counter.free),
        "begin": Question(asked=wire.AskVisit, answer=counter.begin),
        "visit": Question(asked=wire.AskAboutVisit, answer=counter.visit),
        "proof": Question(asked=wire.GiveProof, answer=counter.prove),
        "checkout": Question(asked=wire.AskAboutVisit, answer=counter.checkout),
        "validation": Question(asked=wire.AskAboutVisit, answer=counter.validation),
        "receipt": Question(asked=wire.AskReceipt, answer=counter.receipt),
        "help": Question(asked=wire.AskHelp, answer=counter.help),
        "webhook": Question(asked=wire.TellWebhook, answer=counter.webhook),
        "invitation": Question(asked=wire.AskInvitation, answer=visitors.invitation),
        "sign": Question(asked=wire.SignTerms, answer=visitors.sign),
        "face": Question(asked=wire.GiveFace, answer=visitors.face, largest=LARGEST_PHOTO),
        "faceless": Question(asked=wire.WithdrawFace, answer=visitors.faceless),
        "waiting": Question(asked=wire.AskAsHost, answer=visitors.waiting),
        "answer": Question(asked=wire.AnswerAsHost, answer=visitors.answer),
    }


def create_counter_app(counter: Counter) -> Starlette:
    """The application behind the socket."""
    known = questions(counter)

    async def ask(request: Request) -> Response:
        question = known.get(request.path_params["question"])
        length = request.headers.get("content-length", "")
        if question is None:
            return _refused("not-found", "the counter does not answer this", 404)
        if not length.isdigit() or int(length) > question.largest:
            return _refused("bad-input", "too long, or of unknown length", 413)
        try:
            asked = documents.from_bytes(question.asked, await request.body())
            return Response(documents.to_bytes(await question.answer(asked)), media_type="application/json")
        except PosternError as fault:
            return _refused(fault.code, str(fault), fault.status)
        except Exception as fault:  # noqa: BLE001 - the process boundary of the counter
            places = [
                f"{one.filename}:{one.lineno}" for one in traceback.extract_tb(fault.__traceback__)[-8:]
            ]
            _log.error("unforeseen fault", kind=type(fault).__name__, places=places)
            return _refused("fault", "something went wrong here", 500)

    return Starlette(routes=[Route("/{question}", ask, methods=["POST"])])


def _refused(code: str, detail: str, status: int) -> Response:
    body = documents.to_bytes(wire.Refusal(code=code, detail=detail))
    return Response(body, status_code=status, media_type="application/json")
