"""Choosing one's own car among pictures of entries, in which no plate can be read."""

from __future__ import annotations

import io
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pytest
from PIL import Image

from postern.biometrics.model import Rgb, SeenFace
from postern.devices.recognition.pictures import decode_picture
from postern.entry_pictures import LONGEST_SIDE, EntryPictures
from postern.operations.admit import picture_context, picture_key
from postern.operations.parking.books import PublicGarage
from postern.operations.parking.checkout import Till
from postern.operations.parking.proof import CHOICES
from postern.operations.ports import RecognitionPort
from postern.operations.public import counter_wire as wire
from postern.operations.public.counter import Counter
from postern.operations.services import Services
from postern.records.model import PictureRef
from postern.sealing.envelope import seal
from postern.vehicles.plates import PlateReading
from tests.flows.operations.drawn import CARD
from tests.flows.public.books import DrawnBooks, DrawnCar
from tests.flows.public.test_counter import PHONE, shown, visit_of

PLATE_AT = ((300.0, 400.0), (420.0, 400.0), (420.0, 430.0), (300.0, 430.0))


@dataclass
class WhitePlates:
    """Finds a plate where the drawn picture is white."""

    async def faces(self, rgb: Rgb) -> Sequence[SeenFace]:
        return []

    async def plates(self, rgb: Rgb, country: str | None = None) -> Sequence[PlateReading]:
        if not (rgb[410:420, 310:410] > 200).all():
            return []
        return [PlateReading(text="DRAWN1", country=country, score=0.9, quad=PLATE_AT)]


def drawn_entry(number: int, *, plate: bool = True) -> bytes:
    """A grey car; its plate is black bars on white, by number."""
    picture = np.full((600, 800, 3), 40 + 5 * number, dtype=np.uint8)
    if plate:
        picture[400:430, 300:420] = 255
        for bar in range(4 + number % 5):
            picture[402:408, 305 + 14 * bar : 312 + 14 * bar] = 0
    out = io.BytesIO()
    Image.fromarray(picture).save(out, "JPEG", quality=95)
    return out.getvalue()


async def kept(hub: Services, garage: PublicGarage, jpeg: bytes) -> PictureRef:
    reference = PictureRef(name=secrets.token_hex(16), key=os.urandom(32))
    context = picture_context(garage.tenant, reference.name)
    await hub.pictures.put(reference.name, seal(picture_key(reference), jpeg, context))
    return reference


@pytest.fixture
def covering(hub: Services) -> EntryPictures:
    port = RecognitionPort(recognise=WhitePlates(), load_picture=decode_picture, card=CARD)
    return EntryPictures(hub, port)


async def test_the_plate_is_covered_the_picture_small_and_the_look_in_the_journal(
    hub: Services, garage: PublicGarage, covering: EntryPictures
) -> None:
    reference = await kept(hub, garage, drawn_entry(3))
    covered = await covering.cover(garage, reference)
    assert covered is not None
    picture = np.asarray(Image.open(io.BytesIO(covered)).convert("L"))
    assert max(picture.shape) == LONGEST_SIDE
    scale = LONGEST_SIDE / 800
    where = picture[int(400 * scale) : int(430 * scale), int(300 * scale) : int(420 * scale)]
    assert int(where.max()) - int(where.min()) < 120  # neither the white of the plate nor its black bars
    async with hub.database.transaction(garage.tenant) as tx:
        cursor = await tx.execute("SELECT count(*) FROM journal_entry WHERE actor = 'job:counter'")
        assert await cursor.fetchone() == (1,)
    assert await covering.cover(garage, reference) == covered  # kept: not opened again


async def test_a_picture_without_a_plate_that_could_be_covered_is_not_shown(
    hub: Services, garage: PublicGarage, covering: EntryPictures
) -> None:
    assert await covering.cover(garage, await kept(hub, garage, drawn_entry(1, plate=False))) is None
    assert await covering.cover(garage, await kept(hub, garage, b"no picture")) is None
    gone = replace(await kept(hub, garage, drawn_entry(1)), name=secrets.token_hex(16))
    assert await covering.cover(garage, gone) is None


@pytest.fixture
async def pictured(
    hub: Services, till: Till, garage: PublicGarage, books: DrawnBooks, car: DrawnCar, covering: EntryPictures
) -> Counter:
    """Fifteen cars inside, each with a picture of its entry."""
    car.picture = await kept(hub, garage, drawn_entry(0))
    for number in range(1, 15):
        reference = await kept(hub, garage, drawn_entry(number))
        books.cars.append(DrawnCar(plate=f"OTHER{number}", entered=car.entered, picture=reference))
    return Counter(services=hub, till=till, cover_plates=covering.cover)


async def test_a_driver_chooses_the_own_car_and_no_plate_is_among_the_pictures(
    pictured: Counter, code: str, car: DrawnCar, covering: EntryPictures, garage: PublicGarage
) -> None:
    assert car.picture is not None
    visit = await visit_of(pictured, code, car.plate)
    view = await shown(pictured, visit)
    assert len({one.picture for one in view.choices}) == CHOICES
    own = await covering.cover(garage, car.picture)
    choice = next(one.id for one in view.choices if one.picture == own)
    answer = await pictured.prove(wire.GiveProof(visit=visit, client=PHONE, choice=choice))
    assert answer.price is not None


async def test_for_a_plate_that_is_not_inside_as_many_pictures_are_shown_and_none_is_right(
    pictured: Counter, code: str
) -> None:
    visit = await visit_of(pictured, code, "NOBODY1")
    view = await shown(pictured, visit)
    assert len({one.picture for one in view.choices}) == CHOICES
    again = await shown(pictured, await visit_of(pictured, code, "NOBODY1"))
    assert [one.picture for one in again.choices] == [one.picture for one in view.choices]
    answer = await pictured.prove(wire.GiveProof(visit=visit, client=PHONE, choice=view.choices[0].id))
    assert answer.price is None


async def test_with_few_pictures_everybody_is_asked_for_the_moment(
    pictured: Counter, code: str, car: DrawnCar, books: DrawnBooks
) -> None:
    del books.cars[8:]
    for plate in (car.plate, "NOBODY1"):
        view = await shown(pictured, await visit_of(pictured, code, plate))
        assert all(one.moment is not None and one.picture is None for one in view.choices)
