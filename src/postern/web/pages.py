"""Rendering: templates with the request's language, theme and login in reach."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from urllib.parse import urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from postern.operators.model import Actor
from postern.operators.roles import Duty, may
from postern.web import navigation
from postern.web.fault_words import spoken
from postern.web.i18n import LANGUAGES, Words, catalogue, choose
from postern.web.purpose_words import purpose_words

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
THEMES = ("auto", "light", "dark")
_BRACKETS = re.compile(r"[(（].*?[)）]")
LANGUAGE_COOKIE = "postern-language"
THEME_COOKIE = "postern-theme"


@dataclass(frozen=True, kw_only=True, slots=True)
class Caller:
    """Who is signed in, and the key that each of this login's forms carries."""

    actor: Actor
    form_key: str
    counts: Mapping[str, int] = field(default_factory=dict)
    """How much waits on a page of the menu, by the page's key."""

    def may(self, duty: str) -> bool:
        """Whether the caller's role is charged with the duty of that name; templates ask this."""
        return may(self.actor, Duty(duty))


def initials(name: str) -> str:
    """One or two letters to stand for a name, without what it has in brackets: the last character of a
    Chinese one."""
    words = _BRACKETS.sub("", name).split()
    if not words:
        return "?"
    if any("\u4e00" <= letter <= "\u9fff" for letter in name):
        return words[-1][-1]
    return (words[0][0] + (words[-1][0] if len(words) > 1 else "")).upper()


@cache
def asset(name: str) -> str:
    """The asset's address; it changes with its content, so that a browser may keep it."""
    digest = hashlib.sha256((ASSETS / name).read_bytes()).hexdigest()[:12]
    return f"/assets/{name}?v={digest}"


def environment() -> Environment:
    """Autoescaping always; a name that a template misspells is an error, not a gap."""
    made = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["initials"] = initials
    made.filters["spoken"] = spoken
    made.filters["purpose"] = purpose_words
    made.globals["asset"] = asset
    made.globals["languages"] = LANGUAGES
    return made


_ENVIRONMENT = environment()


def words_for(request: Request) -> Words:
    """The words of the request's language."""
    cookie, accept = request.cookies.get(LANGUAGE_COOKIE), request.headers.get("accept-language")
    return Words(language=choose(cookie, accept))


def theme_for(request: Request) -> str:
    """The theme that was chosen, or "auto": what the device prefers."""
    theme = request.cookies.get(THEME_COOKIE, "auto")
    return theme if theme in THEMES else "auto"


def markup(request: Request, template: str, **values: object) -> str:
    """The template's text for this request."""
    caller: Caller | None = getattr(request.state, "caller", None)
    said = request.query_params.get("said", "")
    context: dict[str, object] = {
        "t": words_for(request),
        "theme": theme_for(request),
        "here": request.url.path,
        "section": navigation.section(request.url.path),
        "me": caller,
        "said": said if f"said.{said}" in catalogue("en") else "",
        "demo": request.app.state.settings.mode == "demo",
        "navigation": navigation.menu(caller.actor, caller.counts) if caller else (),
        "tabs": navigation.tabs(caller.actor) if caller else (),
    }
    return _ENVIRONMENT.get_template(template).render(context | values)


def page(request: Request, template: str, *, status: int = 200, **values: object) -> HTMLResponse:
    """The template as an answer."""
    return HTMLResponse(markup(request, template, **values), status_code=status)


def go(path: str, said: str = "") -> Response:
    """After a change: on to the page that shows it, with a word that it was done."""
    mark = "&" if "?" in path else "?"
    query = f"{mark}{urlencode({'said': said})}" if said else ""
    return RedirectResponse(path + query, status_code=303)
