"""No text that comes in may hold control characters: a database keeps not all, and no screen shows them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from starlette.requests import HTTPConnection, Request

from postern.errors import BadInput
from postern.web.security import AGENT_WIRE

_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""All but tabs and the ends of lines."""


async def checked(connection: HTTPConnection) -> None:
    """A dependency of every route: looks at the address and at a document in JSON. Raises BadInput.

    Forms are looked at where they are read (web/login.py); agents sign what they send.
    """
    refuse_control_characters(connection.scope["path"])
    for name, value in connection.query_params.multi_items():
        refuse_control_characters(name, value)
    if isinstance(connection, Request) and not connection.url.path.startswith(AGENT_WIRE):
        subtype = connection.headers.get("content-type", "").partition(";")[0].rpartition("/")[2]
        if (subtype == "json" or subtype.endswith("+json")) and await connection.body():
            refuse_control_characters(*_texts(await connection.json()))


def refuse_control_characters(*texts: str) -> None:
    """Raises BadInput when one holds any."""
    if any(_CONTROL.search(text) for text in texts):
        raise BadInput("this holds characters that cannot be written or shown; type it anew")


def _texts(document: object) -> Iterator[str]:
    """Every text in a document, names of members too."""
    left = [document]
    while left:
        match left.pop():
            case str() as text:
                yield text
            case list() as items:
                left.extend(items)
            case dict() as members:
                left.extend(members)
                left.extend(members.values())
