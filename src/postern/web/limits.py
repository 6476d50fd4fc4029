"""How much a request may carry, and where its files lie: in memory, for a disk would keep them unsealed."""

from __future__ import annotations

from starlette.datastructures import Headers
from starlette.formparsers import MultiPartParser
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from postern.web.problem_document import is_for_programs, problem

LARGEST_BODY = 64 * 1024 * 1024
LARGEST_DOCUMENT = 4 * 1024 * 1024
"""JSON, which is read before it is known who sends it; agents sign theirs, which may hold pictures."""
LARGEST_OF_STRANGERS = 256 * 1024
_AGENTS = "/agent/v1/"

# Starlette writes an uploaded file of more than 1 MiB to a temporary file: a face, unsealed, on the disk.
MultiPartParser.spool_max_size = LARGEST_BODY


class BodyLimit:
    """Refuses a body that is too large, or that does not say beforehand how large it is."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Look at the announced length; the server below keeps the sender to it."""
        if scope["type"] == "http":
            headers = Headers(scope=scope)
            length = headers.get("content-length", "0")
            if "transfer-encoding" in headers:
                await _refusal(scope, 411, "length-required", "Say how long the body is.")(
                    scope, receive, send
                )
                return
            if not length.isascii() or not length.isdigit() or int(length) > largest(headers, scope["path"]):
                await _refusal(scope, 413, "too-large", "The body is too large.")(scope, receive, send)
                return
        await self.app(scope, receive, send)


def _refusal(scope: Scope, status: int, code: str, words: str) -> Response:
    """In the form that whoever asks can read."""
    if is_for_programs(scope["path"]):
        return problem(status, code, words)
    return PlainTextResponse(words, status)


def largest(headers: Headers, path: str) -> int:
    """What a request may carry: least where it shows neither a cookie nor a key, and is no agent's."""
    if path.startswith(_AGENTS):
        return LARGEST_BODY
    if "cookie" not in headers and "authorization" not in headers:
        return LARGEST_OF_STRANGERS
    if headers.get("content-type", "").startswith("application/json"):
        return LARGEST_DOCUMENT
    return LARGEST_BODY
