"""A line of a price in a driver's words: the operator's own label, and how many of what."""

from __future__ import annotations

from postern.operations.public.counter_wire import PriceLine
from postern.web.i18n import Words

_MINUTES = " min"


def line_words(line: PriceLine, t: Words) -> str:
    """For example "Each started hour, 3 × 60 min"."""
    label = t("pay.rounding") if line.unit == "rounding" else line.label
    if line.quantity > 1 and line.unit.endswith(_MINUTES):
        return t("pay.line", label=label, quantity=line.quantity, minutes=line.unit.removesuffix(_MINUTES))
    return label
