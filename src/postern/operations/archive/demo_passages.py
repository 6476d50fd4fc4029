"""The demo site's first passages: a dozen presentations at its readers, judged by its real agent.

Nothing is made up but who comes: the decisions depend on the hour, as everybody's do. Only simulated doors
take it, and only a site at which nothing was decided yet.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import structlog

from postern.access import store as access
from postern.access.model import CredentialKind, SubjectKind
from postern.access.reasons import Reason
from postern.errors import PosternError
from postern.ids import ReaderId, SiteId, TenantId
from postern.operations.archive.present import present
from postern.operations.demo import PIN
from postern.operations.services import Services
from postern.operators.model import Actor, Role
from postern.people import store as people
from postern.records import store as records
from postern.records.model import Kind
from postern.sites import agents as agents_store
from postern.sites import store as sites
from postern.sites.model import Reader

PAUSE_SECONDS = 1.2
_TRIES = 20

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class _Step:
    """Somebody at a reader. A PIN or QR code is looked up by its holder's employee number."""

    reader: str
    kind: CredentialKind
    value: str = ""
    of: str = ""


_CARD, _PIN, _QR, _PLATE = CredentialKind.CARD, CredentialKind.PIN, CredentialKind.QR, CredentialKind.PLATE
STEPS = (
    _Step(reader="Front door card reader", kind=_CARD, value="0410A1B2C4"),
    _Step(reader="Driveway camera", kind=_PLATE, value="P-DM 2002"),
    _Step(reader="Turnstile card reader", kind=_CARD, value="0410A1B2C4"),
    _Step(reader="Front door card reader", kind=_CARD, value="0499FFFF01"),
    _Step(reader="Front door keypad", kind=_PIN, value=PIN, of="1001"),
    _Step(reader="Driveway camera", kind=_PLATE, value="HH XY 123"),
    _Step(reader="Front door keypad", kind=_PIN, value="1357", of="1004"),
    _Step(reader="Front door keypad", kind=_PIN, value=PIN, of="1004"),
    _Step(reader="Front door card reader", kind=_CARD, value="0410A1B2C5"),
    _Step(reader="Turnstile card reader", kind=_CARD, value="0410A1B2C8"),
    _Step(reader="Driveway camera, out", kind=_PLATE, value="P-DM 2002"),
    _Step(reader="Driveway camera", kind=_PLATE, value="P-DM 1001"),
    _Step(reader="Front door QR reader, out", kind=_QR, of="1002"),
)


async def show_passages(services: Services, *, pause: float = PAUSE_SECONDS) -> int:
    """Present what `STEPS` lists, once the agent is there; returns how many were judged, 0 where some were
    before or the site is not the demo's. Waits for the agent for some minutes at most."""
    actor, site = await _where(services)
    if actor is None or site is None or await _has_decisions(services, actor.tenant, site):
        return 0
    readers = await _readers(services, actor, site)
    judged = 0
    for step in STEPS:
        if step.reader not in readers:
            continue
        try:
            value = await _value(services, actor.tenant, step)
            judged += await _judged(
                services, actor, site=site, reader=readers[step.reader], kind=step.kind, value=value
            )
        except PosternError as fault:
            _log.warning("demo passage left out", reader=step.reader, detail=str(fault))
        if judged == 0:
            return 0
        await asyncio.sleep(pause)
    return judged


async def _where(services: Services) -> tuple[Actor | None, SiteId | None]:
    async with services.database.transaction() as tx:
        tenants = await sites.tenant_ids(tx)
    if not tenants:
        return None, None
    async with services.database.transaction(tenants[0]) as tx:
        found = await sites.sites(tx, services.keyring, tenants[0])
    actor = Actor(tenant=tenants[0], name="job:demo", role=Role.ADMINISTRATOR)
    return actor, found[0].id if found else None


async def _has_decisions(services: Services, tenant: TenantId, site: SiteId) -> bool:
    async with services.database.transaction(tenant) as tx:
        for agent in await agents_store.of_site(tx, site):
            if any(one.kind is Kind.DECISION for one in await records.latest(tx, site, agent.id)):
                return True
    return False


async def _readers(services: Services, actor: Actor, site: SiteId) -> dict[str, ReaderId]:
    async with services.database.transaction(actor.tenant) as tx:
        found = await sites.parts(tx, services.keyring, actor.tenant, site, Reader)
    return {one.name: one.id for one in found}


async def _value(services: Services, tenant: TenantId, step: _Step) -> str:
    """What is presented: as it stands, or with what was drawn for its holder when the demo was set up."""
    if not step.of:
        return step.value
    async with services.database.transaction(tenant) as tx:
        person = await people.find(tx, services.keyring, tenant, field="employee_number", value=step.of)
        if person is None:
            return step.value
        held = await access.holding(tx, services.keyring, tenant, person, SubjectKind.PERSON)
    drawn = next((one.value for one in held.credentials if one.kind is step.kind), "")
    return f"{drawn}-{step.value}" if step.kind is CredentialKind.PIN else drawn


async def _judged(
    services: Services, actor: Actor, *, site: SiteId, reader: ReaderId, kind: CredentialKind, value: str
) -> bool:
    """Whether the agent decided on it; the first time it may still be starting, or without a policy."""
    for _ in range(_TRIES):
        outcome = await present(services, actor, site=site, reader=reader, kind=kind, value=value)
        if outcome.detail in set(Reason):
            return True
        await asyncio.sleep(1)
    return False
