"""Ten thousand values that occur nowhere by chance, given to Postern by every way in which it takes some."""

from __future__ import annotations

import csv
import io
import random
import string
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np

from postern.biometrics.model import Box, FaceSighting, Rgb, SeenFace, Template
from postern.biometrics.quality import FaceQuality
from postern.devices.recognition.dlib_card import CARD
from postern.operations.ports import RecognitionPort
from postern.vehicles.plates import PlateReading

PEOPLE = 2_000
VEHICLES = 1_000
ENROLLED = 50
PHOTOS_EACH = 20
_SYLLABLES = [first + second for first in "bcdfghjklmnpqrstvwz" for second in "aeiouäéø"]
_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)


@dataclass(frozen=True, kw_only=True, slots=True)
class PlantedPerson:
    name: str
    employee_number: str
    resident_id_number: str
    card: str
    occupation: str

    def values(self) -> tuple[str, ...]:
        return self.name, self.employee_number, self.resident_id_number, self.card, self.occupation


@dataclass(kw_only=True)
class Planted:
    """What was given away, and must be found nowhere. `more` holds what came into being on the way."""

    people: list[PlantedPerson]
    plates: list[str]
    strangers: list[str]
    templates: list[Template]
    enrolled: int = ENROLLED
    more: list[str] = field(default_factory=list)

    PHOTO: ClassVar[bytes] = b"\xff\xd8 a photo that shows "

    @classmethod
    def drawn(
        cls, seed: int, *, people: int = PEOPLE, vehicles: int = VEHICLES, enrolled: int = ENROLLED
    ) -> Planted:
        """The same for the same seed."""
        chance = random.Random(seed)
        numbers = np.random.default_rng(seed)
        faces = [numbers.normal(size=128).astype(np.float32) for _ in range(min(enrolled, people))]
        return cls(
            enrolled=enrolled,
            people=[_person(chance) for _ in range(people)],
            plates=[_letters(chance, 9) for _ in range(vehicles)],
            strangers=[_letters(chance, 10) for _ in range(100)],
            templates=[
                Template(model=CARD.id, vector=face + noise.astype(np.float32))
                for face in faces
                for noise in numbers.normal(scale=0.001, size=(PHOTOS_EACH, 128))
            ],
        )

    def photos(self, person: int) -> list[bytes]:
        """The photo files of one person; `FakeRecognition` sees in each the template of its number."""
        first = person * PHOTOS_EACH
        return [self.PHOTO + f"{n:08}".encode() for n in range(first, first + PHOTOS_EACH)]

    def values(self) -> Iterator[str | bytes]:
        """All of them. Of a template: 32 bytes from its middle, and a number of it in digits."""
        for person in self.people:
            yield from person.values()
        yield from self.plates
        yield from self.strangers
        for template in self.templates:
            yield template.vector[60:68].astype("<f4").tobytes()
            yield str(float(template.vector[70]))
        if self.templates:
            yield self.PHOTO[3:]
        yield from self.more

    def people_csv(self, level: str) -> bytes:
        rows = [
            (p.name, p.employee_number, p.resident_id_number, p.card, level, "2020-01-01", p.occupation)
            for p in self.people
        ]
        heading = ("name", "employee_number", "resident_id_number", "card", "access_levels")
        return _csv((*heading, "first_day", "occupation"), rows)

    def vehicles_csv(self, level: str) -> bytes:
        rows = [
            (plate, self.people[n % len(self.people)].employee_number, level)
            for n, plate in enumerate(self.plates)
        ]
        return _csv(("plate", "keeper_employee_number", "access_levels"), rows)


class FakeRecognition:
    """Sees in each photo the planted template of its number."""

    def __init__(self, planted: Planted) -> None:
        self._planted = planted

    async def faces(self, rgb: Rgb) -> Sequence[SeenFace]:
        number = int(rgb[0, 0, 0]) * 256 + int(rgb[0, 0, 1])
        sighting = FaceSighting(
            box=Box(x=0, y=0, width=200, height=200),
            landmarks=np.zeros((5, 2), dtype=np.float32),
            quality=FaceQuality(score=0.9),
        )
        return [SeenFace(sighting=sighting, template=self._planted.templates[number])]

    async def plates(self, rgb: Rgb, country: str | None = None) -> Sequence[PlateReading]:
        del rgb, country
        return []

    @staticmethod
    async def load(data: bytes) -> Rgb:
        high, low = divmod(int(data[-8:]), 256)
        return np.full((4, 4, 3), (high, low, 0), dtype=np.uint8)

    def port(self) -> RecognitionPort:
        return RecognitionPort(recognise=self, load_picture=self.load, card=CARD)


def _person(chance: random.Random) -> PlantedPerson:
    if chance.random() < 0.25:
        name = "".join(chr(chance.randrange(0x4E00, 0x9FA5)) for _ in range(4))
    else:
        first, last = ("".join(chance.choice(_SYLLABLES) for _ in range(length)).title() for length in (4, 5))
        name = f"{first} {last}"
    return PlantedPerson(
        name=name,
        employee_number=f"E-{_letters(chance, 8)}",
        resident_id_number=_resident_id(chance),
        card=_letters(chance, 12),
        occupation=_letters(chance, 11),
    )


def _letters(chance: random.Random, length: int) -> str:
    return "".join(chance.choice(string.ascii_uppercase + string.digits) for _ in range(length))


def _resident_id(chance: random.Random) -> str:
    """A number whose check character is right, by GB 11643."""
    born = f"{chance.randrange(1950, 2005)}{chance.randrange(1, 13):02}{chance.randrange(1, 29):02}"
    digits = f"{chance.randrange(110000, 659999)}{born}{chance.randrange(1000):03}"
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, digits, strict=True))
    return digits + "10X98765432"[total % 11]


def _csv(heading: Sequence[str], rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(heading)
    writer.writerows(rows)
    return text.getvalue().encode()
