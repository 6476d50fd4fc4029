"""Pictures of entries for drivers to choose their own car among: small, with every plate and face covered."""

from __future__ import annotations

from collections import OrderedDict

from postern.agent.evidence import jpeg_of
from postern.biometrics.model import Box
from postern.errors import PosternError
from postern.journal.model import Act
from postern.operations.admit import picture_context, picture_key
from postern.operations.parking.books import PublicGarage
from postern.operations.ports import RecognitionPort
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.records.model import PictureRef
from postern.sealing.envelope import open_sealed
from postern.vehicles.plates import PlateReading

JOB = "job:counter"
LONGEST_SIDE = 360
_MOST_KEPT = 500


class EntryPictures:
    """Opens and covers them; what was covered is kept in memory for the next driver."""

    def __init__(self, services: Services, recognition: RecognitionPort) -> None:
        self._services = services
        self._recognition = recognition
        self._covered: OrderedDict[str, bytes | None] = OrderedDict()

    async def cover(self, garage: PublicGarage, picture: PictureRef) -> bytes | None:
        """The covered picture; None where no plate was found in it, for then one may still be seen.

        That it was opened is in the journal first.
        """
        if picture.name not in self._covered:
            self._covered[picture.name] = await self._made(garage, picture)
            while len(self._covered) > _MOST_KEPT:
                self._covered.popitem(last=False)
        return self._covered[picture.name]

    async def _made(self, garage: PublicGarage, picture: PictureRef) -> bytes | None:
        async with self._services.database.transaction(garage.tenant) as tx:
            await trace_as(
                self._services,
                tx,
                garage.tenant,
                JOB,
                Act.LOOKED,
                purpose="let drivers choose their own car, with plates and faces covered",
                detail=f"site {garage.site}: a picture of an entry",
            )
        try:
            sealed = await self._services.pictures.get(picture.name)
            jpeg = open_sealed(picture_key(picture), sealed, picture_context(garage.tenant, picture.name))
            rgb = await self._recognition.load_picture(jpeg)
            plates = await self._recognition.recognise.plates(rgb)
            faces = await self._recognition.recognise.faces(rgb)
        except PosternError:
            return None  # gone, or unreadable: then it is not among the choices
        if not plates:
            return None
        boxes = [*(_box(one) for one in plates), *(one.sighting.box for one in faces)]
        return jpeg_of(rgb, boxes, longest=LONGEST_SIDE)


def _box(plate: PlateReading) -> Box:
    """The upright box around a plate, with its whole width again on each side for what recognition missed."""
    xs, ys = [x for x, _ in plate.quad], [y for _, y in plate.quad]
    width, height = max(xs) - min(xs), max(ys) - min(ys)
    return Box(
        x=int(min(xs) - width / 2),
        y=int(min(ys) - height / 2),
        width=int(width * 2) + 1,
        height=int(height * 2) + 1,
    )
