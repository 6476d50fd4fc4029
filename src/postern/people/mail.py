"""Mail addresses, as far as they can be judged without sending: one @, and nothing that splits a header."""

from __future__ import annotations

import re

from postern.errors import BadInput

LONGEST = 254
_SHAPE = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]+\.[^\s@<>,;:\"()\[\]\\.]+")


def checked_mail(text: str | None) -> str | None:
    """The address, trimmed; None for none. Raises BadInput for what can be no address."""
    address = (text or "").strip()
    if not address:
        return None
    if len(address) > LONGEST or not address.isprintable() or _SHAPE.fullmatch(address) is None:
        raise BadInput("this is no mail address; it looks like name@example.org")
    return address
