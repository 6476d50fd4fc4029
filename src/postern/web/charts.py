"""Charts as numbers that a template draws; pure. Widths are per cent, so that a phone keeps readable words.

The plot is `HEIGHT` px high between `TOP` and `BOTTOM`, and lies between `LEFT` and `RIGHT` per cent.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEFT, RIGHT = 11.0, 98.0
TOP, BOTTOM = 14.0, 214.0
HEIGHT = 240
_NICE = (1.0, 2.0, 2.5, 5.0, 10.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Tick:
    """A mark on an axis: `at` per cent of the width, or px from the top."""

    at: str
    label: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Bar:
    """A bar: `x` and `width` in per cent, `y` and `height` in px; `words` say what it stands for."""

    x: str
    y: str
    width: str
    height: str
    words: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Curve:
    """A line through the plot, as a path in a box of 1,000 by 1,000; `name` is shown in the key."""

    name: str
    path: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Chart:
    """What a template draws. `limit`: a dashed line (how many bays there are), in px from the top."""

    x: tuple[Tick, ...]
    y: tuple[Tick, ...]
    bars: tuple[Bar, ...] = ()
    curves: tuple[Curve, ...] = ()
    limit: str = ""


def nice_most(most: float, steps: int = 4, *, whole: bool = False) -> tuple[float, float]:
    """The axis' end and its step: at most `steps` marks at 1, 2, 2.5 or 5 times a power of ten; `whole`:
    at whole numbers only.

    >>> nice_most(18)
    (20.0, 5.0)
    """
    rough = max(most, 1.0) / steps
    power = 10.0 ** math.floor(math.log10(rough))
    nice = [one * power for one in _NICE]
    step = next(one for one in nice if one >= rough - 1e-9 and (not whole or one.is_integer()))
    return math.ceil(max(most, 1.0) / step - 1e-9) * step, step


def curves(
    series: Sequence[tuple[str, Sequence[tuple[float, float]]]],
    *,
    span: tuple[float, float],
    x: Sequence[tuple[float, str]],
    words: Callable[[float], str],
    limit: float | None = None,
    stepped: bool = True,
) -> Chart:
    """Lines over the span of the x axis; `stepped`: a value holds until the next one."""
    values = [value for _, points in series for _, value in points]
    end, step = nice_most(max([*values, limit or 0.0], default=0.0))
    return Chart(
        x=tuple(Tick(at=_percent(_share(at, span)), label=label) for at, label in x),
        y=_marks(end, step, words),
        curves=tuple(
            Curve(name=name, path=_path(points, span, end, stepped=stepped)) for name, points in series
        ),
        limit="" if limit is None else _px(limit / end),
    )


def bars(values: Sequence[tuple[str, float, str]], *, words: Callable[[float], str], every: int = 1) -> Chart:
    """One bar for each (label, value, words); every n-th label is shown."""
    whole = all(float(value).is_integer() for _, value, _ in values)
    end, step = nice_most(max((value for _, value, _ in values), default=0.0), whole=whole)
    slot = (RIGHT - LEFT) / max(len(values), 1)
    drawn = [
        Bar(
            x=f"{LEFT + slot * (place + 0.14):.2f}%",
            width=f"{slot * 0.72:.2f}%",
            y=_px(max(value, 0.0) / end),
            height=f"{(BOTTOM - TOP) * max(value, 0.0) / end:.1f}",
            words=said,
        )
        for place, (_, value, said) in enumerate(values)
    ]
    marks = [
        Tick(at=f"{LEFT + slot * (place + 0.5):.2f}%", label=label)
        for place, (label, _, _) in enumerate(values)
        if place % every == 0
    ]
    return Chart(x=tuple(marks), y=_marks(end, step, words), bars=tuple(drawn))


def _marks(end: float, step: float, words: Callable[[float], str]) -> tuple[Tick, ...]:
    return tuple(
        Tick(at=_px(place * step / end), label=words(place * step)) for place in range(round(end / step) + 1)
    )


def _path(
    points: Sequence[tuple[float, float]], span: tuple[float, float], end: float, *, stepped: bool
) -> str:
    parts: list[str] = []
    for at, value in points:
        x, y = _share(at, span) * 1000, 1000 - value / end * 1000
        if not parts:
            parts.append(f"M{x:.1f} {y:.1f}")
        else:
            parts.append(f"H{x:.1f}V{y:.1f}" if stepped else f"L{x:.1f} {y:.1f}")
    return "".join(parts) + ("H1000" if stepped and parts else "")


def _share(at: float, span: tuple[float, float]) -> float:
    first, last = span
    return (at - first) / (last - first)


def _percent(share: float) -> str:
    return f"{LEFT + (RIGHT - LEFT) * share:.2f}%"


def _px(share: float) -> str:
    return f"{BOTTOM - (BOTTOM - TOP) * share:.1f}"
