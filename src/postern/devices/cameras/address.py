"""Which source an installer means: a path, a URL or a webcam's number."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from urllib.parse import urlsplit

from postern.errors import SourceUnavailable
from postern.sites.addresses import without_login

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
_STREAMS = ("rtsp", "rtsps", "http", "https")


class SourceKind(StrEnum):
    """How a source is read."""

    PICTURE = "picture"
    FOLDER = "folder"
    VIDEO = "video"
    STREAM = "stream"
    WEBCAM = "webcam"


@dataclass(frozen=True, kw_only=True, slots=True)
class Address:
    """A source to open. `target` is a path, a URL or a webcam's number; `shown` has no login in it."""

    kind: SourceKind
    target: str
    shown: str

    @property
    def live(self) -> bool:
        """Whether it goes on without waiting for us."""
        return self.kind in (SourceKind.STREAM, SourceKind.WEBCAM)


def parse(text: str) -> Address:
    """Tell the kind of source. Raises SourceUnavailable where nothing can be there."""
    text = text.strip()
    if not text:
        raise SourceUnavailable(
            "No source was named; give a picture, a folder, a video, rtsp://… or webcam:0."
        )
    scheme = re.match(r"([A-Za-z][A-Za-z0-9+.-]*)://", text)
    if scheme:
        return _stream(text, scheme.group(1).lower())
    if text.lower().startswith("webcam:"):
        return _webcam(text)
    return _path(Path(text).expanduser())


def _stream(text: str, scheme: str) -> Address:
    shown = without_login(text)
    if scheme not in _STREAMS:
        raise SourceUnavailable(
            f"{shown}: a stream starts with rtsp://, rtsps://, http:// or https://; correct it."
        )
    try:
        parts = urlsplit(text)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise SourceUnavailable(f"{shown}: the address has no valid host or port; look it up in the camera.")
    return Address(kind=SourceKind.STREAM, target=text, shown=shown)


def _webcam(text: str) -> Address:
    number = text.partition(":")[2]
    if not number.isdecimal():
        raise SourceUnavailable(f"{text}: give a webcam by its number, for example webcam:0.")
    return Address(kind=SourceKind.WEBCAM, target=str(int(number)), shown=f"webcam:{int(number)}")


def _path(path: Path) -> Address:
    if path.is_dir():
        kind = SourceKind.FOLDER
    elif not path.exists():
        raise SourceUnavailable(f"{path}: there is no such file or folder; check the spelling.")
    elif path.suffix.lower() in PICTURES:
        kind = SourceKind.PICTURE
    else:
        kind = SourceKind.VIDEO
    return Address(kind=kind, target=str(path), shown=str(path))
