"""Whom does a probe resemble, and clearly enough to say so?"""

from __future__ import annotations

from uuid import uuid4

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.biometrics.comparison import (
    Gallery,
    Match,
    NoMatch,
    NoMatchReason,
    compare,
    duplicates,
    identify,
    score_of,
)
from postern.biometrics.model import ModelCard, Reference, Template
from postern.errors import BadInput
from postern.ids import PersonId, ReferenceId

CARD = ModelCard(
    id="drawn-v1",
    input_size=8,
    alignment="none",
    normalisation="none",
    length=4,
    farthest=1.0,
    threshold=0.5,
    verification_threshold=0.4,
    margin=0.1,
    licence="ours",
)
ANNA, BELA = PersonId(uuid4()), PersonId(uuid4())


def template(*values: float, model: str = CARD.id) -> Template:
    return Template(model=model, vector=np.array(values, dtype=np.float32))


def reference(person: PersonId, *values: float) -> Reference:
    return Reference(id=ReferenceId(uuid4()), person=person, template=template(*values))


def test_an_empty_gallery_names_nobody() -> None:
    probe = template(0, 0, 0, 0)
    assert identify(Gallery(CARD, []), probe) == NoMatch(reason=NoMatchReason.EMPTY_GALLERY, score=0.0)
    assert duplicates(Gallery(CARD, []), probe) == []


def test_a_probe_below_the_threshold_is_nobody() -> None:
    gallery = Gallery(CARD, [reference(ANNA, 0, 0, 0, 0)])
    found = identify(gallery, template(0.6, 0, 0, 0))
    assert isinstance(found, NoMatch)
    assert found.reason is NoMatchReason.BELOW_THRESHOLD


def test_a_probe_between_two_people_is_nobody() -> None:
    gallery = Gallery(CARD, [reference(ANNA, 0, 0, 0, 0), reference(BELA, 0.4, 0, 0, 0)])
    found = identify(gallery, template(0.19, 0, 0, 0))
    assert isinstance(found, NoMatch)
    assert found.reason is NoMatchReason.AMBIGUOUS


def test_the_nearest_of_several_references_speaks_for_a_person() -> None:
    gallery = Gallery(CARD, [reference(ANNA, 0.9, 0, 0, 0), reference(ANNA, 0, 0, 0, 0)])
    found = identify(gallery, template(0.1, 0, 0, 0))
    assert isinstance(found, Match)
    assert found.person == ANNA
    assert found.score == pytest.approx(0.9, abs=1e-4)


def test_the_second_reference_of_the_same_person_is_no_rival() -> None:
    gallery = Gallery(CARD, [reference(ANNA, 0, 0, 0, 0), reference(ANNA, 0.01, 0, 0, 0)])
    assert isinstance(identify(gallery, template(0, 0, 0, 0)), Match)


def test_templates_of_different_models_are_never_compared() -> None:
    other = template(0, 0, 0, 0, model="other-v1")
    with pytest.raises(BadInput, match="other-v1"):
        compare(CARD, template(0, 0, 0, 0), other)
    with pytest.raises(BadInput):
        Gallery(CARD, [Reference(id=ReferenceId(uuid4()), person=ANNA, template=other)])
    with pytest.raises(BadInput):
        Gallery(CARD, [reference(ANNA, 0, 0, 0, 0)]).search(other)


def test_a_template_of_the_wrong_length_is_refused() -> None:
    with pytest.raises(BadInput):
        compare(CARD, template(0, 0, 0, 0), template(0, 0, 0))


def test_everyone_alike_is_told_as_a_duplicate_best_first() -> None:
    gallery = Gallery(CARD, [reference(ANNA, 0.3, 0, 0, 0), reference(BELA, 0.1, 0, 0, 0)])
    assert [one.person for one in duplicates(gallery, template(0, 0, 0, 0))] == [BELA, ANNA]
    assert [one.person for one in duplicates(gallery, template(0, 0, 0, 0), threshold=0.8)] == [BELA]


@given(st.floats(0, 10), st.floats(0, 10))
def test_the_score_falls_with_distance_and_stays_between_0_and_1(first: float, second: float) -> None:
    near, far = sorted((first, second))
    assert 1.0 >= score_of(CARD, near) >= score_of(CARD, far) >= 0.0


vectors = st.lists(st.floats(-2, 2, width=32), min_size=4, max_size=4)


@given(vectors, vectors)
def test_comparing_is_symmetric_and_agrees_with_the_gallery(one: list[float], other: list[float]) -> None:
    first, second = template(*one), template(*other)
    score = compare(CARD, first, second)
    assert score == pytest.approx(compare(CARD, second, first))
    gallery = Gallery(CARD, [Reference(id=ReferenceId(uuid4()), person=ANNA, template=first)])
    assert gallery.search(second)[0].score == pytest.approx(score, abs=2e-3)


@given(vectors)
def test_a_template_survives_its_bytes(values: list[float]) -> None:
    whole = template(*values)
    again = Template.from_bytes(whole.to_bytes())
    assert again.model == whole.model
    assert np.array_equal(again.vector, whole.vector)


@pytest.mark.parametrize("data", [b"", b"model", b"model\0", b"model\0abc"])
def test_bytes_that_are_no_template_are_refused(data: bytes) -> None:
    with pytest.raises(BadInput):
        Template.from_bytes(data)


def test_a_template_with_holes_is_refused() -> None:
    with pytest.raises(BadInput):
        template(0, float("nan"), 0, 0)


def test_a_template_never_shows_its_numbers() -> None:
    assert "0.123" not in repr(template(0.123, 0, 0, 0))
