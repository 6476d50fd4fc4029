"""Jurisdiction profiles: what the law of a place lets a site do with faces, as dated rules that cite it.

Each rule says its value, the article, and why, in both languages; a later one ends an earlier one, which
stays. A profile extends another: what it does not say, the other does. They are data (`jurisdictions/*.yaml`)
and no legal advice: whoever runs a site answers for the choice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from postern.errors import NotFound, Refused
from postern.privacy.model import Consent, ConsentForm, LegalBasis
from postern.privacy.texts import Basis, ConsentText, Ground, Grounds, MovementsText, Purpose

FALLBACK = "general"


class WorkingTime(StrEnum):
    """Whether hours may be counted from a face."""

    WITH_CONSENT = "with-consent"
    REFUSED = "refused"


@dataclass(frozen=True, kw_only=True, slots=True)
class Text:
    """The same in both languages."""

    en: str
    zh: str

    def in_language(self, language: str) -> str:
        """What to show."""
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True, kw_only=True, slots=True)
class Ruling:
    """What a law says about one question: `value` as its reader below takes it."""

    value: str
    article: Text
    why: Text
    since: date
    until: date | None = None

    def holds(self, on: date) -> bool:
        """Whether it is in force on that day."""
        return self.since <= on and (self.until is None or on <= self.until)


class ForbiddenHere(Refused):
    """The site's jurisdiction does not allow it; the message says why and cites the article."""

    code = "forbidden-here"

    def __init__(self, ruling: Ruling) -> None:
        super().__init__(f"{ruling.why.en} ({ruling.article.en})")
        self.ruling = ruling

    def in_language(self, language: str) -> str:
        """The reason as a page of that language says it, with the article."""
        said = self.ruling.why.in_language(language)
        return f"{said} ({self.ruling.article.in_language(language)})"


@dataclass(frozen=True, kw_only=True, slots=True)
class Profile:
    """A jurisdiction's rulings in force on one day, by question."""

    id: str
    names: Text
    countries: tuple[str, ...]
    consent_text: ConsentText
    """The wording that its sites begin with."""
    movements_text: MovementsText
    rulings: Mapping[str, Ruling]

    def ruling(self, question: str) -> Ruling | None:
        """What it says about `question`, if anything."""
        return self.rulings.get(question)

    @property
    def working_time(self) -> WorkingTime:
        """Whether hours may be counted from a face."""
        return WorkingTime(self.rulings["working-time"].value)

    @property
    def guardian_age(self) -> int:
        """Whoever is younger consents through a guardian."""
        return int(self.rulings["guardian-age"].value)

    @property
    def consent_forms(self) -> frozenset[ConsentForm]:
        """How a consent may be expressed."""
        return frozenset(ConsentForm(one) for one in self.rulings["consent-forms"].value.split())

    @property
    def other_basis(self) -> bool:
        """Whether anything but consent may carry the use of a face."""
        return self.rulings["other-basis"].value == "allowed"

    @property
    def default_days(self) -> int:
        """For how many days a site keeps records of passages until it says otherwise."""
        return int(self.rulings["default-days"].value)

    @property
    def default_picture_days(self) -> int:
        """The same of pictures."""
        return int(self.rulings["default-picture-days"].value)

    @property
    def longest_days(self) -> int:
        """For how many days records of passages may be kept."""
        return int(self.rulings["longest-days"].value)

    @property
    def longest_picture_days(self) -> int:
        """For how many days pictures may be kept."""
        return int(self.rulings["longest-picture-days"].value)

    @property
    def filing_at(self) -> int | None:
        """With how many people's faces the authority must be told; None where it never must."""
        found = self.rulings.get("filing-at")
        return None if found is None else int(found.value)

    def ground(self, purpose: Purpose) -> Ground:
        """On what its sites let a purpose rest until they say otherwise; a duty cites its law."""
        ruling = self.rulings[f"basis-{purpose.value}"]
        basis = Basis(ruling.value)
        return Ground(
            purpose=purpose,
            basis=basis,
            reference=ruling.article.en if basis.needs_reference else "",
        )

    def refuse_hours_by_face(self, *, consents: bool) -> None:
        """Raises ForbiddenHere where a face passage of whoever `consents` or not may not become a punch."""
        if self.working_time is WorkingTime.REFUSED or not consents:
            raise ForbiddenHere(self.rulings["working-time"])

    def refuse_consent(self, consent: Consent, *, born: date | None, on: date) -> None:
        """Raises ForbiddenHere where this consent to face recognition would be none."""
        if consent.basis is not LegalBasis.CONSENT:
            if not self.other_basis:
                raise ForbiddenHere(self.rulings["other-basis"])
        else:
            self.refuse_form(consent.form)
        if born is not None and age(born, on) < self.guardian_age and not consent.guardian:
            raise ForbiddenHere(self.rulings["guardian-age"])

    def refuse_form(self, form: ConsentForm) -> None:
        """Raises ForbiddenHere where a consent so expressed would be none."""
        if form not in self.consent_forms:
            raise ForbiddenHere(self.rulings["consent-forms"])

    def refuse_child(self, *, guardian: str) -> None:
        """Raises ForbiddenHere where somebody under age consents without a guardian."""
        if not guardian.strip():
            raise ForbiddenHere(self.rulings["guardian-age"])

    def refuse_retention(self, *, days: int, picture_days: int) -> None:
        """Raises ForbiddenHere where records or pictures would be kept for too long."""
        if days > self.longest_days:
            raise ForbiddenHere(self.rulings["longest-days"])
        if picture_days > self.longest_picture_days:
            raise ForbiddenHere(self.rulings["longest-picture-days"])


def age(born: date, on: date) -> int:
    """Full years."""
    return on.year - born.year - ((on.month, on.day) < (born.month, born.day))


_STRICTEST_FIRST = (Basis.CONSENT, Basis.LEGAL_DUTY, Basis.PUBLIC, Basis.CONTRACT, Basis.INTERESTS)


def first_grounds(every: Sequence[Profile]) -> Grounds:
    """On what each purpose rests where nobody said otherwise: on the strictest that a profile begins with."""
    return Grounds(
        every=tuple(
            min((one.ground(purpose) for one in every), key=lambda one: _STRICTEST_FIRST.index(one.basis))
            for purpose in Purpose
        )
    )


def first_text(every: Sequence[Profile]) -> ConsentText:
    """The wording that whoever is known at sites of these profiles reads first: each law's own, one below the
    other."""
    found = {one.consent_text.edition: one.consent_text for one in every}
    return ConsentText(
        number=0,
        edition=" + ".join(found),
        en="\n\n".join(one.en for one in found.values()),
        zh="\n\n".join(one.zh for one in found.values()),
    )


def refuse_movements(every: Sequence[Profile], basis: Basis, *, consents: bool) -> None:
    """Raises where records of movements rest on a consent that is not there: ForbiddenHere with the article
    of a law that begins with it, or else Refused."""
    if consents or basis is not Basis.CONSENT:
        return
    for one in every:
        ruling = one.rulings[f"basis-{Purpose.MOVEMENTS.value}"]
        if ruling.value == Basis.CONSENT.value:
            raise ForbiddenHere(ruling)
    raise Refused(
        "records of who passed where rest on consent here, and this person has not given it; record it as "
        "well, or choose another legal basis for those records"
    )


@dataclass(frozen=True, kw_only=True, slots=True)
class _Written:
    """A profile as its file has it, with what it extends."""

    id: str
    extends: str | None
    names: Text
    countries: tuple[str, ...]
    consent_text: ConsentText
    movements_text: MovementsText | None
    rules: Mapping[str, tuple[Ruling, ...]]


def profiles(on: date) -> Sequence[Profile]:
    """Every profile as in force on that day, by id."""
    return [profile(id, on) for id in sorted(_written())]


def profile(id: str, on: date) -> Profile:
    """The profile of that id as in force on that day. Raises NotFound."""
    written = _written().get(id)
    if written is None:
        raise NotFound("there is no such jurisdiction profile; choose one from the list")
    above = profile(written.extends, on) if written.extends is not None else None
    movements = written.movements_text or (above.movements_text if above is not None else None)
    if movements is None:
        raise ValueError(f"profile {id} has no wording for movements, nor has what it extends")
    own = {
        question: max((one for one in every if one.holds(on)), key=lambda one: one.since)
        for question, every in written.rules.items()
        if any(one.holds(on) for one in every)
    }
    return Profile(
        id=id,
        names=written.names,
        countries=written.countries,
        consent_text=written.consent_text,
        movements_text=movements,
        rulings={**(above.rulings if above is not None else {}), **own},
    )


def profile_of_country(country: str | None, on: date) -> Profile:
    """The profile by which a site of that country begins (ISO 3166-1 alpha-2)."""
    found = [one.id for one in _written().values() if country in one.countries]
    return profile(found[0] if found else FALLBACK, on)


def strictest_refusal(every: Sequence[Profile], consent: Consent, *, born: date | None, on: date) -> None:
    """Every profile must take the consent: a face is known at each of the sites."""
    for one in every:
        one.refuse_consent(consent, born=born, on=on)


@cache
def _written() -> Mapping[str, _Written]:
    folder = files("postern.privacy") / "jurisdictions"
    read = [
        yaml.safe_load(file.read_text("utf-8")) for file in folder.iterdir() if file.name.endswith(".yaml")
    ]
    return {one["id"]: _read(one) for one in read}


def _read(document: Mapping[str, Any]) -> _Written:
    return _Written(
        id=document["id"],
        extends=document.get("extends"),
        names=Text(**document["names"]),
        countries=tuple(document["countries"]),
        consent_text=ConsentText(number=0, **document["consent-text"]),
        movements_text=MovementsText(**found) if (found := document.get("movements-text")) else None,
        rules={
            question: tuple(_ruling(one) for one in every) for question, every in document["rules"].items()
        },
    )


def _ruling(written: Mapping[str, Any]) -> Ruling:
    value = written["value"]
    return Ruling(
        value=" ".join(value) if isinstance(value, list) else str(value),
        article=Text(**written["article"]),
        why=Text(**written["why"]),
        since=written["since"],
        until=written.get("until"),
    )
