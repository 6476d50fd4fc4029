"""What was seen in a picture, as boxes to draw over it and words beside it; pure."""

from __future__ import annotations

from dataclasses import dataclass

from postern.access.decision import Decision, Granted
from postern.operations.archive.try_picture import Tried, TriedFace, TriedPlate
from postern.web.i18n import Words

LABEL_SHARE = 28
"""A label is this share of the picture's longer side high."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """What the door would do, and why."""

    tone: str
    words: str
    why: str
    cure: str


@dataclass(frozen=True, kw_only=True, slots=True)
class FaceView:
    """A face: its box, quality, comparison and verdict."""

    x: int
    y: int
    width: int
    height: int
    quality: float
    problems: tuple[str, ...]
    who: str | None
    score: float
    threshold: float
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class PlateView:
    """A plate: its corners as SVG points, reading and verdict."""

    points: str
    text: str
    country: str | None
    score: float
    who: str | None
    verdict: Verdict


@dataclass(frozen=True, kw_only=True, slots=True)
class Label:
    """A number or a plate written at its box."""

    x: float
    y: float
    width: float
    height: float
    text: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SeenView:
    """The whole answer. `jpeg`: the picture in base64, empty when it cannot be shown again."""

    jpeg: str
    width: int
    height: int
    faces: tuple[FaceView, ...]
    plates: tuple[PlateView, ...]
    labels: tuple[Label, ...]


def seen_of(tried: Tried, t: Words, jpeg: str) -> SeenView:
    """Boxes, labels and words."""
    height = max(tried.width, tried.height) / LABEL_SHARE
    places = [(one.box.x, one.box.y, str(n)) for n, one in enumerate(tried.faces, start=1)]
    corners = [(one.reading.quad[0], one.reading.text) for one in tried.plates]
    places += [(round(x), round(y), text) for (x, y), text in corners]
    return SeenView(
        jpeg=jpeg,
        width=tried.width,
        height=tried.height,
        faces=tuple(_face(one, t) for one in tried.faces),
        plates=tuple(_plate(one, t) for one in tried.plates),
        labels=tuple(_label(x, y, text, height) for x, y, text in places),
    )


def _label(x: float, y: float, text: str, height: float) -> Label:
    width = height * (0.5 + 0.62 * len(text))
    return Label(x=max(0, x), y=max(0, y - height), width=width, height=height, text=text)


def _face(one: TriedFace, t: Words) -> FaceView:
    return FaceView(
        x=one.box.x,
        y=one.box.y,
        width=one.box.width,
        height=one.box.height,
        quality=one.quality.score,
        problems=tuple(problem.advice(t.language) for problem in one.quality.problems),
        who=one.who,
        score=one.result.score,
        threshold=one.threshold,
        verdict=_verdict(one.decision, t),
    )


def _plate(one: TriedPlate, t: Words) -> PlateView:
    return PlateView(
        points=" ".join(f"{x:.0f},{y:.0f}" for x, y in one.reading.quad),
        text=one.reading.text,
        country=one.reading.country,
        score=one.reading.score,
        who=one.who,
        verdict=_verdict(one.decision, t),
    )


def _verdict(decision: Decision, t: Words) -> Verdict:
    opens = isinstance(decision, Granted)
    return Verdict(
        tone="good" if opens else "bad",
        words=t("try.would-open") if opens else t("try.would-refuse"),
        why=decision.reason.words(t.language),
        cure=decision.reason.cure(t.language),
    )
