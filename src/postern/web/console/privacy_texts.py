"""What people are told: the wording of the consent, the legal bases, the filing's form, a sign to print."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import NotFound, PosternError
from postern.ids import SiteId
from postern.operations.privacy import jurisdiction, retention
from postern.operations.privacy import texts as privacy_texts
from postern.operations.privacy.jurisdiction import SiteRules
from postern.operations.privacy.texts import FilingState
from postern.privacy.texts import Basis, Filing, Ground, Grounds, Purpose
from postern.records.model import Kind
from postern.web.console.privacy_rules import sentence
from postern.web.forms import EMPTY, Form, filled
from postern.web.i18n import LANGUAGES, Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for
from postern.web.papers import Line, Section, paper
from postern.web.qr import qr_picture

router = APIRouter(prefix="/privacy/texts")
LONGEST = 2000
"""Characters of a field of the filing."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Forms:
    """The page's forms as they came back."""

    wording: Form = EMPTY
    grounds: Form = EMPTY
    filing: Form = EMPTY

    @property
    def wrong(self) -> bool:
        """Whether any has an error."""
        return self.wording.wrong or self.grounds.wrong or self.filing.wrong


NO_FORMS = Forms()


@router.get("")
async def shown(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """Everything that people are told."""
    return await _page(request, hub, caller, NO_FORMS)


async def _page(request: Request, hub: Hub, caller: Caller, forms: Forms) -> Response:
    t = words_for(request)
    state = await privacy_texts.filing_state(hub, caller.actor)
    form = forms.filing if forms.filing.wrong or state is None else _filing_form(state.filing)
    return page(
        request,
        "trust/texts.html",
        status=422 if forms.wrong else 200,
        forms=forms,
        filing_form=form,
        texts=await privacy_texts.texts(hub, caller.actor.tenant),
        grounds=(await privacy_texts.grounds(hub, caller.actor.tenant)).every,
        bases=[(one.value, t(f"grounds.{one.value}")) for one in Basis],
        filing=state,
        why=sentence(state.ruling.why.in_language(t.language)) if state is not None else "",
        sites=[one.site for one in await jurisdiction.rules_of_sites(hub, caller.actor)],
    )


def _filing_form(filing: Filing) -> Form:
    return filled(
        handler=filing.handler,
        address=filing.address,
        contact=filing.contact,
        purposes=filing.purposes,
        rules=filing.rules,
        assessment=filing.assessment,
        filed=filing.filed,
        number=filing.number,
    )


@router.post("/consent")
async def publish(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Publish a new wording."""
    try:
        await privacy_texts.publish_text(
            hub, caller.actor, en=fields.text("wording-en"), zh=fields.text("wording-zh")
        )
    except PosternError as fault:
        return await _page(request, hub, caller, Forms(wording=fields.result(fault)))
    return go("/privacy/texts", "wording-published")


@router.post("/grounds")
async def set_grounds(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Say on what each purpose rests."""
    try:
        wanted = Grounds(
            every=tuple(
                Ground(
                    purpose=one,
                    basis=fields.parsed(f"basis-{one.value}", Basis, "form.not-in-list") or Basis.CONSENT,
                    reference=fields.text(f"reference-{one.value}"),
                )
                for one in Purpose
            )
        )
        await privacy_texts.set_grounds(hub, caller.actor, wanted)
    except PosternError as fault:
        return await _page(request, hub, caller, Forms(grounds=fields.result(fault)))
    return go("/privacy/texts", "grounds-set")


@router.post("/filing")
async def set_filing(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Keep what the filing's form says."""
    filed: date | None = fields.day("filed")
    if fields.errors:
        return await _page(request, hub, caller, Forms(filing=fields.result()))
    wanted = Filing(
        handler=fields.text("handler")[:LONGEST],
        address=fields.text("address")[:LONGEST],
        contact=fields.text("contact")[:LONGEST],
        purposes=fields.text("purposes")[:LONGEST],
        rules=fields.text("rules")[:LONGEST],
        assessment=fields.text("assessment")[:LONGEST],
        filed=filed,
        number=fields.text("number")[:LONGEST],
    )
    await privacy_texts.set_filing(hub, caller.actor, wanted)
    return go("/privacy/texts", "filing-kept")


@router.get("/filing.pdf")
async def filing_form(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """The filing's form, with the count of today."""
    state = await privacy_texts.filing_state(hub, caller.actor)
    if state is None:
        raise NotFound("no law of your sites asks for a filing")
    t, today = words_for(request), hub.clock.now().date()
    printed = paper(t("filing.paper"), t.day(today), _filing_sections(state, t), t)
    headers = {"Content-Disposition": f'attachment; filename="filing-{today}.pdf"'}
    return Response(printed, media_type="application/pdf", headers=headers)


def _filing_sections(state: FilingState, t: Words) -> list[Section]:
    """The five parts that the measures of 2025 ask for, in their order."""
    filing = state.filing
    parts = (
        ("who", (("handler", filing.handler), ("address", filing.address), ("contact", filing.contact))),
        ("what-for", (("purposes", filing.purposes), ("how", t("filing.how-text")))),
        (
            "how-many",
            (("people", f"{state.people:,}"), ("measures", t("filing.measures-text"))),
        ),
        ("handling", (("rules", filing.rules),)),
        ("assessment-part", (("assessment", filing.assessment),)),
    )
    return [
        Section(
            key=key,
            title=t(f"filing.{key}"),
            lines=[Line(label=t(f"filing.{label}"), value=value or "________") for label, value in lines],
        )
        for key, lines in parts
    ] + [
        Section(
            key="basis",
            title=t("filing.basis"),
            lines=[Line(label="", value=state.ruling.article.in_language(t.language))],
        )
    ]


@router.get("/sign/{site}")
async def sign(request: Request, hub: Hub, caller: SignedIn, site: int) -> Response:
    """A sign to print and hang beside the door, in both languages."""
    every = await jurisdiction.rules_of_sites(hub, caller.actor)
    found = next((one for one in every if one.site.id == site), None)
    if found is None:
        raise NotFound("there is no such site; it may have been removed")
    kept = await retention.retention_of(hub, caller.actor, SiteId(site))
    grounds = (await privacy_texts.grounds(hub, caller.actor.tenant)).every
    address = f"{hub.public_url}/me/sign-in"
    return page(
        request,
        "trust/sign.html",
        site=found.site,
        organisation=await privacy_texts.organisation(hub, caller.actor.tenant),
        sides=[_side(found, Words(language=one)) for one in LANGUAGES],
        days=kept.days(Kind.DECISION),
        picture_days=kept.picture_days,
        face=next(one for one in grounds if one.purpose is Purpose.FACES),
        address=address,
        qr=qr_picture(address),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class Side:
    """The sign in one language."""

    words: Words
    law: str


def _side(found: SiteRules, words: Words) -> Side:
    return Side(words=words, law=found.profile.names.in_language(words.language))
