"""The process boundary of every web application: what nobody foresaw is logged by its place and answered."""

from __future__ import annotations

import traceback
from collections.abc import Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_log = structlog.get_logger(__name__)


class LastResort:
    """Logs an unforeseen fault by its place, since its words may tell of somebody.

    It stands inside the security headers, which the framework's own last resort would go round.
    """

    def __init__(self, app: ASGIApp, *, answer: Callable[[Request], Response]) -> None:
        """`answer` makes what is said in place of an application that failed before it began to answer."""
        self.app = app
        self.answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and answer where nothing has been answered yet."""
        begun = False

        async def noting(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self.app(scope, receive, noting)
        except Exception as fault:  # the named process boundary of the web
            if scope["type"] != "http":
                raise
            frames = traceback.extract_tb(fault.__traceback__)[-8:]
            places = [f"{frame.filename}:{frame.lineno}" for frame in frames]
            _log.error("unforeseen fault", kind=type(fault).__name__, places=places)
            if not begun:
                await self.answer(Request(scope))(scope, receive, send)
