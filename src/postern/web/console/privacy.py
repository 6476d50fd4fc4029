"""The privacy officer's desk: who looked, erasures with their proofs, withdrawals, alarms, retention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.access.model import SubjectKind
from postern.errors import BadInput, Conflict, PosternError
from postern.ids import PersonId
from postern.operations import look
from postern.operations.insiders import alarms as insider_alarms
from postern.operations.look import Look
from postern.operations.privacy import consent as consent_operations
from postern.operations.privacy import desk as privacy_desk
from postern.operations.privacy import erase, own_requests, retention
from postern.operations.privacy.desk import Subject
from postern.privacy.model import Consent
from postern.web.console.holders import zone_for
from postern.web.console.privacy_rows import alarm_line, erasure_line, run_line
from postern.web.forms import EMPTY, Form
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What is told about one subject: their consents where they are a person, and every look at them."""

    name: str
    subject: UUID
    consents: Sequence[Consent]
    looks: Sequence[Look]


@dataclass(frozen=True, kw_only=True, slots=True)
class Desk:
    """The desk's forms as they came back, and what they led to."""

    report_form: Form = EMPTY
    erase_form: Form = EMPTY
    alarm_form: Form = EMPTY
    report: Report | None = None
    report_choices: Sequence[Subject] = ()
    erase_choices: Sequence[Subject] = ()
    sure: Subject | None = None

    @property
    def wrong(self) -> bool:
        """Whether any form has an error."""
        return self.report_form.wrong or self.erase_form.wrong or self.alarm_form.wrong


CLEAR = Desk()


@router.get("/privacy")
async def desk(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """The desk."""
    return await _page(request, hub, caller, CLEAR)


@router.post("/privacy/report")
async def report(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Who looked at somebody, by name, by plate, or by the random id on a receipt."""
    who, purpose = fields.needed("looks-who"), fields.needed("looks-purpose")
    kind, case = _kind(fields.text("looks-kind")), fields.maybe("looks-case")
    if fields.errors:
        return await _page(request, hub, caller, Desk(report_form=fields.result()))
    try:
        id = _id(who)
        if id is not None:
            subject = Subject(kind=kind, id=id, name=str(id))
            consents: Sequence[Consent] = ()
        else:
            found = await privacy_desk.meant(hub, caller.actor, kind, who, purpose=purpose, case=case)
            if len(found) > 1:
                fields.errors["looks-who"] = "privacy.several"
                several = Desk(report_form=fields.result(), report_choices=found)
                return await _page(request, hub, caller, several)
            (subject,) = found
            consents = await _consents(hub, caller, subject)
        told = await look.looked_at(hub, caller.actor, subject.id, purpose=purpose, case=case)
    except PosternError as fault:
        return await _page(request, hub, caller, Desk(report_form=fields.result(fault)))
    made = Report(name=subject.name, subject=subject.id, consents=consents, looks=told.looks)
    return await _page(request, hub, caller, Desk(report_form=fields.result(), report=made))


@router.post("/privacy/erasures")
async def erase_subject(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """First who is meant; then, when that was read and ticked, the erasure itself."""
    who, reason = fields.needed("erase-who"), fields.needed("erase-reason")
    kind, chosen = _kind(fields.text("erase-kind")), fields.id("erase-subject")
    if fields.errors:
        return await _page(request, hub, caller, Desk(erase_form=fields.result()))
    try:
        if chosen is not None and fields.ticked("erase-sure"):
            await privacy_desk.erase_subject(hub, caller.actor, kind, chosen, reason=reason)
            return go("/privacy", "erased")
        found = await privacy_desk.meant(hub, caller.actor, kind, who, purpose=reason)
    except PosternError as fault:
        return await _page(request, hub, caller, Desk(erase_form=fields.result(fault)))
    if len(found) > 1:
        fields.errors["erase-who"] = "privacy.several"
        return await _page(request, hub, caller, Desk(erase_form=fields.result(), erase_choices=found))
    if chosen is not None:
        fields.errors["erase-sure"] = "privacy.tick-it"
    return await _page(request, hub, caller, Desk(erase_form=fields.result(), sure=found[0]))


@router.post("/privacy/alarms/{id}")
async def look_into(request: Request, hub: Hub, caller: SignedIn, fields: Fields, id: UUID) -> Response:
    """Keep what came of an alarm about an operator."""
    try:
        await insider_alarms.look_into(hub, caller.actor, id, finding=fields.text("reason"))
    except (BadInput, Conflict) as fault:
        return await _page(request, hub, caller, Desk(alarm_form=fields.result(fault)))
    return go("/privacy", "alarm-noted")


@router.get("/privacy/erasures/{id}/receipt")
async def receipt(hub: Hub, caller: SignedIn, id: UUID) -> Response:
    """The signed receipt, as a file."""
    document = await erase.receipt(hub, caller.actor, id)
    headers = {"Content-Disposition": f'attachment; filename="receipt-{id}.json"'}
    return Response(document, media_type="application/json", headers=headers)


async def _consents(hub: Hub, caller: Caller, subject: Subject) -> Sequence[Consent]:
    if subject.kind is not SubjectKind.PERSON:
        return ()
    return await consent_operations.consents(hub, caller.actor, PersonId(subject.id))


def _kind(text: str) -> SubjectKind:
    return next((one for one in SubjectKind if one.value == text), SubjectKind.PERSON)


def _id(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None


async def _page(request: Request, hub: Hub, caller: Caller, shown: Desk) -> Response:
    t, zone = words_for(request), await zone_for(hub, caller)
    alarms = []
    if caller.may("see-insider-alarms"):
        alarms = await insider_alarms.insider_alarms(hub, caller.actor)
    done = [erasure_line(one) for one in await privacy_desk.erasures(hub, caller.actor)]
    runs = await retention.reports(hub, caller.actor)
    return page(
        request,
        "trust/privacy.html",
        status=422 if shown.wrong else 200,
        desk=shown,
        kinds=[(one.value, t(f"privacy.kind-{one.value}")) for one in SubjectKind],
        alarms=[alarm_line(one, t, zone) for one in alarms if one.seen_by is None],
        erasures=[one for one in done if not one.withdrawal],
        withdrawals=[one for one in done if one.withdrawal],
        runs=[run_line(one) for one in runs[:5]],
        receipts_key=(await erase.receipts_public_key(hub, caller.actor)).hex(),
        requests=await own_requests.count_waiting(hub, caller.actor),
        zone=zone,
    )
