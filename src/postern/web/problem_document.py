"""RFC 9457: what a program is told when something was not done."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus

from starlette.responses import JSONResponse, Response

PROBLEM_TYPE = "application/problem+json"
FOR_PROGRAMS = ("/api/", "/agent/")


def is_for_programs(path: str) -> bool:
    """Whether what is answered there is read by a program."""
    return path.startswith(FOR_PROGRAMS)


def problem(
    status: int,
    code: str,
    detail: str,
    headers: Mapping[str, str] | None = None,
    errors: list[dict[str, str]] | None = None,
) -> Response:
    """A problem document. `code` is stable; `detail` says what to do and may change its wording.

    `errors` names single fields by JSON pointer.
    """
    document: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if errors is not None:
        document["errors"] = errors
    return JSONResponse(document, status_code=status, media_type=PROBLEM_TYPE, headers=dict(headers or {}))
