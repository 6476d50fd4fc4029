"""Tracks of faces. A track's templates live in memory only, and no longer than the face is in sight."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np

from postern.access.decision import FacePresented
from postern.agent.track import Observation, TrackRules, overlap, paired
from postern.biometrics.comparison import Match, NoMatch, NoMatchReason, score_of
from postern.biometrics.model import NOT_CHECKED, Box, ModelCard, Pad, PadResult, Template
from postern.biometrics.quality import FaceQuality
from postern.ids import PersonId

_POOR = 1 / 3
"""What a poor sample of an unknown face counts: a far or turned face says little about who it is not."""
_LOOSER = 1.3
"""How much farther than the threshold's distance the same face may be while it also stands in place."""
_IN_PLACE = 0.3


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class FaceSeen:
    """One face in one frame, compared with the site's gallery."""

    box: Box
    template: Template
    quality: FaceQuality
    result: Match | NoMatch
    pad: Pad = NOT_CHECKED

    @property
    def person(self) -> PersonId | None:
        """Whom it was taken for."""
        return self.result.person if isinstance(self.result, Match) else None


@dataclass(kw_only=True, slots=True, eq=False)
class _Track:
    box: Box
    template: Template
    seen_at: datetime
    votes: Counter[PersonId] = field(default_factory=Counter)
    best: dict[PersonId, tuple[float, int]] = field(default_factory=dict)
    best_unknown: tuple[float, int] = (-1.0, 0)
    unknown_weight: float = 0.0
    unknown_score: float = 0.0
    ambiguous: int = 0
    attacks: int = 0
    pad: Pad = NOT_CHECKED
    frames: int = 0
    told: PersonId | None = None
    told_unknown: bool = False

    def add(self, face: FaceSeen, at: datetime, frame: int) -> None:
        """Take in one more sighting."""
        self.box, self.template, self.seen_at = face.box, face.template, at
        self.frames += 1
        self.attacks += face.pad.result is PadResult.ATTACK
        self.pad = face.pad
        if isinstance(face.result, Match):
            person = face.result.person
            self.votes[person] += 1
            self.best[person] = max(self.best.get(person, (-1.0, 0)), (face.result.score, frame))
            return
        self.unknown_weight += _POOR if face.quality.problems else 1.0
        self.unknown_score = max(self.unknown_score, face.result.score)
        self.ambiguous += face.result.reason is NoMatchReason.AMBIGUOUS
        self.best_unknown = max(self.best_unknown, (face.quality.score, frame))

    def leader(self) -> tuple[PersonId | None, int]:
        """Whom most frames name, and in how many; nobody unless they are twice as many as all others."""
        if not self.votes:
            return None, 0
        person, count = self.votes.most_common(1)[0]
        return (person, count) if count >= 2 * (self.votes.total() - count) else (None, 0)

    def observation(self, result: Match | NoMatch, frame: int) -> Observation:
        """The observation of this track."""
        attack = 2 * self.attacks > self.frames
        pad = Pad(result=PadResult.ATTACK) if attack else self.pad
        return Observation(presented=FacePresented(result=result, pad=pad), frame=frame, frames=self.frames)

    def no_match(self) -> NoMatch:
        """What an unknown face is reported as."""
        ambiguous = 2 * self.ambiguous > self.frames or len(self.votes) > 1
        reason = NoMatchReason.AMBIGUOUS if ambiguous else NoMatchReason.BELOW_THRESHOLD
        return NoMatch(reason=reason, score=self.unknown_score)


class FaceTracker:
    """The faces before one camera. Give it every frame's faces in the order of time."""

    def __init__(self, card: ModelCard, rules: TrackRules | None = None) -> None:
        self._card = card
        self._rules = rules or TrackRules()
        self._tracks: list[_Track] = []
        self._present: dict[PersonId, datetime] = {}

    def step(self, at: datetime, frame: int, faces: Sequence[FaceSeen]) -> list[Observation]:
        """The observations that became safe with this frame, whose index is `frame`."""
        self._forget(at)
        for face in faces:
            if face.person in self._present:
                self._present[face.person] = at
        observations = []
        for track, face in self._associated(faces, at):
            track.add(face, at, frame)
            if track.told is not None:
                self._present[track.told] = at
            observation = self._verdict(track, at)
            observations += [observation] if observation else []
        return observations

    def finish(self) -> list[Observation]:
        """The source has ended: decide the open tracks on the frames that they have."""
        observations = [one for track in self._tracks if (one := self._last_verdict(track)) is not None]
        self._tracks.clear()
        self._present.clear()
        return observations

    def wanted_frames(self) -> frozenset[int]:
        """Indexes of the frames that may still become evidence: at most one for each open track."""
        return frozenset(
            track.best[person][1] for track in self._tracks if track.told is None for person in track.best
        )

    def _verdict(self, track: _Track, at: datetime) -> Observation | None:
        person, count = track.leader()
        if track.told is not None:
            return None
        if person is not None and count >= self._rules.votes:
            track.told = person
            already = person in self._present
            self._present[person] = at
            score, frame = track.best[person]
            return None if already else track.observation(Match(person=person, score=score), frame)
        enough = self._rules.patience * (2 if track.votes else 1)
        if not track.told_unknown and track.unknown_weight >= enough:
            track.told_unknown = True
            return track.observation(track.no_match(), track.best_unknown[1])
        return None

    def _last_verdict(self, track: _Track) -> Observation | None:
        person, _ = track.leader()
        if track.told is not None or person in self._present:
            return None
        if person is not None:
            score, frame = track.best[person]
            return track.observation(Match(person=person, score=score), frame)
        good = track.unknown_weight >= 1 or self._rules.patience == 1
        if good and not track.told_unknown:
            return track.observation(track.no_match(), track.best_unknown[1])
        return None

    def _associated(self, faces: Sequence[FaceSeen], at: datetime) -> list[tuple[_Track, FaceSeen]]:
        affinities = [
            (affinity, left, right)
            for left, track in enumerate(self._tracks)
            for right, face in enumerate(faces)
            if (affinity := self._affinity(track, face)) is not None
        ]
        pairs = [(self._tracks[left], right) for left, right in paired(affinities)]
        taken = {right for _, right in pairs}
        for right, face in enumerate(faces):
            if right not in taken:
                track = _Track(box=face.box, template=face.template, seen_at=at)
                self._tracks.append(track)
                pairs.append((track, right))
        return [(track, faces[right]) for track, right in pairs]

    def _affinity(self, track: _Track, face: FaceSeen) -> float | None:
        """How well a face continues a track, None when it does not."""
        distance = np.linalg.norm(track.template.vector - face.template.vector)
        likeness, place = score_of(self._card, distance), overlap(track.box, face.box)
        if track.told is not None and face.person is not None:
            return 2.0 + place if track.told == face.person else None
        looser = 1.0 - _LOOSER * (1.0 - self._card.threshold)
        if likeness >= self._card.threshold or (place >= _IN_PLACE and likeness >= looser):
            return likeness + place
        return None

    def _forget(self, at: datetime) -> None:
        lost, absence = timedelta(seconds=self._rules.lost), timedelta(seconds=self._rules.absence)
        self._tracks = [track for track in self._tracks if at - track.seen_at <= lost]
        self._present = {person: seen for person, seen in self._present.items() if at - seen < absence}
