"""One person's page: details, face, consent, what they hold; every form of it comes back here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime

from starlette.requests import Request
from starlette.responses import Response

from postern.ids import PersonId, SiteId
from postern.operations import look
from postern.operations.look import PersonFile
from postern.operations.people.credentials import Issued
from postern.operations.people.enrol import PhotoReport
from postern.operations.privacy.texts import asked_at
from postern.operations.sites import places as site_operations
from postern.privacy.model import Consent, ConsentForm, ConsentPurpose
from postern.web.console import employments
from postern.web.console.holders import level_choices, view_of, zone_for
from postern.web.forms import EMPTY, Form
from postern.web.i18n import Words
from postern.web.login import Hub
from postern.web.pages import Caller, page, words_for
from postern.web.qr import qr_picture

CREDENTIAL_KINDS = ("card", "pin", "qr")


@dataclass(frozen=True, kw_only=True, slots=True)
class ConsentView:
    """A live consent."""

    given_at: datetime
    form: str
    wording: str
    photo: bool
    movements: bool
    guardian: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PersonView:
    """What the page shows of a person; the resident ID number only masked."""

    id: PersonId
    name: str
    employee_number: str | None
    masked_id: str | None
    birth_date: date | None
    sex: str | None
    home_site: str | None
    notes: str
    mail: str | None
    photos: int
    revoked: bool
    consent: ConsentView | None


@dataclass(frozen=True, kw_only=True, slots=True)
class PhotoView:
    """What became of one photo, in words."""

    name: str
    kept: bool
    score: float | None
    problems: tuple[str, ...]
    detail: str


@dataclass(frozen=True, kw_only=True, slots=True)
class IssuedView:
    """A secret to be handed over now, with its picture where it is a QR code."""

    kind: str
    secret: str
    picture: str


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnLink:
    """A one-time link to the person's own page, to be handed over now."""

    url: str
    picture: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Forms:
    """The page's forms as they came back."""

    credential: Form = EMPTY
    grant: Form = EMPTY
    consent: Form = EMPTY
    face: Form = EMPTY

    @property
    def wrong(self) -> bool:
        """Whether any has an error."""
        return any(one.wrong for one in (self.credential, self.grant, self.consent, self.face))


NO_FORMS = Forms()


async def render(
    request: Request,
    hub: Hub,
    caller: Caller,
    id: PersonId,
    *,
    forms: Forms = NO_FORMS,
    issued: Issued | None = None,
    report: tuple[PhotoReport, ...] = (),
    own_link: str = "",
) -> Response:
    """The page; with what was just issued or reported, which is shown once."""
    t = words_for(request)
    file = await look.person_file(hub, caller.actor, id)
    sites = {one.id: one.name for one in await site_operations.sites(hub, caller.actor)}
    levels = await level_choices(hub, caller)
    return page(
        request,
        "people/person.html",
        status=422 if forms.wrong else 200,
        person=_person(file, sites),
        holder=view_of(file.holding, levels),
        levels=levels,
        employments=await employments.rows(hub, caller, id),
        may_change=caller.may("change-people"),
        may_give=caller.may("change-access"),
        base=f"/people/{id}",
        zone=await zone_for(hub, caller),
        forms=forms,
        credential_kinds=[(one, t(f"credential.{one}")) for one in CREDENTIAL_KINDS],
        consent_forms=[(one.value, t(f"consent-form.{one.value}")) for one in ConsentForm],
        asked=await asked_at(hub, caller.actor.tenant, file.person.details.home_site),
        issued=None if issued is None or not issued.secret else _issued(issued),
        report=tuple(_photo(t, one) for one in report),
        may_mail=hub.post is not None and file.person.details.mail is not None,
        own_link=OwnLink(url=own_link, picture=qr_picture(own_link)) if own_link else None,
    )


def _person(file: PersonFile, sites: Mapping[SiteId, str]) -> PersonView:
    details = file.person.details
    live = [one for one in file.consents if one.covers(ConsentPurpose.FACE_RECOGNITION)]
    return PersonView(
        id=file.person.id,
        name=details.name,
        employee_number=details.employee_number,
        masked_id=masked(details.resident_id_number),
        birth_date=details.birth_date,
        sex=details.sex.value if details.sex else None,
        home_site=sites.get(details.home_site) if details.home_site is not None else None,
        notes=details.notes,
        mail=details.mail,
        photos=file.references,
        revoked=file.holding.revoked,
        consent=_consent(live[0]) if live else None,
    )


def _consent(consent: Consent) -> ConsentView:
    return ConsentView(
        given_at=consent.given_at,
        form=consent.form.value,
        wording=consent.wording,
        guardian=consent.guardian,
        photo=consent.covers(ConsentPurpose.ENROLMENT_PHOTO),
        movements=consent.covers(ConsentPurpose.MOVEMENTS),
    )


def masked(number: str | None) -> str | None:
    """All but the first three and the last two characters hidden; short numbers wholly."""
    if not number:
        return None
    if len(number) < 9:
        return "•" * len(number)
    return number[:3] + "•" * (len(number) - 5) + number[-2:]


def _photo(t: Words, report: PhotoReport) -> PhotoView:
    return PhotoView(
        name=t("face.photo", n=report.index + 1),
        kept=report.serves,
        score=None if report.fault else report.score,
        problems=tuple(one.advice(t.language) for one in report.problems),
        detail=report.fault,
    )


def _issued(issued: Issued) -> IssuedView:
    kind = issued.credential.kind.value
    return IssuedView(
        kind=kind, secret=issued.secret, picture=qr_picture(issued.secret) if kind == "qr" else ""
    )
