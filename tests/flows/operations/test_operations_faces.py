"""Enrolment, consent and what a withdrawal takes away."""

from __future__ import annotations

import pytest

from postern.access.decision import FacePresented, Granted, Request, decide
from postern.access.model import CredentialKind, Grant, SubjectKind
from postern.access.reasons import Reason
from postern.biometrics.comparison import Gallery, identify
from postern.biometrics.model import Template
from postern.biometrics.quality import Problem
from postern.errors import BadInput, BadPicture, NotFound, Refused
from postern.ids import PersonId
from postern.operations import look
from postern.operations.archive.try_picture import try_picture
from postern.operations.people.enrol import SameFace, enrol
from postern.operations.people.register import add_person
from postern.operations.privacy.consent import give_consent, withdraw_consent
from postern.operations.services import Services
from postern.operations.sites import access_levels
from postern.operations.sites import places as sites
from postern.operations.sites.publish_policy import publish_stale
from postern.operators.model import Actor, Role
from postern.people.model import PersonDetails
from postern.privacy.model import LegalBasis
from postern.sealing.keyring import Purpose
from postern.sites.store import SitePlan
from tests.flows.operations.drawn import CARD, NOON, DrawnAgent

RED, GREEN, BLACK, TWO, NONE = b"pic\xff\0\0", b"pic\0\xff\0", b"pic\0\0\0", b"pic\xff\0\0\0\xff\0", b"pic"
DARK_RED = b"pic\xf0\0\0"


@pytest.fixture
async def ada(hub: Services, admin: Actor) -> PersonId:
    return (await look.find_people(hub, admin, text="ada")).rows[0].person.id


async def test_nobody_is_enrolled_without_consent(hub: Services, admin: Actor, ada: PersonId) -> None:
    with pytest.raises(Refused, match="consent"):
        await enrol(hub, admin, person=ada, photos=[RED])


async def test_each_photo_is_told_what_is_wrong_with_it(hub: Services, admin: Actor, ada: PersonId) -> None:
    await give_consent(hub, admin, person=ada)
    done = await enrol(hub, admin, person=ada, photos=[RED, NONE, TWO, BLACK, b"a text file"])
    assert [one.problems for one in done.photos[:4]] == [
        (),
        (Problem.NO_FACE,),
        (Problem.SEVERAL_FACES,),
        (Problem.TOO_DARK,),
    ]
    assert done.photos[4].fault == "this is no picture"
    assert done.references == 1


async def test_photos_of_two_people_are_refused(hub: Services, admin: Actor, ada: PersonId) -> None:
    await give_consent(hub, admin, person=ada)
    with pytest.raises(BadPicture, match="same person"):
        await enrol(hub, admin, person=ada, photos=[RED, GREEN])


async def test_a_face_that_somebody_else_has_is_refused_and_says_whose(
    hub: Services, admin: Actor, ada: PersonId
) -> None:
    other = await add_person(hub, admin, PersonDetails(name="Ada's twin"))
    for person in (ada, other.id):
        await give_consent(hub, admin, person=person)
    await enrol(hub, admin, person=ada, photos=[RED])
    with pytest.raises(SameFace) as refused:
        await enrol(hub, admin, person=other.id, photos=[DARK_RED])
    assert refused.value.person == ada


async def test_an_enrolled_face_opens_and_a_withdrawn_one_does_not(
    hub: Services, admin: Actor, ada: PersonId, agent: DrawnAgent, places: SitePlan
) -> None:
    front = next(one for one in places.access_points if one.name == "Front door, in")
    await give_consent(hub, admin, person=ada, keep_photo=True)
    await enrol(hub, admin, person=ada, photos=[RED])
    assert await look.enrolment_photo(hub, admin, ada, purpose="check") == RED
    assert (await look.person_file(hub, admin, ada)).photo_kept

    policy = await agent.policy()
    gallery = Gallery(CARD, policy.references(CARD.id))
    probe = gallery.search((await _seen(hub, RED)), k=1)
    assert probe[0].person == ada
    result = identify(gallery, await _seen(hub, DARK_RED))
    shown = Request(access_point=front.id, presented=FacePresented(result=result))
    assert isinstance(decide(shown, policy, NOON), Granted)

    await withdraw_consent(hub, admin, person=ada)

    later = await agent.policy()
    assert later.references(CARD.id) == ()
    assert decide(shown, later, NOON).reason is Reason.NO_CONSENT
    assert await hub.keyring.subject_keys(admin.tenant, [ada], Purpose.FACE) == {}
    kept = await look.person_file(hub, admin, ada)
    assert [one.kind for one in kept.holding.credentials] == [CredentialKind.CARD, CredentialKind.PIN]
    with pytest.raises(NotFound):
        await look.enrolment_photo(hub, admin, ada, purpose="check")


async def _seen(hub: Services, photo: bytes) -> Template:
    assert hub.recognition is not None
    faces = await hub.recognition.recognise.faces(await hub.recognition.load_picture(photo))
    return faces[0].template


async def test_who_withdrew_can_consent_and_be_enrolled_again(
    hub: Services, admin: Actor, ada: PersonId
) -> None:
    await give_consent(hub, admin, person=ada)
    await enrol(hub, admin, person=ada, photos=[RED])
    await withdraw_consent(hub, admin, person=ada)
    with pytest.raises(NotFound):
        await withdraw_consent(hub, admin, person=ada)
    await give_consent(hub, admin, person=ada)
    assert (await enrol(hub, admin, person=ada, photos=[RED])).references == 1
    consents = (await look.person_file(hub, admin, ada)).consents
    assert sorted(one.withdrawn_at is None for one in consents) == [False, True]


async def test_another_legal_basis_needs_its_reference(hub: Services, admin: Actor, ada: PersonId) -> None:
    with pytest.raises(BadInput):
        await give_consent(hub, admin, person=ada, basis=LegalBasis.OTHER)


async def test_trying_a_picture_says_who_and_why_and_keeps_nothing(
    hub: Services, admin: Actor, ada: PersonId, places: SitePlan
) -> None:
    await give_consent(hub, admin, person=ada)
    await enrol(hub, admin, person=ada, photos=[RED])
    front = next(one for one in places.access_points if one.name == "Front door, in")
    tried = await try_picture(
        hub, admin, TWO.replace(b"pic", b"car"), site=places.site.id, access_point=front.id
    )
    assert [(face.who, face.decision.reason) for face in tried.faces] == [
        ("Ada Nowak", Reason.GRANTED),
        (None, Reason.NO_MATCH),
    ]
    assert [plate.decision.reason for plate in tried.plates] == [Reason.GRANTED]


async def test_a_policy_holds_only_who_has_business_at_the_site(
    hub: Services, admin: Actor, ada: PersonId, agent: DrawnAgent
) -> None:
    held = await access_levels.holding(hub, admin, subject=ada, kind=SubjectKind.PERSON)
    await access_levels.set_grants(hub, admin, holding=held, grants=())
    await publish_stale(hub)
    assert ada not in {one.subject for one in (await agent.policy()).holders}


async def test_a_level_in_use_stays(hub: Services, admin: Actor, ada: PersonId) -> None:
    level = (await access_levels.access_levels(hub, admin))[0]
    with pytest.raises(Exception, match="still has this access level"):
        await access_levels.remove_access_level(hub, admin, level.id)


async def test_a_door_with_access_points_stays(hub: Services, admin: Actor, places: SitePlan) -> None:
    with pytest.raises(BadInput, match="still refers"):
        await sites.remove(hub, admin, places.doors[0])


async def test_hr_may_enrol_but_not_grant(hub: Services, admin: Actor, ada: PersonId) -> None:
    hr = Actor(tenant=admin.tenant, name="hr", role=Role.HR)
    await give_consent(hub, hr, person=ada)
    held = await access_levels.holding(hub, hr, subject=ada, kind=SubjectKind.PERSON)
    with pytest.raises(Refused):
        await access_levels.set_grants(hub, hr, holding=held, grants=[Grant(level=held.grants[0].level)])
