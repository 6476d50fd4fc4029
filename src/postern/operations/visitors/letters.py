"""Send the letters that wait, each in a transaction of its own: a crash may send one twice, and loses none.

What is written in a letter leaves the hub in the open: each one is journalled, with whom it is about.
"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import segno

from postern.errors import PosternError, Refused
from postern.ids import TenantId
from postern.journal.model import Act
from postern.operations.ports import Letter
from postern.operations.services import Services
from postern.operations.trace import trace_as
from postern.postgres.pool import Transaction
from postern.sites import store as sites
from postern.sites.model import zone_of
from postern.visitors import store
from postern.visitors.letters import Place, written
from postern.visitors.model import LetterKind, Visit
from postern.visitors.store import WaitingLetter

JOB = "job:letters"
GIVEN_UP_AFTER = timedelta(days=1)
_FIRST_WAIT = timedelta(minutes=1)
_LONGEST_WAIT = timedelta(hours=1)


async def send_letters(services: Services, tenant: TenantId) -> int:
    """Send every letter that is due; how many were taken over for delivery."""
    if services.post is None:
        return 0
    async with services.database.transaction(tenant) as tx:
        now = services.clock.now()
        due = [one.id for one in await store.letters(tx, services.keyring, tenant) if one.due <= now]
    return sum([await _send(services, tenant, id) for id in due])


async def _send(services: Services, tenant: TenantId, id: UUID) -> bool:
    async with services.database.transaction(tenant) as tx:
        letter = await store.take_letter(tx, services.keyring, tenant, id)
        if letter is None:
            return False  # sent meanwhile by another process, or erased
        visit = await store.get(tx, services.keyring, tenant, letter.visit)
        try:
            await _deliver(services, tx, visit, letter)
        except PosternError as fault:
            await _try_later(services, tx, visit, letter, fault)
            return False
        await store.drop_letter(tx, tenant, id)
        await _traced(services, tx, visit, letter, "sent")
        return True


async def _deliver(services: Services, tx: Transaction, visit: Visit, letter: WaitingLetter) -> None:
    if services.post is None:
        raise Refused("no mail is set up")
    site = await sites.site(tx, services.keyring, visit.tenant, visit.details.site)
    rules = await store.visit_rules(tx, services.keyring, visit.tenant, site.id)
    everyone = await services.registry.people.everyone(tx, visit.tenant)
    host = everyone.get(visit.details.host) if visit.details.host is not None else None
    text = written(
        letter.kind,
        visit,
        Place(name=site.name, zone=zone_of(site.time_zone)),
        rules,
        host=host.details.name if host is not None else "",
        link=_link(services, letter),
    )
    invitation = letter.kind is LetterKind.INVITATION
    await services.post.send(
        Letter(
            to=letter.to,
            subject=text.subject,
            text=text.text,
            picture=qr_png(visit.code) if invitation else None,
        )
    )


def _link(services: Services, letter: WaitingLetter) -> str:
    page = "visit/host" if letter.kind is LetterKind.ASKED else "visit"
    return f"{services.pages_url.rstrip('/')}/{page}/{letter.secret}"


def qr_png(text: str) -> bytes:
    """The text as a QR code, as a picture file."""
    out = io.BytesIO()
    segno.make(text, error="m", micro=False).save(out, kind="png", scale=10, border=4)
    return out.getvalue()


async def _try_later(
    services: Services, tx: Transaction, visit: Visit, letter: WaitingLetter, fault: PosternError
) -> None:
    """Later and later; after a day, or when the address is refused, never: then the visit's page says so."""
    now = services.clock.now()
    if isinstance(fault, Refused) or now - letter.made_at >= GIVEN_UP_AFTER:
        await store.drop_letter(tx, visit.tenant, letter.id)
        told = visit.told | {f"unsent-{letter.kind.value}"}
        await store.change(tx, services.keyring, replace(visit, told=told))
        await _traced(services, tx, visit, letter, "given up")
        return
    wait = min(_FIRST_WAIT * 2 ** min(letter.tries, 10), _LONGEST_WAIT)
    later = replace(letter, tries=letter.tries + 1, due=now + wait)
    await store.put_letter(tx, services.keyring, visit.tenant, later)


async def _traced(
    services: Services, tx: Transaction, visit: Visit, letter: WaitingLetter, outcome: str
) -> None:
    await trace_as(
        services,
        tx,
        visit.tenant,
        JOB,
        Act.EXPORTED if outcome == "sent" else Act.REFUSED,
        purpose="letter about a visit",
        subjects=[visit.id],
        detail=f"{letter.kind.value} {outcome}",
    )
