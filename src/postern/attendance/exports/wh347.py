"""The certified payroll as a PDF with every field of form WH-347, on US letter paper.

Hours, names and the week are printed. What payroll knows (exemptions, rates, gross, deductions, net) and the
statement of compliance are fields to fill in, in any PDF reader. The regulation takes any form that has all
of it. Chinese is set in a font that every PDF reader brings along; no font is embedded.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO

from reportlab.lib.pagesizes import landscape, letter
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from postern.attendance.exports.certified import CertifiedPayroll, Worker
from postern.attendance.exports.model import hours
from postern.attendance.exports.wh347_statement import Pen, statement

_PAGE = landscape(letter)
_LEFT, _TOP, _ROW = 20.0, 560.0, 44.0
_WORKERS = 8
"""Lines on a page."""
_DAY = 29.0


@dataclass(frozen=True, kw_only=True, slots=True)
class _Column:
    """A column of the form; `field`: what of it is filled in by payroll, if anything."""

    title: tuple[str, ...]
    width: float
    field: str = ""


_NAME = _Column(title=("(1) Name and individual", "identifying number"), width=104)
_EXEMPT = _Column(title=("(2)", "Exempt."), width=32, field="exemptions")
_WORK = _Column(title=("(3) Work", "classification"), width=70)
_KIND = _Column(title=("OT", "or ST"), width=20)
_TOTAL = _Column(title=("(5) Total", "hours"), width=36)
_WAGES = (
    _Column(title=("(6) Rate", "of pay"), width=40, field="rate"),
    _Column(title=("(7) Gross", "earned"), width=44, field="gross"),
    _Column(title=("(8) FICA", ""), width=36, field="fica"),
    _Column(title=("(8) With-", "holding tax"), width=40, field="withholding"),
    _Column(title=("(8) Other", "deductions"), width=40, field="other"),
    _Column(title=("(8) Total", "deductions"), width=40, field="deductions"),
    _Column(title=("(9) Net wages", "for the week"), width=46, field="net"),
)


def as_wh347(payroll: CertifiedPayroll) -> bytes:
    """The form: as many pages of workers as it takes, at least one, then the statement of compliance."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=_PAGE, lang="en-US", invariant=1, pageCompression=0)
    canvas.setTitle(f"WH-347, payroll {payroll.number}, week ending {payroll.week_ending.isoformat()}")
    canvas.setAuthor(payroll.contractor)
    pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))
    pages = [
        payroll.workers[first : first + _WORKERS] for first in range(0, len(payroll.workers) or 1, _WORKERS)
    ]
    pen = Pen(canvas)
    for number, workers in enumerate(pages, start=1):
        _head(pen, payroll, number, len(pages))
        _titles(pen, payroll)
        for place, worker in enumerate(workers):
            _line(pen, worker, name=f"{number}.{place + 1}", y=_TOP - 96 - place * _ROW)
        canvas.showPage()
    statement(pen, payroll)
    canvas.showPage()
    canvas.save()
    return out.getvalue()


def _head(pen: Pen, payroll: CertifiedPayroll, number: int, pages: int) -> None:
    kind = "SUBCONTRACTOR" if payroll.is_subcontractor else "CONTRACTOR"
    pen.text("PAYROLL (form WH-347; 29 CFR 5.5(a)(3)(ii))", _LEFT, _TOP + 24, size=12, bold=True)
    pen.text(f"Page {number} of {pages}", _PAGE[0] - 90, _TOP + 24)
    facts = (
        (f"NAME OF {kind}", payroll.contractor, 0, 0),
        ("ADDRESS", payroll.address, 260, 0),
        ("PAYROLL NO.", str(payroll.number), 0, 1),
        ("FOR WEEK ENDING", f"{payroll.week_ending:%m/%d/%Y}", 90, 1),
        ("PROJECT AND LOCATION", payroll.project, 260, 1),
        ("PROJECT OR CONTRACT NO.", payroll.contract, 520, 1),
    )
    for label, value, across, down in facts:
        pen.text(label, _LEFT + across, _TOP + 8 - down * 24, size=6)
        pen.text(value or "—", _LEFT + across, _TOP - 2 - down * 24, size=9)


def _titles(pen: Pen, payroll: CertifiedPayroll) -> None:
    """The headings, with the days and dates of the week."""
    x, y = _LEFT, _TOP - 60
    for column in (_NAME, _EXEMPT, _WORK, _KIND):
        _title(pen, column, x, y)
        x += column.width
    pen.text("(4) Day and date: hours worked each day", x + 2, y + 12, size=6)
    for day in payroll.days:
        pen.text(f"{day:%a}", x + 3, y, size=7)
        pen.text(f"{day:%m/%d}", x + 3, y - 9, size=7)
        x += _DAY
    for column in (_TOTAL, *_WAGES):
        _title(pen, column, x, y)
        x += column.width
    pen.rule(_LEFT, y - 14, _PAGE[0] - _LEFT)


def _title(pen: Pen, column: _Column, x: float, y: float) -> None:
    for place, line in enumerate(column.title):
        pen.text(line, x + 2, y - place * 9, size=6)


def _line(pen: Pen, worker: Worker, *, name: str, y: float) -> None:
    """One worker: overtime above, straight time below, and what payroll fills in."""
    pen.text(worker.name, _LEFT + 2, y + 8, size=8, width=_NAME.width - 4)
    pen.text(worker.number, _LEFT + 2, y - 4, size=7)
    x = _LEFT + _NAME.width
    pen.field(f"{name}.{_EXEMPT.field}", _EXEMPT.title[1], x + 2, y - 6, width=_EXEMPT.width - 4, height=24)
    x += _EXEMPT.width
    pen.text(worker.classification, x + 2, y + 2, size=7, width=_WORK.width - 4)
    x += _WORK.width
    rows = (("O", worker.overtime, y + 8), ("S", worker.straight, y - 6))
    for letter_, minutes, at in rows:
        pen.text(letter_, x + 6, at, size=8)
        across = x + _KIND.width
        for one in minutes:
            pen.text(str(hours(one)) if one else "", across + 3, at, size=8)
            across += _DAY
        pen.text(str(hours(sum(minutes))), across + 3, at, size=8, bold=True)
    x += _KIND.width + _DAY * len(worker.straight) + _TOTAL.width
    for column in _WAGES:
        label = " ".join(column.title)
        pen.field(f"{name}.{column.field}", label, x + 1, y - 6, width=column.width - 2, height=24)
        x += column.width
    pen.rule(_LEFT, y - 14, _PAGE[0] - _LEFT)
