"""Drawn pictures of a car before a barrier, as a camera of the lane might keep them. Nothing was filmed."""

from __future__ import annotations

import io
from random import Random

from PIL import Image, ImageDraw, ImageFilter, ImageFont

_WIDTH, _HEIGHT = 960, 600
_BODIES = (
    (52, 73, 94),
    (120, 28, 34),
    (196, 200, 204),
    (36, 38, 42),
    (38, 92, 78),
    (214, 190, 150),
    (70, 88, 130),
)
_TYRE, _GLASS, _LINE = (24, 24, 26), (58, 74, 88), (20, 22, 24)


def car(plate: str, *, rear: bool, dirty: bool = False) -> bytes:
    """A JPEG of the car with that plate, from behind or from the front; a `dirty` plate is
    one that a person can still make out."""
    draw = Random(f"car {plate}")  # noqa: S311 - a drawing, not a secret
    body = draw.choice(_BODIES)
    low = draw.random() < 0.5
    picture = _lane(rear=rear)
    _car(ImageDraw.Draw(picture), body, low=low, rear=rear)
    picture.paste(_plate(plate, dirty=dirty), (_WIDTH // 2 - 130, 437))
    picture = picture.filter(ImageFilter.GaussianBlur(0.8))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=82)
    return out.getvalue()


def _lane(*, rear: bool) -> Image.Image:
    """Concrete, a floor with marks, lamps, and the barrier's post."""
    picture = Image.new("RGB", (_WIDTH, _HEIGHT), (112, 116, 120))
    pen = ImageDraw.Draw(picture)
    for row in range(330):
        shade = 74 + row // 6
        pen.line((0, row, _WIDTH, row), fill=(shade, shade + 3, shade + 6))
    for row in range(330, _HEIGHT):
        shade = 96 - (row - 330) // 8
        pen.line((0, row, _WIDTH, row), fill=(shade, shade, shade + 2))
    for left in (150, 420, 690):
        pen.rectangle((left, 26, left + 130, 40), fill=(236, 240, 232))
    for side in (40, _WIDTH - 70):
        pen.rectangle((side, 60, side + 30, 380), fill=(134, 138, 140))
        for step in range(4):
            colour = (222, 186, 40) if step % 2 == 0 else (30, 30, 30)
            pen.rectangle((side, 300 + step * 20, side + 30, 320 + step * 20), fill=colour)
    pen.polygon(((120, _HEIGHT), (136, _HEIGHT), (236, 340), (230, 340)), fill=(210, 210, 204))
    pen.polygon(((840, _HEIGHT), (824, _HEIGHT), (724, 340), (730, 340)), fill=(210, 210, 204))
    pen.text((22, _HEIGHT - 36), "EXIT" if rear else "ENTRY", fill=(240, 240, 240), font=_font(24))
    return picture


def _car(pen: ImageDraw.ImageDraw, body: tuple[int, int, int], *, low: bool, rear: bool) -> None:
    roof = 190 if low else 150
    light = tuple(min(255, part + 26) for part in body)
    dark = tuple(part * 7 // 10 for part in body)
    pen.ellipse((210, 515, 750, 575), fill=(44, 44, 46))
    for left in (236, 642):
        pen.rounded_rectangle((left, 470, left + 82, 560), 22, fill=_TYRE)
    pen.polygon(((320, roof), (640, roof), (712, 325), (248, 325)), fill=light, outline=_LINE)
    pen.polygon(((336, roof + 16), (624, roof + 16), (680, 315), (280, 315)), fill=_GLASS)
    pen.polygon(((350, roof + 22), (430, roof + 22), (376, 310), (296, 310)), fill=(82, 100, 114))
    pen.rounded_rectangle((222, 315, 738, 520), 34, fill=body, outline=_LINE, width=2)
    pen.rounded_rectangle((222, 425, 738, 520), 30, fill=dark)
    pen.line((240, 372, 720, 372), fill=dark, width=3)
    lamp = (186, 30, 34) if rear else (238, 240, 226)
    for left in (236, 638):
        pen.rounded_rectangle((left, 345, left + 86, 396), 18, fill=lamp, outline=_LINE, width=2)
        pen.rounded_rectangle(
            (left + 12, 354, left + 46, 374), 8, fill=tuple(min(255, one + 40) for one in lamp)
        )
    if rear:
        pen.line((480, 318, 480, 340), fill=dark, width=4)
    else:
        for row in range(3):
            pen.rounded_rectangle((400, 380 + row * 14, 560, 388 + row * 14), 3, fill=_LINE)


def _plate(text: str, *, dirty: bool) -> Image.Image:
    picture = Image.new("RGB", (260, 58), (244, 244, 240))
    pen = ImageDraw.Draw(picture)
    pen.rectangle((0, 0, 24, 57), fill=(24, 66, 150))
    pen.rectangle((0, 0, 259, 57), outline=(20, 20, 20), width=3)
    pen.text((142, 29), _spaced(text), fill=(16, 16, 18), font=_font(38), anchor="mm")
    if not dirty:
        return picture
    draw = Random(text)  # noqa: S311 - mud
    for _ in range(26):
        x, y, size = draw.randrange(20, 250), draw.randrange(0, 58), draw.randrange(4, 12)
        shade = draw.randrange(80, 130)
        pen.ellipse((x - size, y - size // 2, x + size, y + size // 2), fill=(shade, shade - 14, shade - 34))
    return picture.filter(ImageFilter.GaussianBlur(2.2))


def _spaced(text: str) -> str:
    """As it stands on the car: before the digits, and before the two letters that come ahead of them."""
    digits = next(place for place, mark in enumerate(text) if mark.isdigit())
    return f"{text[: digits - 2]} {text[digits - 2 : digits]} {text[digits:]}"


def _font(size: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    return ImageFont.load_default(size)
