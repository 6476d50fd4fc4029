"""Plates in a picture: every line of text is read, laid against the grammars, and scored as a plate.

Steps: 1 find lines; 2 read them; 3 candidates: single lines, joined neighbours, stacked pairs; 4 score; 5
read the best again from several cuts and let the cuts vote; 6 when still unsure, look closer at areas
that have a plate's colour or edges.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from postern.biometrics.model import Rgb
from postern.devices.recognition.ocr import Line, TextFinder, TextReader
from postern.devices.recognition.plate_areas import likely_areas
from postern.devices.recognition.plate_regions import Region, crop, joined, neighbours, stacks, uncropped
from postern.devices.recognition.plate_scoring import (
    plausibility_of_place,
    plausibility_of_shape,
    plausibility_of_text,
)
from postern.vehicles.grammars import GrammarMatch, Slot, resolve
from postern.vehicles.plates import PlateReading, comparison_form

LOOKS = (640, 1280)
"""Longest sides, in pixels, at which lines are searched; the next only where the one before left doubt."""
_LARGEST_ENLARGEMENT = 1.5
_SURE = 0.75
"""Score from which a plate ends the search."""
_AREA_SIDE = 480
"""Side to which an area is enlarged for the second look, in pixels."""
_SIZE_WEIGHT = 0.3
_REFINED = 3
"""How many candidates are read again, at most,"""
_RIVAL = 0.5
"""and what share of the best one's score the next must have for that."""
_AGREED = 0.93
"""Mean vote from which no further cut is read."""
_CUTS = ((0.05, 0.05, 0.05), (0.45, 0.45, 0.1), (0.15, 0.15, -0.12), (1.0, 0.3, 0.05))
"""Heights added left, right, and above and below, for each further look at a candidate."""
_WIDE_CUT = (2.0, 0.3, 0.05)
"""A further look where the text is short, in case its beginning was missed."""
_SHORT = 6


@dataclass(frozen=True, kw_only=True, slots=True, eq=False)
class Candidate:
    """Lines that may be a plate, with the grammar's readings of them, cheapest first."""

    regions: tuple[Region, ...]
    whole: Region
    text: str
    country: str | None
    matches: tuple[GrammarMatch, ...]
    plausible: float
    score: float


class PlateRecogniser:
    """Reads plates. Not safe for use by several threads at once."""

    def __init__(self, *, threads: int = 1) -> None:
        """Loads the networks. Raises Unavailable when a file of theirs is missing."""
        self.finder = TextFinder(threads=threads)
        self.reader = TextReader(threads=threads)

    def read(self, rgb: Rgb, *, country: str | None = None) -> list[PlateReading]:
        """What is read as plates, best first; empty where nothing looks like one.

        `country`, an ISO 3166-1 alpha-2 code or "EU", makes that country's grammars likelier.
        """
        candidates: list[Candidate] = []
        for look in self._looks(rgb):
            further = self._judged(rgb, look(), country)
            candidates = _without_overlaps(sorted(candidates + further, key=lambda c: -c.score))
            if candidates and candidates[0].score >= _SURE:
                break
        return [_reading(one) for one in _nearest_first(candidates)]

    def _looks(self, rgb: Rgb) -> Iterator[Callable[[], list[Region]]]:
        """Searches for lines, the cheapest first."""
        most = round(_LARGEST_ENLARGEMENT * max(rgb.shape[:2]))
        for side in dict.fromkeys(min(side, most) for side in LOOKS):
            yield partial(self._lines, rgb, side)
        yield partial(self._overlooked, rgb)

    def _lines(self, rgb: Rgb, side: int) -> list[Region]:
        return [Region(quad=quad) for quad in self.finder.find(rgb, longest=side)]

    def _overlooked(self, rgb: Rgb) -> list[Region]:
        """Lines found in enlarged areas that look like plates, and the areas themselves."""
        found: list[Region] = []
        for area in likely_areas(rgb):
            found.append(area)
            wider = area.grown(0.4, 0.4, 0.5, 0.5)
            for quad in self.finder.find(crop(rgb, wider), longest=_AREA_SIDE):
                found.append(uncropped(wider, quad))
        return found

    def _judged(self, rgb: Rgb, regions: Sequence[Region], country: str | None) -> list[Candidate]:
        usable = [region for region in regions if _may_be_text_of_a_plate(region)]
        lines = self.reader.read([crop(rgb, region) for region in usable])
        found = [c for c in _candidates(usable, lines, country, rgb.shape[:2]) if c.score > 0.01]
        found.sort(key=lambda c: -c.score)
        refined: list[Candidate] = []
        read_again = 0
        for one in found[:_REFINED]:
            if refined and one.score < _RIVAL * max(c.score for c in refined):
                break
            read_again += 1
            refined.append(self._refined(rgb, one, country))
            refined += self._with_line_above(rgb, one, country)
        rest = found[read_again:]
        return _without_overlaps(sorted(refined + rest, key=lambda c: -c.score))

    def _with_line_above(self, rgb: Rgb, candidate: Candidate, country: str | None) -> Iterable[Candidate]:
        """The candidate as the lower line of a plate whose upper line was not found."""
        if len(candidate.regions) > 1 or len(candidate.text) > _SHORT:
            return []
        lower = candidate.regions[0]
        upper = lower.grown(-0.1, -0.1, 0.85, -0.9)
        lines = self.reader.read([crop(rgb, upper), crop(rgb, lower)])
        pair = [upper, lower]
        return list(_candidate(pair, lines, joined(pair), country, rgb.shape[:2]))

    def _refined(self, rgb: Rgb, candidate: Candidate, country: str | None) -> Candidate:
        """Read the candidate from several cuts; each text gets the mean of its likelihoods over the cuts."""
        tally = _Tally()
        tally.add(candidate.matches)
        short = len(candidate.text) <= _SHORT and len(candidate.regions) == 1
        for left, right, upright in (*_CUTS, _WIDE_CUT) if short else _CUTS:
            regions = [part.grown(left, right, upright, upright) for part in candidate.regions]
            lines = self.reader.read([crop(rgb, region) for region in regions])
            tally.add(resolve(_laid_out(lines), country))
            if tally.winner()[2] >= _AGREED:
                break
        text, country_read, share = tally.winner()
        score = _score(share, candidate.plausible)
        return replace(candidate, text=text, country=country_read, score=score)


class _Tally:
    """Votes of several looks: each gives every text the root of the likelihood of its cheapest match.

    Texts that differ only in O and 0 or I and 1 vote together; the cheapest spelling stands for them.
    """

    def __init__(self) -> None:
        self._looks = 0
        self._votes: dict[str, float] = defaultdict(float)
        self._matches: dict[str, list[GrammarMatch]] = defaultdict(list)

    def add(self, matches: Sequence[GrammarMatch]) -> None:
        self._looks += 1
        cheapest: dict[str, float] = {}
        for one in matches:
            form = comparison_form(one.text)
            cheapest[form] = min(one.cost, cheapest.get(form, math.inf))
            self._matches[form].append(one)
        for form, cost in cheapest.items():
            self._votes[form] += math.exp(-cost / 2)

    def winner(self) -> tuple[str, str | None, float]:
        """The text with the most votes, its country where one fits best, and the mean vote, 0 to 1."""
        form = max(self._votes, key=lambda one: self._votes[one])
        ranked = sorted(self._matches[form], key=lambda match: match.cost)
        rivals = [m for m in ranked if m.country != ranked[0].country]
        clear = not rivals or rivals[0].cost - ranked[0].cost > 0.3
        return ranked[0].text, ranked[0].country if clear else None, self._votes[form] / self._looks


def _candidates(
    regions: Sequence[Region], lines: Sequence[Line], country: str | None, size: tuple[int, int]
) -> Iterable[Candidate]:
    """Single lines, pairs of neighbours read as one, and stacked pairs, where a grammar fits them."""
    for region, line in zip(regions, lines, strict=True):
        yield from _candidate([region], [line], joined([region]), country, size)
    for i, j in neighbours(regions):
        both = joined([regions[i], regions[j]])
        merged = Line(
            text=lines[i].text + " " + lines[j].text,
            score=min(lines[i].score, lines[j].score),
            slots=lines[i].slots + lines[j].slots,
        )
        yield from _candidate([both], [merged], both, country, size)
    for i, j in stacks(regions):
        pair = [regions[i], regions[j]]
        yield from _candidate(pair, [lines[i], lines[j]], joined(pair), country, size)


def _candidate(
    regions: Sequence[Region],
    lines: Sequence[Line],
    whole: Region,
    country: str | None,
    size: tuple[int, int],
) -> Iterable[Candidate]:
    matches = resolve(_laid_out(lines), country)
    if not matches:
        return
    height, width = size
    plausible = math.prod(plausibility_of_text(line.text) for line in lines)
    plausible *= plausibility_of_shape(whole, len(matches[0].text), len(lines))
    plausible *= plausibility_of_place(whole, width, height)
    tally = _Tally()
    tally.add(matches)
    text, country_read, share = tally.winner()
    yield Candidate(
        regions=tuple(regions),
        whole=whole,
        text=text,
        country=country_read,
        matches=tuple(matches),
        plausible=plausible,
        score=_score(share, plausible),
    )


def _laid_out(lines: Sequence[Line]) -> list[Slot]:
    """The slots of one or two lines, each marked with its line."""
    return [replace(slot, line=index) for index, line in enumerate(lines) for slot in line.slots]


def _score(share: float, plausible: float) -> float:
    return float(share**0.7 * plausible)


def _may_be_text_of_a_plate(region: Region) -> bool:
    return region.height >= 8 and 0.8 < region.width / region.height < 14


def _without_overlaps(ranked: Sequence[Candidate]) -> list[Candidate]:
    """Of candidates on the same spot, the best."""
    kept: list[Candidate] = []
    for one in ranked:
        if all(_apart(one.whole, other.whole) for other in kept):
            kept.append(one)
    return kept


def _nearest_first(candidates: Sequence[Candidate]) -> list[Candidate]:
    """Ranked again with less for plates smaller than the largest good one: that vehicle is the nearest."""
    tallest = max((c.whole.height for c in candidates if c.score > 0.5), default=1.0)
    weighed = [
        replace(c, score=c.score * min(1.0, c.whole.height / tallest) ** _SIZE_WEIGHT) for c in candidates
    ]
    return sorted(weighed, key=lambda c: -c.score)


def _apart(first: Region, second: Region) -> bool:
    step = abs(first.centre - second.centre)
    return bool(step[0] > (first.width + second.width) / 3 or step[1] > (first.height + second.height) / 3)


def _reading(candidate: Candidate) -> PlateReading:
    corners = [(float(x), float(y)) for x, y in candidate.whole.quad]
    return PlateReading(
        text=candidate.text,
        country=candidate.country,
        score=round(min(1.0, candidate.score), 4),
        quad=(corners[0], corners[1], corners[2], corners[3]),
    )
