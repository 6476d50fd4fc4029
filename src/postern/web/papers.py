"""Papers to hand over: a title, and sections of labelled lines, as a PDF.

Chinese is set in a font that every PDF reader brings along (Adobe's STSong-Light); no font is embedded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import escape
from io import BytesIO
from itertools import groupby

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable, LongTable, Paragraph, SimpleDocTemplate, Spacer, TableStyle

from postern.web.i18n import Words

_CHINESE = "STSong-Light"
_LATIN = 0x100
_MARGIN = 18 * mm
_LABEL = 52 * mm
_PADDING = 6
"""Points that a frame leaves around what is in it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """A label, and what is said under it."""

    label: str
    value: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Section:
    """Lines that belong together; `key` names the section for a page, `nothing` is said when it has none."""

    key: str
    title: str
    lines: Sequence[Line]
    nothing: str = ""


def paper(title: str, below: str, sections: Sequence[Section], t: Words) -> bytes:
    """The paper. `below` stands under the title: who, when."""
    pdfmetrics.registerFont(UnicodeCIDFont(_CHINESE))
    out = BytesIO()
    document = SimpleDocTemplate(
        out,
        pagesize=A4,
        leftMargin=_MARGIN,
        rightMargin=_MARGIN,
        topMargin=_MARGIN,
        bottomMargin=_MARGIN,
        title=title,
        lang="zh-CN" if t.language == "zh" else "en",
    )
    story: list[Flowable] = [_words(title, size=17, bold=True), _words(below, size=9, grey=True)]
    for section in sections:
        story += _section(section)
    document.build(story, onFirstPage=_numbered, onLaterPages=_numbered)
    return out.getvalue()


def _section(section: Section) -> list[Flowable]:
    head = [Spacer(1, 5 * mm), _words(section.title, size=12, bold=True)]
    if not section.lines:
        return [*head, _words(section.nothing, grey=True)]
    rows = [[_words(line.label, grey=True), _words(line.value)] for line in section.lines]
    table = LongTable(rows, colWidths=[_LABEL, A4[0] - 2 * (_MARGIN + _PADDING) - _LABEL])
    ruled = TableStyle(
        [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LEFTPADDING", (0, 0), (-1, -1), 0),
            ("TOPPADDING", (0, 0), (-1, -1), 1.2),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.2),
            ("LINEBELOW", (0, 0), (-1, -1), 0.25, HexColor("#d9d6cd")),
        ]
    )
    table.setStyle(ruled)
    return [*head, Spacer(1, 1.5 * mm), table]


def _words(text: str, *, size: float = 9.5, bold: bool = False, grey: bool = False) -> Paragraph:
    latin = "Helvetica-Bold" if bold else "Helvetica"
    chinese = not all(map(_is_latin, text))
    style = ParagraphStyle(
        name=f"{latin}-{size}",
        fontName=_CHINESE if chinese else latin,
        fontSize=size,
        leading=size * 1.35,
        textColor=HexColor("#525b57" if grey else "#1a211f"),
        wordWrap="CJK" if chinese else None,
    )
    runs = [
        "".join(run) if own else f'<font name="{latin}">{"".join(run)}</font>' for own, run in _runs(text)
    ]
    return Paragraph("".join(runs), style)


def _runs(text: str) -> Iterator[tuple[bool, Sequence[str]]]:
    """The text in pieces that one font sets, escaped; whether it is the Chinese one."""
    for latin, letters in groupby(text, key=_is_latin):
        yield not latin, [escape(one, quote=False).replace("\n", "<br/>") for one in letters]


def _is_latin(letter: str) -> bool:
    return ord(letter) < _LATIN or letter in "–—…•€"


def _numbered(canvas: Canvas, _: SimpleDocTemplate) -> None:
    canvas.setFont("Helvetica", 8)
    canvas.drawRightString(A4[0] - _MARGIN, 10 * mm, str(canvas.getPageNumber()))
