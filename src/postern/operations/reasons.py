"""What operators must write down before they look or act."""

from __future__ import annotations

from postern.errors import BadInput

LONGEST = 200


def stated(reason: str) -> str:
    """A reason or purpose in the operator's words. Raises BadInput when it says nothing."""
    reason = " ".join(reason.split())
    if len(reason) < 3:
        raise BadInput("say why, in a few words; it is kept in the journal")
    return reason[:LONGEST]
