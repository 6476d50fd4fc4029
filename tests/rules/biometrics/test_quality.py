"""Is a face good enough to enrol, and is the person told what to do otherwise?"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from postern.biometrics.quality import FaceQuality, Measures, Problem, judge, judge_photo, sharpness, turn_of

GOOD = Measures(eyes=60.0, sharpness=0.2, grey=120.0, turn=0.05, outside=0.0)
FINE = FaceQuality(score=0.9)


def test_a_photo_without_a_face_cannot_be_enrolled() -> None:
    quality = judge_photo([])
    assert quality.problems == (Problem.NO_FACE,)
    assert not quality.enrollable


def test_a_good_face_has_no_problem() -> None:
    quality = judge(GOOD)
    assert quality.enrollable
    assert quality.score > 0.9


@pytest.mark.parametrize(
    ("measures", "problem"),
    [
        (replace(GOOD, outside=0.4), Problem.CUT_OFF),
        (replace(GOOD, eyes=10.0), Problem.TOO_SMALL),
        (replace(GOOD, sharpness=0.02), Problem.BLURRED),
        (replace(GOOD, turn=0.4), Problem.TURNED),
        (replace(GOOD, grey=20.0), Problem.TOO_DARK),
        (replace(GOOD, grey=240.0), Problem.TOO_BRIGHT),
    ],
)
def test_each_fault_is_named_and_lowers_the_score(measures: Measures, problem: Problem) -> None:
    quality = judge(measures)
    assert quality.problems == (problem,)
    assert quality.score < judge(GOOD).score


def test_two_faces_of_like_size_are_one_too_many() -> None:
    assert Problem.SEVERAL_FACES in judge_photo([(100.0, FINE), (80.0, FINE)]).problems


def test_a_bystander_far_behind_does_not_matter() -> None:
    assert judge_photo([(30.0, FINE), (100.0, FINE)]) == FINE


@pytest.mark.parametrize("problem", Problem)
def test_every_problem_says_what_to_do_in_both_languages(problem: Problem) -> None:
    english, chinese = problem.advice("en"), problem.advice("zh")
    assert english.isascii()
    assert english.count(".") >= 1
    assert any("\u4e00" <= c <= "\u9fff" for c in chinese)


def drawn_chip(sigma: float) -> np.ndarray:
    """A patch of detail at all scales, as skin and eyes have, softened by `sigma` pixels."""
    noise = np.random.default_rng(7).standard_normal((150, 150))
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(150), np.fft.fftfreq(150)))
    frequencies[0, 0] = 1.0
    spectrum = np.fft.fft2(noise) / frequencies * np.exp(-2 * (np.pi * sigma * frequencies) ** 2)
    patch = np.real(np.fft.ifft2(spectrum))
    return (128 + 40 * patch / patch.std()).astype(np.float32)


def test_sharpness_falls_with_blur() -> None:
    values = [sharpness(drawn_chip(sigma)) for sigma in (0.0, 1.0, 2.0, 4.0)]
    assert values == sorted(values, reverse=True)
    assert values[-1] < 0.1 * values[0]


def test_sharpness_does_not_depend_on_light() -> None:
    chip = drawn_chip(0.5)
    assert sharpness(chip * np.float32(0.3)) == pytest.approx(sharpness(chip), rel=0.02)


def test_a_face_straight_ahead_is_not_turned() -> None:
    ahead = np.array([[90, 40], [75, 40], [25, 40], [40, 40], [57.5, 70]], dtype=np.float32)
    aside = ahead.copy()
    aside[4, 0] = 85
    assert turn_of(ahead) == pytest.approx(0.0, abs=0.01)
    assert turn_of(aside) > 0.3
