"""Tracks of plates: readings of one vehicle over its frames, voted character by character."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from postern.access.decision import PlatePresented
from postern.agent.track import Observation, TrackRules, overlap, paired
from postern.biometrics.model import Box
from postern.vehicles.plates import PlateReading, comparison_form, normalise

_ALIKE = ("0OQD", "1IL", "2Z", "5S", "6G", "8B")
_CLASS = {character: family[0] for family in _ALIKE for character in family}
_LEAST_SCORE = 0.2
"""Readings below this are not followed at all."""
_IN_PLACE = 0.2
_CHANGED = 3
"""So many readings in a row that agree on another plate than the one told are another vehicle."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Vote:
    """What the readings say together. `score` 0 to 1; `agreeing` readings have exactly this text."""

    text: str
    score: float
    agreeing: int


def vote(readings: Sequence[PlateReading]) -> Vote:
    """Weighted by score: first the length, then each character's family of look-alikes, then the character.

    The score is the best of the agreeing readings, times their share of all weight. Needs one reading.
    """
    by_length: dict[int, float] = defaultdict(float)
    for one in readings:
        by_length[len(normalise(one.text))] += one.score
    length = max(by_length, key=lambda n: (by_length[n], n))
    counted = [(normalise(one.text), one.score) for one in readings if len(normalise(one.text)) == length]
    text = "".join(_character([(word[place], weight) for word, weight in counted]) for place in range(length))
    form = comparison_form(text)
    agreeing = [one.score for one in readings if comparison_form(one.text) == form]
    total = sum(one.score for one in readings)
    share = sum(agreeing) / total if total else 0.0
    return Vote(text=text, score=max(agreeing, default=0.0) * share, agreeing=len(agreeing))


def _character(ballots: list[tuple[str, float]]) -> str:
    families: dict[str, float] = defaultdict(float)
    characters: dict[str, float] = defaultdict(float)
    for character, weight in ballots:
        families[_CLASS.get(character, character)] += weight
        characters[character] += weight
    family = max(families, key=lambda one: (families[one], one))
    members = [one for one in characters if _CLASS.get(one, one) == family]
    return max(members, key=lambda one: (characters[one], one))


def apart(one: str, other: str) -> int:
    """Levenshtein distance of two plates in their comparison form."""
    one, other = comparison_form(one), comparison_form(other)
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        previous, row[0] = row[0], i
        for j, b in enumerate(other, 1):
            previous, row[j] = row[j], min(row[j] + 1, row[j - 1] + 1, previous + (a != b))
    return row[-1]


@dataclass(kw_only=True, slots=True, eq=False)
class _Track:
    box: Box
    seen_at: datetime
    readings: list[PlateReading] = field(default_factory=list)
    best: tuple[float, int] = (-1.0, 0)
    told: str | None = None
    told_subject: UUID | None = None
    told_score: float = 0.0

    def add(self, reading: PlateReading, at: datetime, frame: int) -> None:
        self.box, self.seen_at = _box(reading), at
        self.readings = [*self.readings[-30:], reading]
        self.best = max(self.best, (reading.score, frame))

    def text(self) -> str:
        return self.told if self.told is not None else vote(self.readings).text

    def changed(self) -> bool:
        """Whether it has become another vehicle's: the last readings agree, and not with what was told."""
        last = {comparison_form(one.text) for one in self.readings[-_CHANGED:]}
        enough = self.told is not None and len(self.readings) > _CHANGED
        return enough and len(last) == 1 and comparison_form(self.told or "") not in last


@dataclass(frozen=True, kw_only=True, slots=True)
class _Present:
    """A plate that was told and has not gone: when it was last seen, and the best score it was told with."""

    seen_at: datetime
    score: float


def nothing_asked() -> float:
    """Where no lane asks for a least score, no reading is less sure than it."""
    return 0.0


class PlateTracker:
    """The plates before one camera. `known` says whose a plate is by the policy, None for nobody's.

    `least_score`: what the lane asks for. A plate told less surely is told once more as soon as its vote is
    sure enough: the vehicle stands at the barrier, and a person would be called for it.
    """

    def __init__(
        self,
        known: Callable[[str], UUID | None],
        rules: TrackRules | None = None,
        *,
        least_score: Callable[[], float] = nothing_asked,
    ) -> None:
        self._known = known
        self._rules = rules or TrackRules()
        self._least_score = least_score
        self._tracks: list[_Track] = []
        self._present: dict[str, _Present] = {}

    def step(self, at: datetime, frame: int, readings: Sequence[PlateReading]) -> list[Observation]:
        """The observations that became safe with this frame, whose index is `frame`."""
        observations = self._forget(at)
        followed = [one for one in readings if one.score >= _LEAST_SCORE and normalise(one.text)]
        for followed_track, reading in self._associated(followed, at):
            followed_track.add(reading, at, frame)
            track = self._split(followed_track) if followed_track.changed() else followed_track
            self._keep_present(track, at)
            observation = self._verdict(track, at)
            observations += [observation] if observation else []
        return observations

    def finish(self) -> list[Observation]:
        """The source has ended: decide the open tracks on the frames that they have."""
        observations = [
            self._tell(track, vote(track.readings))
            for track in self._tracks
            if track.told is None and self._is_news(vote(track.readings))
        ]
        self._tracks.clear()
        self._present.clear()
        return observations

    def wanted_frames(self) -> frozenset[int]:
        """Indexes of the frames that may still become evidence: one for each track that may yet be told."""
        least = self._least_score()
        return frozenset(
            track.best[1] for track in self._tracks if track.told is None or track.told_score < least
        )

    def _verdict(self, track: _Track, at: datetime) -> Observation | None:
        voted = vote(track.readings)
        surer = track.told is not None and self._became_sure(track.told_score, voted)
        if track.told_subject is not None and not surer:
            return None
        subject = self._known(voted.text)
        safe = surer or (subject is not None and voted.agreeing >= self._rules.votes)
        if not safe and (track.told is not None or len(track.readings) < self._rules.patience):
            return None
        repeated = not self._is_news(voted) and (track.told is None or subject is None)
        track.told, track.told_subject = voted.text, subject
        track.told_score = max(track.told_score, voted.score)
        self._note_present(voted.text, track.told_score, at)
        return None if repeated else self._tell(track, voted, again=surer)

    def _became_sure(self, told: float, voted: Vote) -> bool:
        return told < self._least_score() <= voted.score

    def _tell(self, track: _Track, voted: Vote, *, again: bool = False) -> Observation:
        return Observation(
            presented=PlatePresented(text=voted.text, score=voted.score),
            frame=track.best[1],
            frames=len(track.readings),
            again=again,
        )

    def _is_news(self, voted: Vote) -> bool:
        """Whether it was not told yet, itself or for unknown ones a look-alike, or not as surely as asked."""
        form, unknown = comparison_form(voted.text), self._known(voted.text) is None
        told = [
            one.score
            for text, one in self._present.items()
            if text == form or (unknown and apart(voted.text, text) <= 1)
        ]
        return not told or self._became_sure(max(told), voted)

    def _keep_present(self, track: _Track, at: datetime) -> None:
        if track.told is not None:
            self._note_present(track.told, track.told_score, at)

    def _note_present(self, text: str, score: float, at: datetime) -> None:
        form = comparison_form(text)
        before = self._present.get(form)
        best = max(score, before.score) if before is not None else score
        self._present[form] = _Present(seen_at=at, score=best)

    def _split(self, track: _Track) -> _Track:
        new = _Track(
            box=track.box, seen_at=track.seen_at, readings=track.readings[-_CHANGED:], best=track.best
        )
        track.readings = track.readings[:-_CHANGED]
        self._tracks = [new if one is track else one for one in self._tracks]
        return new

    def _associated(
        self, readings: Sequence[PlateReading], at: datetime
    ) -> list[tuple[_Track, PlateReading]]:
        affinities = [
            (affinity, left, right)
            for left, track in enumerate(self._tracks)
            for right, reading in enumerate(readings)
            if (affinity := self._affinity(track, reading)) is not None
        ]
        pairs = [(self._tracks[left], right) for left, right in paired(affinities)]
        taken = {right for _, right in pairs}
        for right, reading in enumerate(readings):
            if right not in taken:
                track = _Track(box=_box(reading), seen_at=at)
                self._tracks.append(track)
                pairs.append((track, right))
        return [(track, readings[right]) for track, right in pairs]

    def _affinity(self, track: _Track, reading: PlateReading) -> float | None:
        """How well a reading continues a track, None when it does not."""
        text, place = track.text(), overlap(track.box, _box(reading))
        away = apart(text, reading.text)
        other = self._known(reading.text)
        if away and other is not None and track.told_subject is not None and other != track.told_subject:
            return None
        longest = max(len(text), len(normalise(reading.text)))
        allowed = longest // 2 if place >= _IN_PLACE else longest // 5
        return 1.0 - away / longest + place if away <= allowed else None

    def _forget(self, at: datetime) -> list[Observation]:
        """Let go of what is out of sight; a plate that was read alike often enough is told on leaving."""
        lost, absence = timedelta(seconds=self._rules.lost), timedelta(seconds=self._rules.absence)
        self._present = {text: one for text, one in self._present.items() if at - one.seen_at < absence}
        gone = [track for track in self._tracks if at - track.seen_at > lost]
        self._tracks = [track for track in self._tracks if at - track.seen_at <= lost]
        left = []
        for track in gone:
            voted = vote(track.readings)
            untold = track.told is None and voted.agreeing >= self._rules.votes
            if untold and self._is_news(voted):
                self._note_present(voted.text, voted.score, track.seen_at)
                left.append(self._tell(track, voted))
        return left


def _box(reading: PlateReading) -> Box:
    xs, ys = [x for x, _ in reading.quad], [y for _, y in reading.quad]
    return Box(
        x=int(min(xs)),
        y=int(min(ys)),
        width=max(1, int(max(xs) - min(xs))),
        height=max(1, int(max(ys) - min(ys))),
    )
