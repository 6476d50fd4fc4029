"""What people and vehicles share: the view of what they hold, and reading a span of validity."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from uuid import UUID

from postern.access.model import Credential, CredentialKind, Grant, Holding
from postern.ids import AccessLevelId
from postern.operations.sites import access_levels
from postern.operations.sites import places as site_operations
from postern.operators.roles import Duty, may
from postern.sites.model import zone_of
from postern.spans import Span
from postern.web.forms import FormReader
from postern.web.login import Hub
from postern.web.pages import Caller


@dataclass(frozen=True, kw_only=True, slots=True)
class CredentialView:
    """A credential as shown: a card's and a QR code's value only by its end."""

    id: UUID
    kind: str
    shown: str
    revoked: bool


@dataclass(frozen=True, kw_only=True, slots=True)
class GrantView:
    """An access level that is held."""

    level: UUID
    name: str
    start: datetime | None
    end: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class HolderView:
    """What somebody may present, and where that lets them."""

    kind: str
    revoked: bool
    credentials: tuple[CredentialView, ...]
    grants: tuple[GrantView, ...]


async def zone_for(hub: Hub, caller: Caller) -> tzinfo:
    """The clock that pages without a site of their own go by: the first site's; UTC for who may see none."""
    if not may(caller.actor, Duty.SEE_SITES):
        return UTC
    sites = await site_operations.sites(hub, caller.actor)
    return zone_of(sites[0].time_zone) if sites else UTC


async def level_choices(hub: Hub, caller: Caller) -> list[tuple[UUID, str]]:
    """Access levels to choose from."""
    return [(one.id, one.name) for one in await access_levels.access_levels(hub, caller.actor)]


def view_of(holding: Holding, levels: list[tuple[UUID, str]]) -> HolderView:
    """The holding with its levels named."""
    names = dict(levels)
    return HolderView(
        kind=holding.kind.value,
        revoked=holding.revoked,
        credentials=tuple(
            CredentialView(id=one.id, kind=one.kind.value, shown=_shown(one), revoked=one.revoked)
            for one in holding.credentials
        ),
        grants=tuple(
            GrantView(
                level=one.level, name=names.get(one.level, "–"), start=one.valid.start, end=one.valid.end
            )
            for one in holding.grants
        ),
    )


def _shown(credential: Credential) -> str:
    if credential.kind in (CredentialKind.CARD, CredentialKind.QR):
        return f"…{credential.value[-4:]}"
    return credential.value or "—"


def read_grant(fields: FormReader, zone: tzinfo) -> Grant | None:
    """A level with its validity; both days belong to it. None, with errors told, when it cannot be read."""
    level = fields.id("level")
    first, last = fields.day("from"), fields.day("until")
    if level is None:
        fields.errors.setdefault("level", "form.needed")
    if first and last and last < first:
        fields.errors["until"] = "access.backwards"
    if fields.errors or level is None:
        return None
    start = datetime(first.year, first.month, first.day, tzinfo=zone) if first else None
    after = last + timedelta(days=1) if last else None
    end = datetime(after.year, after.month, after.day, tzinfo=zone) if after else None
    return Grant(level=AccessLevelId(level), valid=Span(start=start, end=end))


def with_grant(holding: Holding, grant: Grant) -> tuple[Grant, ...]:
    """The holding's grants with `grant` in place of an earlier one of the same level."""
    return (*without_grant(holding, grant.level), grant)


def without_grant(holding: Holding, level: UUID) -> tuple[Grant, ...]:
    """The holding's grants without that level."""
    return tuple(one for one in holding.grants if one.level != level)
