"""What a spreadsheet must not take for a formula, and what our own files set before it."""

from __future__ import annotations

_MARK = "'"
_STARTS = ("=", "+", "-", "@", "\t", "\r", _MARK)


def no_formula(text: str) -> str:
    """The text, marked as text where a spreadsheet might take it for a formula."""
    return f"{_MARK}{text}" if text.startswith(_STARTS) else text


def without_mark(cell: str) -> str:
    """What `no_formula` was given; a quotation mark that means something else stays."""
    return cell[1:] if cell.startswith(_MARK) and cell[1:].startswith(_STARTS) else cell
