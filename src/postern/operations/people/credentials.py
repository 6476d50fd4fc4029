"""Cards, PINs and QR codes: the other way in that every face door also takes."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from uuid import UUID

from postern.access import store as access
from postern.access.model import Credential, CredentialKind, Holding, SubjectKind
from postern.access.pins import hash_pin
from postern.errors import BadInput, Conflict
from postern.ids import CredentialId, new_id
from postern.journal.model import Act
from postern.operations.services import Services
from postern.operations.sites.publish_policy import mark_stale
from postern.operations.trace import trace
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.postgres.pool import Transaction
from postern.spans import ALWAYS, Span

_WHY = "give a way in"


@dataclass(frozen=True, kw_only=True, slots=True)
class Issued:
    """A credential as issued: what its holder must be told is in `secret`, shown once."""

    holding: Holding
    credential: Credential
    secret: str = ""


def card_number(text: str) -> str:
    """A card's number as stored: upper case, without separators. BadInput on an impossible one."""
    number = "".join(c for c in text.upper() if c.isalnum())
    if not 4 <= len(number) <= 64 or not number.isascii():
        raise BadInput("a card number has 4 to 64 digits and letters; read the card again")
    return number


async def issue_card(
    services: Services, actor: Actor, *, person: UUID, number: str, valid: Span = ALWAYS
) -> Issued:
    """Give a person a card. Conflict when somebody else holds it."""
    credential = _fresh(CredentialKind.CARD, card_number(number), valid)
    return await _issue(services, actor, person, credential, secret="")


async def issue_qr(services: Services, actor: Actor, *, person: UUID, valid: Span = ALWAYS) -> Issued:
    """Give a person a QR code with a random text of 128 bits, told once."""
    text = f"P1.{secrets.token_urlsafe(16)}"
    return await _issue(services, actor, person, _fresh(CredentialKind.QR, text, valid), secret=text)


async def issue_pin(
    services: Services, actor: Actor, *, person: UUID, pin: str, valid: Span = ALWAYS
) -> Issued:
    """Give a person a PIN with a keypad number of their own, told in `secret`; an older PIN ends."""
    hashed = hash_pin(pin)
    for _ in range(20):  # a keypad number may be taken; a million of them are rarely all
        number = f"{secrets.randbelow(1_000_000):06}"
        credential = replace(_fresh(CredentialKind.PIN, number, valid), secret=hashed)
        try:
            return await _issue(services, actor, person, credential, secret=number)
        except _NumberTaken:
            continue
    raise Conflict("no keypad number is free; remove PINs that are no longer used")


class _NumberTaken(Conflict):
    pass


async def _issue(
    services: Services, actor: Actor, person: UUID, credential: Credential, *, secret: str
) -> Issued:
    require(actor, Duty.CHANGE_PEOPLE)
    async with services.database.transaction(actor.tenant) as tx:
        held = await access.holding(tx, services.keyring, actor.tenant, person, SubjectKind.PERSON)
        await _check_free(services, tx, actor, person, credential)
        pin = credential.kind is CredentialKind.PIN
        kept = tuple(one for one in held.credentials if not (pin and one.kind is CredentialKind.PIN))
        wanted = replace(held, credentials=(*kept, credential))
        stored = await access.put_holding(tx, services.keyring, actor.tenant, wanted)
        await mark_stale(services, tx, actor.tenant)
        await trace(
            services, tx, actor, Act.ADDED, purpose=_WHY, subjects=[person], detail=credential.kind.value
        )
    return Issued(holding=stored, credential=credential, secret=secret)


async def _check_free(
    services: Services, tx: Transaction, actor: Actor, person: UUID, credential: Credential
) -> None:
    owner = await access.find_by_credential(tx, services.keyring, actor.tenant, credential)
    if owner is None:
        return
    if credential.kind is CredentialKind.PIN:
        raise _NumberTaken("this keypad number is taken")
    whose = "this person has" if owner == person else "somebody else holds"
    raise Conflict(f"{whose} this {credential.kind.value} already; revoke it there first")


def _fresh(kind: CredentialKind, value: str, valid: Span) -> Credential:
    return Credential(id=CredentialId(new_id()), kind=kind, value=value, valid=valid)
