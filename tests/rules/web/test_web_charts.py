"""Charts: numbers become marks, bars and steps that stand where they should."""

from __future__ import annotations

import pytest

from postern.web import charts


@pytest.mark.parametrize(
    ("most", "end", "step"),
    [(0, 1.0, 0.25), (1, 1.0, 0.25), (18, 20.0, 5.0), (200, 200.0, 50.0), (201, 300.0, 100.0)],
)
def test_an_axis_ends_at_a_round_number_that_holds_everything(most: float, end: float, step: float) -> None:
    assert charts.nice_most(most) == (end, step)


def test_a_price_is_drawn_as_steps_that_hold_until_the_next_one() -> None:
    chart = charts.curves(
        [("One", [(0.0, 0.0), (1.0, 5.0), (2.0, 10.0)])],
        span=(0.0, 4.0),
        x=[(0.0, "0"), (4.0, "4 h")],
        words=str,
    )
    assert chart.curves[0].path == "M0.0 1000.0H250.0V500.0H500.0V0.0H1000"
    assert [mark.at for mark in chart.x] == ["11.00%", "98.00%"]
    assert chart.y[0].at == f"{charts.BOTTOM:.1f}"


def test_an_empty_chart_has_axes_and_nothing_else() -> None:
    chart = charts.bars([], words=str)
    assert (chart.bars, chart.curves) == ((), ())
    assert len(chart.y) > 1


def test_a_limit_is_within_the_plot_also_when_nothing_comes_near_it() -> None:
    chart = charts.curves([("Inside", [(0.0, 3.0)])], span=(0.0, 1.0), x=[], words=str, limit=200.0)
    assert charts.TOP <= float(chart.limit) < charts.BOTTOM


def test_bars_stand_beside_each_other_and_none_is_below_nothing() -> None:
    chart = charts.bars([("Mon", 10.0, "ten"), ("Tue", -5.0, "less")], words=str)
    first, second = chart.bars
    assert float(first.x[:-1]) + float(first.width[:-1]) < float(second.x[:-1])
    assert second.height == "0.0"
