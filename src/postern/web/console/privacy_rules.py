"""What the law of each site lets it do: the jurisdiction that holds there, and what each one says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import PosternError
from postern.ids import SiteId
from postern.operations.privacy import jurisdiction
from postern.operations.privacy.jurisdiction import SiteRules
from postern.privacy.profiles import Profile, profiles
from postern.web.forms import EMPTY, Form
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter(prefix="/privacy/rules")
SHOWN = (
    "working-time",
    "consent-forms",
    "other-basis",
    "guardian-age",
    "basis-movements",
    "default-days",
    "default-picture-days",
    "longest-days",
    "longest-picture-days",
    "filing-at",
    "another-way",
    "signage",
    "assessment",
)
"""The questions, in the order in which a page shows what a profile answers."""


@dataclass(frozen=True, kw_only=True, slots=True)
class RulingLine:
    """What a profile says about one question."""

    question: str
    value: str
    why: str
    article: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SiteLine:
    """A site, the profile that holds there, and what it says."""

    id: int
    name: str
    chosen: str
    version: int
    profile: str
    rulings: Sequence[RulingLine]


@router.get("")
async def shown(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Every site with its rules."""
    return await _page(request, hub, caller, EMPTY)


@router.post("/{site}")
async def choose(request: Request, hub: Hub, caller: SignedIn, fields: Fields, site: int) -> Response:
    """Choose the jurisdiction of a site; an empty choice leaves it to the site's country."""
    version = int(fields.number("version"))
    try:
        await jurisdiction.choose_profile(
            hub, caller.actor, SiteId(site), fields.maybe("profile"), version=version
        )
    except PosternError as fault:
        if fault.status == 404:
            raise
        return await _page(request, hub, caller, fields.result(fault))
    return go("/privacy/rules", "jurisdiction-chosen")


async def _page(request: Request, hub: Hub, caller: Caller, form: Form) -> Response:
    t = words_for(request)
    found = await jurisdiction.rules_of_sites(hub, caller.actor)
    return page(
        request,
        "trust/rules.html",
        status=422 if form.wrong else 200,
        form=form,
        sites=[_site_line(one, t) for one in found],
        profiles=[(one.id, one.names.in_language(t.language)) for one in profiles(hub.clock.now().date())],
    )


def _site_line(one: SiteRules, t: Words) -> SiteLine:
    return SiteLine(
        id=one.site.id,
        name=one.site.name,
        chosen=one.chosen or "",
        version=one.version,
        profile=one.profile.names.in_language(t.language),
        rulings=ruling_lines(one.profile, t),
    )


def ruling_lines(profile: Profile, t: Words, asked: Sequence[str] = SHOWN) -> Sequence[RulingLine]:
    """What the profile says, question by question."""
    found = [(question, profile.ruling(question)) for question in asked]
    return [
        RulingLine(
            question=t(f"rules.{question}"),
            value=_value(question, ruling.value, t),
            why=sentence(ruling.why.in_language(t.language)),
            article=ruling.article.in_language(t.language),
        )
        for question, ruling in found
        if ruling is not None
    ]


def sentence(text: str) -> str:
    """The text as a sentence of its own."""
    return text[:1].upper() + text[1:]


def _value(question: str, value: str, t: Words) -> str:
    if question.startswith("basis-"):
        return t(f"grounds.{value}")
    if question == "consent-forms":
        return t("rules.comma").join(t(f"consent-form.{one}") for one in value.split())
    if value.isdigit():
        return f"{int(value):,}"
    return t(f"rules.is-{value}")
