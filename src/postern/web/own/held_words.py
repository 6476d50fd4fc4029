"""What is held about a person, in words: the same sections on the page and on paper."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo

from postern.access.reasons import Reason
from postern.operations.privacy.held import Held, OwnLook, OwnPassage, OwnPunch, OwnVisit
from postern.privacy.lawful import LawfulRequest
from postern.privacy.model import Consent
from postern.privacy.requests import OwnRequest
from postern.privacy.texts import Ground
from postern.web.i18n import Words
from postern.web.papers import Line, Section
from postern.web.purpose_words import purpose_words


def sections(held: Held, t: Words, zone: tzinfo) -> Sequence[Section]:
    """All of it, in the order in which a person would ask."""
    return (
        _looks(held, t, zone),
        _details(held, t),
        _face(held, t, zone),
        _access(held, t, zone),
        _section(
            "vehicles", t, [Line(label=one.plate, value=one.description or "–") for one in held.vehicles]
        ),
        _section("visits", t, [_visit(one, t, zone) for one in held.visits]),
        _employments(held, t),
        _passages(held, t, zone),
        _section("punches", t, [_punch(one, t, zone) for one in held.punches]),
        _section("kept-for", t, [_kept(t, one.site, one.days, one.picture_days) for one in held.kept_for]),
        _section("grounds", t, [_ground(one, t) for one in held.grounds]),
        _section("authorities", t, [_authority(one, t) for one in held.authorities]),
        _section("requests", t, [_request(one, t, zone) for one in held.requests]),
    )


def _section(key: str, t: Words, lines: Sequence[Line]) -> Section:
    return Section(key=key, title=t(f"held.{key}"), lines=tuple(lines), nothing=t(f"held.no-{key}"))


def _looks(held: Held, t: Words, zone: tzinfo) -> Section:
    return _section("looks", t, [_look(one, t, zone) for one in held.looks])


def _look(one: OwnLook, t: Words, zone: tzinfo) -> Line:
    who = t("held.yourself") if one.by_oneself else one.actor
    case = f" ({one.case})" if one.case else ""
    purpose = purpose_words(one.purpose, t)
    return Line(label=t.moment(one.at, zone), value=f"{who} · {t.code('act', one.act)} · {purpose}{case}")


def _details(held: Held, t: Words) -> Section:
    details = held.details
    told = (
        ("name", details.name),
        ("number", details.employee_number or ""),
        ("resident-id", details.resident_id_number or ""),
        ("sex", t(f"sex.{details.sex.value}") if details.sex else ""),
        ("born", t.day(details.birth_date) if details.birth_date else ""),
        ("mail", details.mail or ""),
        ("home-site", held.home_site),
        ("notes", details.notes),
    )
    return _section("details", t, [Line(label=t(f"held.{key}"), value=value) for key, value in told if value])


def _face(held: Held, t: Words, zone: tzinfo) -> Section:
    lines = [_consent(one, t, zone) for one in held.consents]
    if held.face_references:
        kept = t("held.photo-kept") if held.photo_kept else t("held.photo-not-kept")
        lines.append(
            Line(label=t("held.references"), value=f"{t('held.templates', n=held.face_references)} {kept}")
        )
    return _section("face", t, lines)


def _consent(one: Consent, t: Words, zone: tzinfo) -> Line:
    until = (
        t("held.withdrawn", at=t.moment(one.withdrawn_at, zone)) if one.withdrawn_at else t("held.in-force")
    )
    told = [t(f"consent-form.{one.form.value}"), one.wording, one.guardian, one.reference, until]
    return Line(
        label=t("held.consent-of", at=t.moment(one.given_at, zone)),
        value=" · ".join(text for text in told if text),
    )


def _access(held: Held, t: Words, zone: tzinfo) -> Section:
    lines = [
        Line(
            label=t(f"credential.{one.kind}"),
            value=" · ".join(text for text in (one.shown, t("access.revoked") if one.revoked else "") if text)
            or t("held.in-force"),
        )
        for one in held.credentials
    ]
    lines += [Line(label=one.level, value=_span(one.start, one.end, t, zone)) for one in held.access]
    if held.blocked:
        lines.insert(0, Line(label=t("held.blocked"), value=t("held.blocked-text")))
    return _section("access", t, lines)


def _span(start: datetime | None, end: datetime | None, t: Words, zone: tzinfo) -> str:
    if start is None and end is None:
        return t("held.always")
    return f"{t.moment(start, zone) if start else ''} – {t.moment(end, zone) if end else ''}"


def _employments(held: Held, t: Words) -> Section:
    lines = [
        Line(
            label=f"{t.day(one.first)} – {t.day(one.last) if one.last else ''}",
            value=" · ".join(
                text for text in (one.employer or held.organisation, one.occupation, one.site) if text
            ),
        )
        for one in held.employments
    ]
    return _section("employments", t, lines)


def _visit(one: OwnVisit, t: Words, zone: tzinfo) -> Line:
    return Line(
        label=_span(one.start, one.end, t, zone), value=f"{one.site} · {t(f'visit.state-{one.state}')}"
    )


def _passages(held: Held, t: Words, zone: tzinfo) -> Section:
    return _section("passages", t, [_passage(one, t, zone) for one in held.passages])


def _passage(one: OwnPassage, t: Words, zone: tzinfo) -> Line:
    told = (
        one.site,
        one.access_point,
        one.plate,
        t(f"credential.{one.by}"),
        Reason(one.reason).words(t.language),
        t.code("outcome", one.outcome) if one.outcome else "",
        t("held.with-picture") if one.has_picture else "",
    )
    return Line(label=t.moment(one.at, zone), value=" · ".join(text for text in told if text))


def _punch(one: OwnPunch, t: Words, zone: tzinfo) -> Line:
    way, source = t(f"hours.way-{one.direction}"), t(f"hours.source-{one.source}")
    return Line(label=t.moment(one.at, zone), value=f"{way} · {source}")


def _kept(t: Words, site: str, days: int, pictures: int) -> Line:
    return Line(label=site, value=t("held.days", n=days, pictures=pictures))


def _request(one: OwnRequest, t: Words, zone: tzinfo) -> Line:
    told = (t(f"held.asked-{one.kind.value}"), one.text, t(f"held.state-{one.state.value}"), one.answer)
    return Line(label=t.moment(one.asked_at, zone), value=" · ".join(text for text in told if text))


def _authority(one: LawfulRequest, t: Words) -> Line:
    told = (one.authority, one.law, one.asked, t(f"requests.{one.answer.value}"), one.handed)
    return Line(label=t.day(one.received), value=" · ".join(text for text in told if text))


def _ground(one: Ground, t: Words) -> Line:
    told = (t(f"grounds.{one.basis.value}"), one.reference)
    return Line(label=t(f"grounds.{one.purpose.value}"), value=" · ".join(text for text in told if text))
