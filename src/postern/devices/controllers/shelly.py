"""The parts of Shelly's published RPC (second generation and later) that a door needs, without any I/O.

Source: Shelly's API documentation, "RPC Protocol", "Authentication", "Switch" and "Input".
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from postern.access.controller import Contact
from postern.errors import ControllerUnavailable

LOGIN = "admin"
"""The only login that these devices have."""

# The documentation fixes this half for calls that have neither an HTTP method nor a URI.
_HA2 = sha256(b"dummy_method:dummy_uri").hexdigest()


@dataclass(frozen=True, kw_only=True, slots=True)
class Challenge:
    """What a device asks for in the error 401 of a call over its WebSocket."""

    realm: str
    nonce: int
    nc: int


def challenge_of(message: str) -> Challenge:
    """Read the JSON inside an error 401's message. Raises `ControllerUnavailable` if it is none of ours."""
    try:
        fields = json.loads(message)
        if fields["algorithm"] != "SHA-256":
            raise ValueError(fields["algorithm"])
        return Challenge(realm=str(fields["realm"]), nonce=int(fields["nonce"]), nc=int(fields.get("nc", 1)))
    except (ValueError, KeyError, TypeError) as fault:
        raise ControllerUnavailable(
            "the relay asks for a login in a way that is not Shelly's SHA-256 digest; update its firmware"
        ) from fault


def answer(challenge: Challenge, password: str, *, cnonce: int | None = None) -> dict[str, str | int]:
    """The `auth` object of a frame that answers `challenge` (RFC 7616's digest with qop=auth)."""
    cnonce = secrets.randbits(31) if cnonce is None else cnonce
    ha1 = sha256(f"{LOGIN}:{challenge.realm}:{password}".encode()).hexdigest()
    digest = f"{ha1}:{challenge.nonce}:{challenge.nc}:{cnonce}:auth:{_HA2}"
    return {
        "realm": challenge.realm,
        "username": LOGIN,
        "nonce": challenge.nonce,
        "cnonce": cnonce,
        "response": sha256(digest.encode()).hexdigest(),
        "algorithm": "SHA-256",
    }


def contact_of(status: object, *, open_when: bool) -> Contact | None:
    """The contact in the status of an input; None when this status does not speak of it.

    An input that is set up as a button has no lasting state (null), and so tells nothing of a door.
    """
    if not isinstance(status, Mapping) or "state" not in status:
        return None
    if not isinstance(status["state"], bool):
        return Contact.UNKNOWN
    return Contact.OPEN if status["state"] is open_when else Contact.CLOSED
