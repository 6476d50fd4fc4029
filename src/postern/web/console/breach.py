"""The breach page: what was opened, whose, by whom, since when; and drafts of the notices."""

from __future__ import annotations

from datetime import timedelta, tzinfo
from enum import StrEnum

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.errors import PosternError
from postern.operations.privacy import breach as operations
from postern.operations.privacy.breach import Breach, Wanted
from postern.web.console.holders import zone_for
from postern.web.forms import Form, FormReader, filled
from postern.web.i18n import LANGUAGES, Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, page, words_for
from postern.web.papers import Line, Section, paper

router = APIRouter(prefix="/privacy/breach")
MOST_SHOWN = 200
_BLANK = "________________________________"


class Notice(StrEnum):
    """To whom a draft is."""

    AUTHORITY = "authority"
    PERSON = "person"


@router.get("")
async def shown(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """The form, over the last 30 days."""
    today = hub.clock.now().date()
    form = filled(since=today - timedelta(days=30), until=today, noticed=today)
    return await _page(request, hub, caller, form, None)


@router.post("")
async def report(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """The report, or a draft made from it as a file."""
    wanted = _wanted(fields, await zone_for(hub, caller))
    purpose = fields.needed("reason")
    if wanted is None or fields.errors:
        return await _page(request, hub, caller, fields.result(), None)
    try:
        found = await operations.breach(hub, caller.actor, wanted, purpose=purpose)
    except PosternError as fault:
        return await _page(request, hub, caller, fields.result(fault), None)
    kind = fields.parsed("notice", Notice, "form.not-in-list")
    if kind is None or fields.text("language") not in LANGUAGES:
        return await _page(request, hub, caller, fields.result(), found)
    words = Words(language=fields.text("language"))
    await operations.note_draft(hub, caller.actor, kind=kind.value, language=words.language)
    return _file(kind, found, words, as_text=fields.text("as") == "text")


def _wanted(fields: FormReader, zone: tzinfo) -> Wanted | None:
    since, until, noticed = fields.day("since"), fields.day("until"), fields.day("noticed")
    for name, day in (("since", since), ("until", until), ("noticed", noticed)):
        if day is None:
            fields.needed(name)
    if since is None or until is None or noticed is None:
        return None
    return Wanted(by=fields.text("by"), since=since, until=until, noticed=noticed, zone=zone)


async def _page(request: Request, hub: Hub, caller: Caller, form: Form, found: Breach | None) -> Response:
    return page(
        request,
        "trust/breach.html",
        status=422 if form.wrong else 200,
        form=form,
        found=found,
        acts=_acts(found, words_for(request)) if found is not None else [],
        most=MOST_SHOWN,
        notices=[one.value for one in Notice],
        offered=LANGUAGES,
        zone=await zone_for(hub, caller),
    )


def _file(kind: Notice, found: Breach, words: Words, *, as_text: bool) -> Response:
    title, sections = words(f"breach.{kind}-title"), notice_of(kind, found, words)
    name = f"breach-{kind}-{words.language}"
    if as_text:
        told = "\n\n".join(
            "\n".join([one.title, *(f"  {line.label}: {line.value}" for line in one.lines)])
            for one in sections
        )
        headers = {"Content-Disposition": f'attachment; filename="{name}.txt"'}
        return Response(f"{title}\n\n{told}\n", media_type="text/plain; charset=utf-8", headers=headers)
    printed = paper(title, words("breach.draft", day=words.day(found.made_at.date())), sections, words)
    headers = {"Content-Disposition": f'attachment; filename="{name}.pdf"'}
    return Response(printed, media_type="application/pdf", headers=headers)


def _acts(found: Breach, words: Words) -> list[str]:
    return [f"{words.code('act', act)} {n}" for act, n in found.acts]


def notice_of(kind: Notice, found: Breach, words: Words) -> list[Section]:
    """The draft: what the journal knows is filled in, what only people know is left blank.

    The parts are those of art. 33 and 34 of the GDPR, which cover art. 57 of China's PIPL.
    """
    wanted, since = found.wanted, found.since
    known = (
        ("who", found.organisation),
        ("span", f"{words.day(wanted.since)} – {words.day(wanted.until)}"),
        ("since", f"{since:%Y-%m-%d %H:%M} UTC" if since else "–"),
        ("noticed-on", words("breach.in-zone", day=words.day(wanted.noticed), zone=wanted.zone)),
    )
    counted = (
        ("by-whom", words.listed(found.actors) or "–"),
        ("acts", words.listed(_acts(found, words)) or "–"),
        ("how-many", str(len(found.concerned))),
        ("records", str(len(found.entries))),
        ("due", f"{found.due:%Y-%m-%d %H:%M} UTC"),
    )
    blank = ("nature", "kinds", "consequences", "measures", "do-yourself", "contact")
    left = [one for one in blank if kind is Notice.PERSON or one != "do-yourself"]
    facts = [*known, *counted] if kind is Notice.AUTHORITY else known
    return [
        Section(
            key="facts",
            title=words("breach.facts"),
            lines=[Line(label=words(f"breach.{name}"), value=value) for name, value in facts],
        ),
        Section(
            key="to-write",
            title=words("breach.to-write"),
            lines=[Line(label=words(f"breach.{name}"), value=_BLANK) for name in left],
        ),
    ]
