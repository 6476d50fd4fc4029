"""A person's own say over their face: to consent to its use, to take that back, wholly or for the photo."""

from __future__ import annotations

from postern.errors import NotFound
from postern.operations.privacy import consent, erase
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.privacy import store as privacy
from postern.privacy.member import JOURNAL_NAME, Member
from postern.privacy.model import Consent, ConsentForm, ConsentPurpose


def named_for(member: Member) -> Actor:
    """How the journal names the person. It may do nothing: whoever calls has no duty to ask for."""
    return Actor(tenant=member.tenant, name=JOURNAL_NAME, role=Role.INSTALLER)


async def give(
    services: Services, member: Member, *, keep_photo: bool, movements: bool, wording: str
) -> Consent:
    """Consent, signed in as oneself. Raises ForbiddenHere where the law does not take it so."""
    return await consent.record_consent(
        services,
        named_for(member),
        person=member.person,
        keep_photo=keep_photo,
        movements=movements,
        form=ConsentForm.ONLINE,
        wording=wording,
    )


async def withdraw(services: Services, member: Member) -> None:
    """Take every consent back: the face's key is destroyed. Raises NotFound when there is none."""
    if not await live(services, member, ConsentPurpose.FACE_RECOGNITION):
        raise NotFound("there is no consent to withdraw")
    await erase.take_face(services, named_for(member), member.person, reason="withdrawn by oneself")


async def withdraw_photo(services: Services, member: Member) -> None:
    """Take back only the consent to keep the photo; the face still opens doors."""
    await consent.take_photo(services, named_for(member), member.person)


async def live(services: Services, member: Member, purpose: ConsentPurpose) -> bool:
    """Whether a consent of theirs covers that purpose."""
    async with services.database.transaction(member.tenant) as tx:
        kept = await privacy.consents(tx, services.keyring, member.tenant, member.person)
    return privacy.is_live(kept, purpose)
