"""Identification: whose references does a probe resemble, and clearly enough to say so?

The comparison score is 1 - distance / farthest, never below 0, where `distance` is the Euclidean distance of
two vectors and `farthest` stands on the model's card. It grows with similarity: 1 means the same vector.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from postern.biometrics.model import ModelCard, Reference, Template
from postern.errors import BadInput
from postern.ids import PersonId


@dataclass(frozen=True, kw_only=True, slots=True)
class Candidate:
    """A person whose references resemble a probe, with the best comparison score among them."""

    person: PersonId
    score: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Match:
    """The probe is taken for `person`."""

    person: PersonId
    score: float


class NoMatchReason(StrEnum):
    """Why nobody was named."""

    EMPTY_GALLERY = "empty-gallery"
    BELOW_THRESHOLD = "below-threshold"
    AMBIGUOUS = "ambiguous"


@dataclass(frozen=True, kw_only=True, slots=True)
class NoMatch:
    """The probe is taken for nobody; `score` is the best there was, 0 in an empty gallery."""

    reason: NoMatchReason
    score: float


def compare(card: ModelCard, first: Template, second: Template) -> float:
    """The comparison score of two templates, 0 to 1. Raises BadInput unless both are of the card's model."""
    _require_model(card, first)
    _require_model(card, second)
    return float(score_of(card, np.linalg.norm(first.vector - second.vector)))


def score_of(card: ModelCard, distance: np.floating | float) -> float:
    """The comparison score that belongs to a Euclidean distance."""
    return max(0.0, 1.0 - float(distance) / card.farthest)


class Gallery:
    """The references of one site, held as one matrix in memory. Built once, then only read."""

    def __init__(self, card: ModelCard, references: Iterable[Reference]) -> None:
        """Raises BadInput when a reference is of another model than `card`."""
        kept = list(references)
        for reference in kept:
            _require_model(card, reference.template)
        self.card = card
        self._people = list(dict.fromkeys(reference.person for reference in kept))
        place = {person: index for index, person in enumerate(self._people)}
        self._owner = np.array([place[reference.person] for reference in kept], dtype=np.intp)
        self._matrix = np.array([r.template.vector for r in kept], dtype=np.float32).reshape(-1, card.length)
        self._squares = np.einsum("ij,ij->i", self._matrix, self._matrix)

    def __len__(self) -> int:
        """How many references it holds."""
        return len(self._matrix)

    def search(self, template: Template, k: int = 5) -> list[Candidate]:
        """The `k` most similar people, best first. Each counts with the best of their references."""
        _require_model(self.card, template)
        if not len(self):
            return []
        nearest = self._nearest_of_each_person(template)
        order = np.argsort(nearest)[:k]
        return [Candidate(person=self._people[i], score=score_of(self.card, nearest[i])) for i in order]

    def _nearest_of_each_person(self, template: Template) -> npt.NDArray[np.float32]:
        vector = template.vector
        squared = self._squares - 2.0 * (self._matrix @ vector) + vector @ vector
        nearest = np.full(len(self._people), np.inf, dtype=np.float32)
        np.minimum.at(nearest, self._owner, np.sqrt(np.maximum(squared, 0.0)))
        return nearest


def identify(
    gallery: Gallery, probe: Template, *, threshold: float | None = None, margin: float | None = None
) -> Match | NoMatch:
    """Name the one person whom the probe clearly resembles, or nobody.

    `threshold` and `margin` are comparison scores; None takes those of the model's card.
    """
    threshold = gallery.card.threshold if threshold is None else threshold
    margin = gallery.card.margin if margin is None else margin
    best = gallery.search(probe, k=2)
    if not best:
        return NoMatch(reason=NoMatchReason.EMPTY_GALLERY, score=0.0)
    if best[0].score < threshold:
        return NoMatch(reason=NoMatchReason.BELOW_THRESHOLD, score=best[0].score)
    if len(best) > 1 and best[0].score - best[1].score < margin:
        return NoMatch(reason=NoMatchReason.AMBIGUOUS, score=best[0].score)
    return Match(person=best[0].person, score=best[0].score)


def duplicates(gallery: Gallery, template: Template, *, threshold: float | None = None) -> list[Candidate]:
    """Everyone already enrolled whom a new template resembles at or above `threshold`, best first."""
    threshold = gallery.card.threshold if threshold is None else threshold
    return [one for one in gallery.search(template, k=len(gallery)) if one.score >= threshold]


def _require_model(card: ModelCard, template: Template) -> None:
    if template.model != card.id or len(template.vector) != card.length:
        raise BadInput(
            f"A template of {template.model} is not comparable with those of {card.id}; enrol the face again."
        )
