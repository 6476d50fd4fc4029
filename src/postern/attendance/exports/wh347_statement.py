"""The second page of form WH-347, the statement of compliance; and the pen that both pages are drawn with."""

from __future__ import annotations

from reportlab.pdfbase.pdfmetrics import stringWidth
from reportlab.pdfgen.canvas import Canvas

from postern.attendance.exports.certified import DAYS, CertifiedPayroll

_LEFT, _RIGHT, _TOP = 60.0, 732.0, 560.0
_LATIN = 0x100

# 29 CFR 5.5(a)(3)(ii)(B) and form WH-347, page 2.
_PAID = (
    "all persons employed on said project have been paid the full weekly wages earned, that no rebates have"
    " been or will be made either directly or indirectly to or on behalf of said contractor or subcontractor"
    " from the full weekly wages earned by any person, and that no deductions have been made either directly"
    " or indirectly from the full wages earned by any person, other than permissible deductions as defined in"
    " Regulations, Part 3 (29 CFR Subtitle A), issued by the Secretary of Labor under the Copeland Act, as"
    " amended (48 Stat. 948, 63 Stat. 108, 72 Stat. 967; 76 Stat. 357; 40 U.S.C. 3145), and described below:"
)
_CORRECT = (
    "(2) That any payrolls otherwise under this contract required to be submitted for the above period are"
    " correct and complete; that the wage rates for laborers or mechanics contained therein are not less than"
    " the applicable wage rates contained in any wage determination incorporated into the contract; that the"
    " classifications set forth therein for each laborer or mechanic conform with the work performed."
)
_APPRENTICES = (
    "(3) That any apprentices employed in the above period are duly registered in a bona fide apprenticeship"
    " program registered with a State apprenticeship agency recognized by the Office of Apprenticeship,"
    " United States Department of Labor, or if no such recognized agency exists in a State, are registered"
    " with the Office of Apprenticeship, United States Department of Labor."
)
_PLANS = (
    "(a) Where fringe benefits are paid to approved plans, funds, or programs: in addition to the basic"
    " hourly wage rates paid, payments of fringe benefits as listed in the contract have been or will be made"
    " to appropriate programs for the benefit of such employees, except as noted in section 4(c) below."
)
_CASH = (
    "(b) Where fringe benefits are paid in cash: each laborer or mechanic listed has been paid, as indicated"
    " on the payroll, an amount not less than the sum of the applicable basic hourly wage rate plus the"
    " amount of the required fringe benefits as listed in the contract, except as noted in section"
    " 4(c) below."
)
_WARNING = (
    "The willful falsification of any of the above statements may subject the contractor or subcontractor to"
    " civil or criminal prosecution. See Section 1001 of Title 18 and Section 3729 of Title 31 of the United"
    " States Code."
)


class Pen:
    """Writes and draws on the canvas."""

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas

    def text(
        self, text: str, x: float, y: float, *, size: float = 8, bold: bool = False, width: float = 0
    ) -> None:
        """A line; with `width`, its letters get smaller until it fits."""
        latin = all(ord(letter) < _LATIN or letter == "—" for letter in text)
        font = ("Helvetica-Bold" if bold else "Helvetica") if latin else "STSong-Light"
        while width and size > 4 and stringWidth(text, font, size) > width:
            size -= 0.5
        self._canvas.setFont(font, size)
        self._canvas.drawString(x, y, text)

    def rule(self, x: float, y: float, until: float) -> None:
        """A line across."""
        self._canvas.setLineWidth(0.4)
        self._canvas.line(x, y, until, y)

    def field(self, name: str, label: str, x: float, y: float, *, width: float, height: float = 20) -> None:
        """Something to fill in; `label` is read out."""
        self._canvas.acroForm.textfield(
            name=name,
            tooltip=label,
            x=x,
            y=y,
            width=width,
            height=height,
            fontSize=8,
            borderWidth=0.4,
            fieldFlags="",
        )

    def tick(self, name: str, label: str, x: float, y: float) -> None:
        """A box to tick."""
        self._canvas.acroForm.checkbox(name=name, tooltip=label, x=x, y=y, size=10, borderWidth=0.4)

    def paragraph(self, text: str, x: float, y: float, *, width: float, size: float = 8) -> float:
        """Lines no wider than `width`; where the next one goes."""
        line = ""
        for word in text.split():
            longer = f"{line} {word}".strip()
            if stringWidth(longer, "Helvetica", size) > width:
                self.text(line, x, y, size=size)
                y, line = y - size - 2, word
            else:
                line = longer
        self.text(line, x, y, size=size)
        return y - size - 6


def statement(pen: Pen, payroll: CertifiedPayroll) -> None:
    """The page: printed where we know it, fields where only who signs does."""
    first, last = payroll.days[0], payroll.days[DAYS - 1]
    width, y = _RIGHT - _LEFT, _TOP - 40
    pen.text("STATEMENT OF COMPLIANCE", _LEFT, _TOP, size=13, bold=True)
    pen.text("Date", _RIGHT - 190, _TOP, size=8)
    pen.field("statement.date", "Date", _RIGHT - 160, _TOP - 6, width=160)
    pen.text("I,", _LEFT, y)
    pen.field("statement.name", "Name of signatory party", _LEFT + 14, y - 6, width=250)
    pen.field("statement.title", "Title", _LEFT + 270, y - 6, width=180)
    pen.text("(name of signatory party, title) do hereby state:", _LEFT + 456, y)
    y = pen.paragraph(
        f"(1) That I pay or supervise the payment of the persons employed by {payroll.contractor} on the"
        f" {payroll.project or payroll.contract}; that during the payroll period commencing on"
        f" {first:%m/%d/%Y} and ending {last:%m/%d/%Y}, {_PAID}",
        _LEFT,
        y - 24,
        width=width,
    )
    pen.field("statement.deductions", "Deductions, described", _LEFT, y - 18, width=width)
    y = pen.paragraph(_CORRECT, _LEFT, y - 34, width=width)
    y = pen.paragraph(_APPRENTICES, _LEFT, y, width=width)
    pen.text("(4) That:", _LEFT, y)
    y = _benefits(pen, y - 14, width)
    _signature(pen, y, width)


def _benefits(pen: Pen, y: float, width: float) -> float:
    for name, label, text in (("plans", "4(a)", _PLANS), ("cash", "4(b)", _CASH)):
        pen.tick(f"statement.{name}", label, _LEFT, y - 2)
        y = pen.paragraph(text, _LEFT + 18, y, width=width - 18)
    pen.text("(c) Exceptions (craft: explanation)", _LEFT, y)
    pen.field("statement.exceptions", "4(c) Exceptions", _LEFT, y - 30, width=width, height=26)
    pen.text("Remarks", _LEFT, y - 42)
    pen.field("statement.remarks", "Remarks", _LEFT, y - 72, width=width, height=26)
    return y - 92


def _signature(pen: Pen, y: float, width: float) -> None:
    pen.text("Name and title", _LEFT, y)
    pen.field("statement.signatory", "Name and title", _LEFT, y - 24, width=width / 2 - 10)
    pen.text("Signature", _LEFT + width / 2, y)
    pen.rule(_LEFT + width / 2, y - 24, _RIGHT)
    pen.paragraph(_WARNING, _LEFT, y - 40, width=width, size=7)
