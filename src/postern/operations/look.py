"""look: the one way to open what is sealed. Who, whose and why are durable in the journal first.

Everything that shows a person, a vehicle, a passage or a picture is named here; nothing else may be used to
open them for an operator.
"""

from postern.operations.archive.evidence import enrolment_photo, evidence
from postern.operations.archive.search import Wanted, search_passages
from postern.operations.archive.wall import (
    DoorNews,
    Passing,
    Row,
    Unopenable,
    Wall,
    is_watched,
    wall,
    wall_news,
)
from postern.operations.people.look import (
    PeoplePage,
    PersonFile,
    PersonRow,
    VehicleFile,
    VehicleRow,
    VehiclesPage,
    find_people,
    find_vehicles,
    journal_page,
    person_file,
    vehicle_file,
)
from postern.operations.privacy.looked_at import Look, Looks, looked_at

__all__ = [
    "DoorNews",
    "Look",
    "Looks",
    "Passing",
    "PeoplePage",
    "PersonFile",
    "PersonRow",
    "Row",
    "Unopenable",
    "VehicleFile",
    "VehicleRow",
    "VehiclesPage",
    "Wall",
    "Wanted",
    "enrolment_photo",
    "evidence",
    "find_people",
    "find_vehicles",
    "is_watched",
    "journal_page",
    "looked_at",
    "person_file",
    "search_passages",
    "vehicle_file",
    "wall",
    "wall_news",
]
