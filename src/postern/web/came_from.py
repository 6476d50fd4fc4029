"""Where a request came from, in words short enough for a list of logins."""

from __future__ import annotations

from starlette.requests import Request

from postern.operators.sign_in_store import CameFrom

_BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)
LONGEST = 60


def browser_of(user_agent: str) -> str:
    """The browser and its system as it names them; anything else cut short."""
    browser = next((name for sign, name in _BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in _SYSTEMS if sign in user_agent), "")
    return ", ".join(one for one in (browser, system) if one) or user_agent[:LONGEST]


def came_from(request: Request) -> CameFrom:
    """Behind a proxy the address is the proxy's: headers that anybody may send do not count."""
    address = request.client.host if request.client is not None else ""
    return CameFrom(address=address, browser=browser_of(request.headers.get("user-agent", "")))
