"""Text in pictures: PP-OCRv6 as RapidOCR packs it, with the likelihood of every character kept.

RapidOCR finds the lines. Its recognition network is run here directly, because RapidOCR returns one text a
line and the grammars need to know what else each mark could have been. Both networks are the wheel's own
files, given by path, so that nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from postern.biometrics.model import Rgb
from postern.devices.recognition.onnx_session import open_session
from postern.errors import Unavailable
from postern.vehicles.grammars import Slot
from postern.vehicles.grammars_data import ALPHABET, LETTERS

Floats = npt.NDArray[np.float32]

_DETECTION = "PP-OCRv6_det_small.onnx"
_RECOGNITION = "PP-OCRv6_rec_small.onnx"
_HEIGHT = 48
_NARROWEST, _WIDEST = 96, 640
_ACTIVE = 0.12
"""A column of the output belongs to a mark when that much likelihood lies on characters of plates."""
_FAINTEST = 0.004


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Line:
    """A line of text as read: plainly (`text`, mean likelihood `score`), and as slots for the grammars."""

    text: str
    score: float
    slots: tuple[Slot, ...]


class TextFinder:
    """Finds lines of text."""

    def __init__(self, *, threads: int = 1) -> None:
        """Loads the detection network. Raises Unavailable when the wheel lacks it."""
        from rapidocr import RapidOCR

        path = str(_model(_DETECTION))
        self._engine = RapidOCR(
            params={
                "Global.log_level": "critical",
                "Global.use_cls": False,
                "Global.use_rec": False,
                "Global.use_preprocess_img": False,
                "Global.use_vertical_padding": False,
                "Det.model_path": path,
                "Det.limit_type": "max",
                "Det.limit_side_len": 100_000,
                "Det.box_thresh": 0.4,
                "EngineConfig.onnxruntime.intra_op_num_threads": threads,
                "EngineConfig.onnxruntime.inter_op_num_threads": 1,
            }
        )

    def find(self, rgb: Rgb, *, longest: int) -> Floats:
        """Quads (n × 4 × 2, clockwise from the upper left) in pixels of `rgb`, seen at `longest` side."""
        height, width = rgb.shape[:2]
        scale = longest / max(height, width)
        size = (max(32, round(width * scale)), max(32, round(height * scale)))
        fitted = cv2.resize(rgb, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        from rapidocr.ch_ppocr_det import TextDetOutput

        out = self._engine(cv2.cvtColor(fitted, cv2.COLOR_RGB2BGR))
        if not isinstance(out, TextDetOutput) or out.boxes is None or not len(out.boxes):
            return np.zeros((0, 4, 2), dtype=np.float32)
        back = np.array([width / size[0], height / size[1]], dtype=np.float32)
        return np.asarray(out.boxes, dtype=np.float32) * back


class TextReader:
    """Reads single lines."""

    def __init__(self, *, threads: int = 1) -> None:
        """Loads the recognition network. Raises Unavailable when the wheel lacks it."""
        self._session = open_session(_model(_RECOGNITION), threads=threads)
        listed = self._session.get_modelmeta().custom_metadata_map["character"].splitlines()
        self._characters = ["", *listed, " "]
        place = {character: index for index, character in enumerate(self._characters)}
        self._alphabet = [c for c in ALPHABET if c in place]
        self._columns = np.array([place[c] for c in self._alphabet])
        self._small = np.array([place[c.lower()] for c in LETTERS])
        self._input = self._session.get_inputs()[0].name

    def read(self, crops: Sequence[Rgb]) -> list[Line]:
        """Read each crop, an upright line of text. One crop at a time: widths differ, and padding costs."""
        return [self._line(self._likelihoods(crop)) for crop in crops]

    def _likelihoods(self, crop: Rgb) -> Floats:
        width = int(np.clip(round(crop.shape[1] * _HEIGHT / crop.shape[0]), _NARROWEST // 2, _WIDEST))
        method = cv2.INTER_CUBIC if crop.shape[0] < _HEIGHT else cv2.INTER_LINEAR
        resized = cv2.resize(crop, (width, _HEIGHT), interpolation=method)
        batch = np.zeros((1, 3, _HEIGHT, max(width, _NARROWEST)), dtype=np.float32)
        batch[0, :, :, :width] = resized[:, :, ::-1].transpose(2, 0, 1) / np.float32(127.5) - np.float32(1)
        out: Floats = self._session.run(None, {self._input: batch})[0][0]
        return out

    def _line(self, likelihoods: Floats) -> Line:
        text, score = self._plain(likelihoods)
        alphabet = likelihoods[:, self._columns].copy()
        alphabet[:, : len(LETTERS)] += likelihoods[:, self._small]
        return Line(text=text, score=score, slots=tuple(self._slots(alphabet)))

    def _plain(self, likelihoods: Floats) -> tuple[str, float]:
        best = likelihoods.argmax(axis=1)
        starts = (best != 0) & (best != np.concatenate(([0], best[:-1])))
        text = "".join(self._characters[i] for i in best[starts])
        return text, float(likelihoods.max(axis=1)[starts].mean()) if starts.any() else 0.0

    def _slots(self, alphabet: Floats) -> Iterator[Slot]:
        """Runs of columns with one likeliest character; of each character its highest value in the run."""
        active = alphabet.sum(axis=1) > _ACTIVE
        best = np.where(active, alphabet.argmax(axis=1), -1)
        edges = np.flatnonzero(np.diff(best, prepend=-2, append=-2))
        for start, end in pairwise(edges):
            if best[start] < 0:
                continue
            peak = alphabet[start:end].max(axis=0)
            nothing = float(1.0 - alphabet[start:end].sum(axis=1).max())
            kept = np.flatnonzero(peak > _FAINTEST)
            yield Slot(
                characters={self._alphabet[i]: min(1.0, float(peak[i])) for i in kept},
                nothing=min(1.0, max(0.0, nothing)),
            )


def _model(name: str) -> Path:
    spec = find_spec("rapidocr")
    path = Path(spec.origin).parent / "models" / name if spec is not None and spec.origin else None
    if path is None or not path.is_file():
        raise Unavailable(f"{name} is missing; install rapidocr again.")
    return path
