"""What a case's page shows of what was seen and of the session it is about; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.operations.parking.cases import CasePage, CaseRow
from postern.operations.parking.pay_session import SessionPrice
from postern.parking.cases import Case, CaseKind, CaseState, Resolution
from postern.parking.session import Session, Who
from postern.web.console.garage_prices import QuoteRow, quote_rows, stay_words
from postern.web.i18n import Words

URGENT = timedelta(minutes=2)
"""Whoever stands at a barrier longer than that is shown in red."""
AT_EXIT = (CaseKind.UNREADABLE, CaseKind.MISSING_ENTRY, CaseKind.AMBIGUOUS)

WHYS: dict[CaseKind, tuple[str, ...]] = {
    CaseKind.UNREADABLE: ("plate-clear", "plate-dirty", "driver-told"),
    CaseKind.AMBIGUOUS: ("plate-clear", "driver-told", "same-car"),
    CaseKind.MISSING_ENTRY: ("not-read-at-entry", "driver-told", "lane-fault"),
    CaseKind.MISSING_EXIT: ("left-unseen", "still-inside"),
    CaseKind.CLONED: ("plate-clear", "look-alike", "reported"),
    CaseKind.TWO_VEHICLES: ("followed-another", "plate-clear"),
    CaseKind.UNPAID_EXIT: ("promised", "paid-elsewhere", "goodwill"),
    CaseKind.FOREIGN: ("promised", "goodwill"),
    CaseKind.WAITING: ("plate-clear", "driver-told", "payment-fault", "goodwill"),
    CaseKind.HELP: ("driver-told", "payment-fault", "lane-fault", "goodwill"),
    CaseKind.UNKNOWN_SESSION: ("checked-provider", "same-car"),
    CaseKind.WRONG_AMOUNT: ("checked-provider", "goodwill"),
    CaseKind.REFUND_FAILED: ("checked-provider",),
    CaseKind.TOO_LATE: ("lane-fault",),
}
"""The usual reasons for each kind; the first one is chosen already, so that one tap is enough."""
OTHER = "other"
WHY_CODES = (*sorted({one for codes in WHYS.values() for one in codes}), OTHER)


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseLine:
    """A case in the queue. `since` is when it was opened, `age` how long ago that was."""

    id: UUID
    href: str
    title: str
    where: str
    icon: str
    tone: str
    since: datetime
    age: str
    calls: bool
    standing: bool
    link_sent: bool
    owed: str


@dataclass(frozen=True, kw_only=True, slots=True)
class AnsweredLine:
    """A case that a person answered, and how long that took."""

    href: str
    title: str
    where: str
    took: str


@dataclass(frozen=True, kw_only=True, slots=True)
class PictureView:
    """What was seen once: the picture, the plate as read, and how surely (`score` 0 to 1; `sure`: words)."""

    name: str
    src: str
    alt: str
    plate: str
    score: float
    sure: str
    time: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SessionView:
    """A session with its price, line by line."""

    entered: str
    left: str
    stay: str
    permit: bool
    paid: str
    owed: str
    lines: tuple[QuoteRow, ...]
    total: str
    vat: str


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseView:
    """A case as its page shows it."""

    id: UUID
    site_id: int
    title: str
    advice: str
    where: str
    opened: str
    since: datetime
    age: str
    open: bool
    state: str
    state_tone: str
    read: str
    pictures: tuple[PictureView, ...]
    resolved: str
    resolved_by: str
    reason: str


def case_line(row: CaseRow, now: datetime, t: Words, *, calls: bool) -> CaseLine:
    """A case that waits, and how urgent it is."""
    late = row.waits and now - row.opened_at > URGENT
    return CaseLine(
        id=row.id,
        href=f"/garage/cases/{row.site}/{row.id}",
        title=t(f"case-kind.{row.kind.value}"),
        where=where_words(row, t),
        icon="call" if calls else "vehicle" if row.waits else "cases",
        tone="bad" if calls or late else "warn" if row.waits else "",
        since=row.opened_at,
        age=clock_words(now - row.opened_at),
        calls=calls,
        standing=row.waits,
        link_sent=row.link_sent,
        owed="" if row.owed is None else row.owed.text(t.language),
    )


def answered_line(row: CaseRow, t: Words) -> AnsweredLine:
    """A case that was answered."""
    return AnsweredLine(
        href=f"/garage/cases/{row.site}/{row.id}",
        title=t(f"case-kind.{row.kind.value}"),
        where=where_words(row, t),
        took=clock_words(row.time_to_answer or timedelta(0)),
    )


def where_words(row: CaseRow, t: Words) -> str:
    """Garage and lane."""
    return row.garage if row.lane == "–" else t("cases.at-lane", garage=row.garage, lane=row.lane)


def clock_words(passed: timedelta) -> str:
    """A span as a clock shows it: 0:42, 12:05, 1:02:03."""
    seconds = max(0, int(passed.total_seconds()))
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02}" if hours else f"{minutes}:{seconds % 60:02}"


def case_view(found: CasePage, zone: ZoneInfo, now: datetime, t: Words) -> CaseView:
    """The case with what was seen of it, exit and entry beside each other."""
    case, resolved = found.case, found.case.resolved
    tones = {CaseState.OPEN: "warn", CaseState.RESOLVED: "good", CaseState.SETTLED: "good"}
    return CaseView(
        id=case.id,
        site_id=case.site,
        title=t(f"case-kind.{case.kind.value}"),
        advice=t(f"case-advice.{case.kind.value}"),
        where=where_words(found.row, t),
        opened=t.moment(case.opened_at, zone),
        since=case.opened_at,
        age=clock_words(now - case.opened_at),
        open=case.state is CaseState.OPEN,
        state=t(f"case-state.{case.state.value}"),
        state_tone=tones.get(case.state, "info"),
        read=case.who.plate,
        pictures=_pictures(found, zone, t),
        resolved="" if resolved is None else t(f"resolution-done.{resolved.resolution.value}"),
        resolved_by=""
        if resolved is None
        else t("cases.resolved-by", name=resolved.operator, when=t.moment(resolved.at, zone)),
        reason="" if resolved is None else resolved.reason,
    )


def _pictures(found: CasePage, zone: ZoneInfo, t: Words) -> tuple[PictureView, ...]:
    case, base = found.case, f"/garage/cases/{found.case.site}/{found.case.id}/picture"
    name = t("cases.at-exit") if case.way_out else t("cases.at-entry")
    shown = []
    if case.record is not None or case.who.picture is not None:
        shown.append(_picture(case.who, name, base, t.moment(case.opened_at, zone), t))
    about = next((one.session for one in found.sessions if one.session.id == case.session), None)
    if about is not None and (case.way_out or not shown):
        entered = t.moment(about.entered_at, zone)
        shown.append(_picture(about.who, t("cases.at-entry"), f"{base}?session={about.id}", entered, t))
    return tuple(shown)


def _picture(who: Who, name: str, src: str, time: str, t: Words) -> PictureView:
    return PictureView(
        name=name,
        src=src if who.picture is not None else "",
        alt=t("cases.picture-alt", name=name, time=time),
        plate=who.plate,
        score=round(who.score, 2),
        sure=sure_words(who, t),
        time=time,
    )


def sure_words(who: Who, t: Words) -> str:
    """How surely the plate was read, or who stated it."""
    if who.stated:
        return t("cases.stated")
    if not who.plate:
        return t("cases.not-read")
    words = t("cases.sure") if who.sure else t("cases.unsure")
    return t("cases.score", words=words, score=round(who.score * 100))


def session_view(found: SessionPrice, zone: ZoneInfo, now: datetime, t: Words) -> SessionView:
    """The session with its price."""
    session, price = found.session, found.price
    left = session.left_at
    nothing = session.charged - session.charged
    return SessionView(
        entered=t.moment(session.entered_at, zone),
        left="" if left is None else t.moment(left, zone),
        stay=stay_words(max((left or now) - session.entered_at, timedelta(0)), t),
        permit=session.permit is not None,
        paid=session.paid.text(t.language),
        owed=found.owed.text(t.language),
        lines=() if price is None else quote_rows(price.net, t),
        total=(nothing if price is None else price.net.total).text(t.language),
        vat=(nothing if price is None else price.net.vat).text(t.language),
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class CandidateView:
    """A session that the case may be about."""

    id: UUID
    plate: str
    entered: str
    src: str
    alt: str


def candidate_view(session: Session, case: Case, zone: ZoneInfo, t: Words) -> CandidateView:
    """A session to choose from, with the picture of its entry."""
    entered = t.moment(session.entered_at, zone)
    src = f"/garage/cases/{case.site}/{case.id}/picture?session={session.id}"
    return CandidateView(
        id=session.id,
        plate=session.who.plate,
        entered=entered,
        src=src if session.who.picture is not None else "",
        alt=t("cases.picture-alt", name=t("cases.at-entry"), time=entered),
    )


def actions_for(case: Case) -> tuple[str, ...]:
    """What can be done about a case that waits, the likeliest first."""
    if case.state is not CaseState.OPEN:
        return ()
    found: list[Resolution] = []
    if case.stands_at_barrier and case.lane is not None:
        found.append(Resolution.OPEN)
    if case.candidates and (case.kind in AT_EXIT or case.kind is CaseKind.UNKNOWN_SESSION):
        found.append(Resolution.PAIR)
    if case.record is not None:
        found.append(Resolution.CORRECT_PLATE)
    if case.session is not None:
        found += [Resolution.SEND_PAY_LINK, Resolution.WAIVE]
    return tuple(one.value for one in (*found, Resolution.DISMISS))
