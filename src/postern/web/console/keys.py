"""The page of keys: how old each kind is, when it is due, how far a rotation is, and how to begin one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from postern.clock import utc_day
from postern.errors import BadInput, Conflict
from postern.keystore.ages import KeyAge
from postern.keystore.rotation_store import Kind
from postern.operations.keys import key_desk
from postern.operations.keys.key_desk import KeyState
from postern.web.forms import EMPTY, Form
from postern.web.i18n import Words
from postern.web.login import Fields, Hub, SignedIn
from postern.web.pages import Caller, go, page, words_for

router = APIRouter()


@dataclass(frozen=True, kw_only=True, slots=True)
class KeyLine:
    """One kind of key in words. `step` and `percent` are of a rotation that has begun and not ended."""

    kind: str
    count: str
    held: str
    made: str
    days: str
    rotated: str
    due: str
    overdue: bool
    step: str
    percent: int


@router.get("/keys")
async def keys(request: Request, hub: Hub, caller: SignedIn) -> Response:
    """What keys there are."""
    return await _page(request, hub, caller, EMPTY)


@router.post("/keys")
async def rotate(request: Request, hub: Hub, caller: SignedIn, fields: Fields) -> Response:
    """Begin a rotation, or go on with one that was cut off."""
    fields.needed("reason")
    kind = fields.parsed("kind", Kind, "form.not-in-list")
    if fields.errors or kind is None:
        return await _page(request, hub, caller, fields.result())
    try:
        await key_desk.start_rotation(hub, caller.actor, kind, reason=fields.text("reason"))
    except Conflict:
        return await _page(request, hub, caller, fields.result(kind="keys.already"))
    except BadInput as fault:
        return await _page(request, hub, caller, fields.result(fault))
    return go("/keys", "rotation-started")


async def _page(request: Request, hub: Hub, caller: Caller, form: Form) -> Response:
    t, today = words_for(request), utc_day(hub.clock.now())
    found = await key_desk.keys(hub, caller.actor)
    return page(
        request,
        "trust/keys.html",
        status=422 if form.wrong else 200,
        lines=[_line(one, today, t) for one in found.states],
        running=found.running,
        fault=found.fault,
        kinds=[(kind.value, t(f"keys.kind-{kind.value}")) for kind in key_desk.STARTED_HERE],
        form=form,
    )


def _line(state: KeyState, today: date, t: Words) -> KeyLine:
    age, far = state.age, state.progress
    step, percent = "", 0
    if far is not None:
        words = "sweeping" if far.sweeping else "computing" if age.kind == Kind.INDEX else "rewrapping"
        step = t(f"keys.step-{words}", done=far.done, total=far.total)
        percent = 100 * far.done // far.total if far.total else 100
    return KeyLine(
        kind=age.kind,
        count=f"{age.count:,}",
        held=_held(age, t),
        made=_span(age, t),
        days=_days(age, today, t),
        rotated=t.day(age.rotated) if age.rotated else t("keys.never"),
        due=t.day(age.due) if age.due else "",
        overdue=age.due is not None and age.due < today,
        step=step,
        percent=percent,
    )


def _held(age: KeyAge, t: Words) -> str:
    if age.holder is not None:
        return t.code("keys.holder", age.holder)
    return t("keys.version", n=age.version) if age.version is not None else ""


def _days(age: KeyAge, today: date, t: Words) -> str:
    """How old the newest one is; nothing of keys that are made every day."""
    if age.newest is None or age.kind == "site-day":
        return ""
    return t("keys.days", n=max(0, (today - age.newest).days))


def _span(age: KeyAge, t: Words) -> str:
    if age.oldest is None or age.newest is None:
        return ""
    if age.oldest == age.newest:
        return t.day(age.oldest)
    return t("keys.span", first=t.day(age.oldest), last=t.day(age.newest))
