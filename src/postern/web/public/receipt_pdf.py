"""The receipt as a PDF. It names no driver and no vehicle.

Chinese is set in a font that every PDF reader brings along (Adobe's STSong-Light); no font is embedded.
"""

from __future__ import annotations

from io import BytesIO
from zoneinfo import ZoneInfo

from reportlab.lib.pagesizes import A5
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas

from postern.money import Money
from postern.operations.public.counter_wire import ReceiptView
from postern.web.i18n import Words
from postern.web.public.line_words import line_words

_FONTS = {"en": ("Helvetica", "Helvetica-Bold"), "zh": ("STSong-Light", "STSong-Light")}
_LEFT, _TOP = 14 * mm, 18 * mm
_LATIN = 0x100


def receipt_pdf(view: ReceiptView, t: Words) -> bytes:
    """The receipt of a payment that came."""
    out = BytesIO()
    canvas = Canvas(out, pagesize=A5, lang="zh-CN" if t.language == "zh" else "en")
    canvas.setTitle(f"{t('pay.receipt')} {view.reference[-8:]}")
    canvas.setAuthor(view.garage_name)
    paper = _Paper(canvas, view, t)
    paper.head()
    paper.lines()
    paper.foot()
    canvas.save()
    return out.getvalue()


class _Paper:
    """Where the pen is."""

    def __init__(self, canvas: Canvas, view: ReceiptView, t: Words) -> None:
        self._canvas = canvas
        self._view = view
        self._t = t
        self._width, height = A5
        self._y = height - _TOP
        pdfmetrics.registerFont(UnicodeCIDFont("STSong-Light"))

    def head(self) -> None:
        """What it is, of which garage, when."""
        view, t, zone = self._view, self._t, ZoneInfo(self._view.time_zone)
        self._text(t("pay.receipt"), size=16, bold=True)
        self._down(9)
        self._text(view.garage_name, size=11, bold=True)
        for label, value in (
            (t("pay.number"), view.reference[-8:].upper()),
            (t("pay.entered"), t.moment(view.price.entered, zone)),
            (t("pay.priced-at"), t.moment(view.price.at, zone)),
            (t("pay.paid-at"), t.moment(view.paid_at, zone) if view.paid_at else ""),
        ):
            self._down(5.5)
            self._pair(label, value)
        self._down(9)

    def lines(self) -> None:
        """The price, line by line."""
        for line in self._view.price.lines:
            self._pair(line_words(line, self._t), self._money(line.amount))
            self._down(5.5)
        self._rule()
        self._pair(self._t("pay.total"), self._money(self._view.price.total), bold=True)

    def foot(self) -> None:
        """The tax in it, what was paid, what went back."""
        view, t = self._view, self._t
        self._down(5.5)
        self._pair(t("pay.vat", percent=view.price.vat_percent), self._money(view.price.vat))
        if view.price.paid.amount:
            self._down(5.5)
            self._pair(t("pay.paid-before"), self._money(view.price.paid))
        self._down(8)
        self._pair(t("pay.paid-now"), self._money(view.amount), bold=True)
        if view.refunded is not None:
            self._down(5.5)
            self._pair(t("pay.refunded"), self._money(view.refunded))

    def _money(self, amount: Money) -> str:
        return f"{amount.plain()} {amount.currency}"

    def _pair(self, left: str, right: str, *, bold: bool = False) -> None:
        self._text(left, bold=bold)
        self._text(right, bold=bold, right=True)

    def _text(self, text: str, *, size: float = 9.5, bold: bool = False, right: bool = False) -> None:
        latin = all(ord(letter) < _LATIN for letter in text)
        plain, strong = _FONTS["en" if latin else "zh"]
        self._canvas.setFont(strong if bold else plain, size)
        if right:
            self._canvas.drawRightString(self._width - _LEFT, self._y, text)
        else:
            self._canvas.drawString(_LEFT, self._y, text)

    def _down(self, by: float) -> None:
        self._y -= by * mm
        if self._y < _LEFT:
            self._canvas.showPage()
            self._y = A5[1] - _TOP

    def _rule(self) -> None:
        self._canvas.setLineWidth(0.5)
        self._canvas.line(_LEFT, self._y + 3.5 * mm, self._width - _LEFT, self._y + 3.5 * mm)
        self._down(1)
