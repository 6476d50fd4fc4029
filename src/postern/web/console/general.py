"""Pages that belong to no slice: the way in, preferences, about, assets."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from fastapi import APIRouter, Depends
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from postern.web import cookies
from postern.web.i18n import LANGUAGES
from postern.web.login import Fields, Hub, SignedIn, perhaps_signed_in
from postern.web.navigation import first_page
from postern.web.pages import LANGUAGE_COOKIE, THEME_COOKIE, THEMES, page
from postern.web.security_txt import PATH, security_txt

public = APIRouter()
private = APIRouter()
A_YEAR = 365 * 24 * 3600
BUILT_WITH = (
    "cryptography",
    "fastapi",
    "jinja2",
    "numpy",
    "onnxruntime",
    "psycopg",
    "pydantic",
    "rapidocr",
    "segno",
    "starlette",
    "uvicorn",
    "webauthn",
)


@dataclass(frozen=True, kw_only=True, slots=True)
class BuiltPart:
    """A package that Postern stands on."""

    name: str
    version: str
    licence: str


@private.get("/")
async def home(caller: SignedIn) -> Response:
    """To the first page of this role."""
    return RedirectResponse(first_page(caller.actor), status_code=303)


@public.get("/healthz")
async def health() -> Response:
    """Whether this process answers; says nothing else."""
    return JSONResponse({"status": "up"})


@public.get(PATH)
async def told_whom(request: Request, hub: Hub) -> Response:
    """Whom to tell of a hole in this installation."""
    contact = request.app.state.settings.security_contact
    return security_txt(contact, hub.clock.now(), canonical=hub.public_url)


@public.get("/about", dependencies=[Depends(perhaps_signed_in)])
async def about(request: Request) -> Response:
    """Version and licences."""
    return page(request, "trust/about.html", version=_version(), parts=_parts())


def _version() -> str:
    try:
        return metadata("postern")["Version"]
    except PackageNotFoundError:
        return "–"


def _parts() -> tuple[BuiltPart, ...]:
    parts = [BuiltPart(name="htmx", version="2.0", licence="0BSD")]
    for name in BUILT_WITH:
        try:
            about = metadata(name)
        except PackageNotFoundError:
            continue
        parts.append(BuiltPart(name=name, version=about["Version"], licence=_licence(about)))
    return tuple(parts)


def _licence(about: PackageMetadata) -> str:
    """As the package states it: by expression, by name, or by what it is classified as."""
    classified = [one for one in about.get_all("Classifier") or () if one.startswith("License ::")]
    named = [about[key] for key in ("License-Expression", "License") if key in about]
    stated = [*named, *(one.rpartition(" :: ")[2] for one in classified)]
    return stated[0].splitlines()[0][:40] if stated else "–"


@public.post("/preferences")
async def prefer(request: Request, fields: Fields) -> Response:
    """Keep the language or the theme that was chosen, in cookies of their own."""
    back = fields.text("back")
    local = back.startswith("/") and not back.startswith("//") and "\\" not in back
    answer = RedirectResponse(back if local else "/", status_code=303)
    chosen = (
        (LANGUAGE_COOKIE, fields.text("language"), LANGUAGES),
        (THEME_COOKIE, fields.text("theme"), THEMES),
    )
    for name, value, known in chosen:
        if value in known:
            cookies.keep(request, answer, name, value, seconds=A_YEAR)
    return answer
