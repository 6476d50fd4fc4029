"""A table as CSV (RFC 4180): UTF-8 with a mark for spreadsheets, commas between, a point before decimals."""

from __future__ import annotations

import csv
import io

from postern.attendance.exports.model import Cell, Table

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would compute: text that does gets an apostrophe first."""


def as_csv(table: Table) -> bytes:
    """The table with its headings."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(table.headings)
    writer.writerows([_written(cell) for cell in row] for row in table.rows)
    return out.getvalue().encode("utf-8-sig")


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return f"'{cell}" if cell.startswith(_FORMULA) else cell
    return str(cell)
