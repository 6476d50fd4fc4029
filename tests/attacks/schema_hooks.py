"""What schemathesis is told about us (`SCHEMATHESIS_HOOKS`): ids of things that are there, and that every
refusal is a problem document by RFC 9457."""

from __future__ import annotations

import json
import os
import zlib
from http import HTTPStatus
from itertools import pairwise
from pathlib import Path
from typing import Any

import schemathesis

KNOWN = "POSTERN_ATTACK_KNOWN"
"""Names a file with ids by the word that stands before them in an address."""
_known: dict[str, list[str]] = json.loads(Path(os.environ[KNOWN]).read_text()) if KNOWN in os.environ else {}


@schemathesis.hook
def before_call(context: Any, case: Any, **more: Any) -> None:
    """Put ids that exist in place of three of four that were drawn."""
    del context, more
    parts = case.operation.path.split("/")
    for before, part in pairwise(parts):
        name = part.strip("{}")
        drawn = zlib.crc32(str(case.path_parameters.get(name)).encode()) if part.startswith("{") else 0
        if drawn % 4 and _known.get(before):
            case.path_parameters[name] = _known[before][drawn % len(_known[before])]


@schemathesis.check
def refusals_are_problems(ctx: Any, response: Any, case: Any) -> None:
    """RFC 9457, with the members that docs/api.md promises."""
    del ctx, case
    if response.status_code < HTTPStatus.BAD_REQUEST:
        return
    kind = response.headers.get("content-type", [""])[0]
    if kind != "application/problem+json":
        raise AssertionError(f"{response.status_code} as {kind}")
    document = response.json()
    missing = {"type", "title", "status", "code", "detail"} - set(document)
    if missing or document["status"] != response.status_code:
        raise AssertionError(f"a problem without {missing or 'its own status'}")
