"""Whose hours an operator may see and decide about: everybody's, or those of the people whom they manage.

An operator manages as the person who they are (`operators/who_they_are.py`): whom an employment names as its
manager, or else whoever leads the team. Nobody decides about their own hours.
"""

from __future__ import annotations

from dataclasses import dataclass

from postern.errors import Refused
from postern.ids import PersonId
from postern.operations.attendance.people import Employed
from postern.operations.services import Services
from postern.operators import person_store
from postern.operators.model import Actor
from postern.operators.roles import Duty, may
from postern.people.employment import access_spans, has_left
from postern.postgres.pool import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class Scope:
    """`own`: who the operator is, while they work here. `everybody`: whether they see everybody's hours."""

    own: PersonId | None = None
    everybody: bool = False

    def holds(self, one: Employed) -> bool:
        """Whether the person's hours may be seen."""
        return self.everybody or (self.own is not None and one.manager == self.own != one.person.id)

    def check_seen(self, one: Employed) -> None:
        """Raises Refused for somebody whom another one manages."""
        if not self.holds(one):
            raise Refused(
                "you see the hours of the people whom you manage, and somebody else manages this one; "
                "ask whoever keeps the registry"
            )

    def check_decided(self, one: Employed) -> None:
        """Raises Refused for somebody whom another one manages, and for oneself."""
        self.check_seen(one)
        if one.person.id == self.own:
            raise Refused("nobody decides about their own hours; ask somebody else to")


async def scope_of(services: Services, tx: Transaction, actor: Actor) -> Scope:
    """The operator's. Of a manager who is linked to nobody, or who left, it holds nobody."""
    everybody = may(actor, Duty.SEE_ALL_HOURS)
    if actor.operator is None:
        return Scope(everybody=everybody)
    own = await person_store.person_of(tx, services.keyring, actor.tenant, actor.operator)
    if own is None or own not in await services.registry.people.everyone(tx, actor.tenant):
        return Scope(everybody=everybody)
    whole = (await services.registry.employments.all(tx, actor.tenant)).get(own)
    if not everybody and whole is not None and has_left(access_spans(whole.every), services.clock.now()):
        return Scope()
    return Scope(own=own, everybody=everybody)


def own_desk(actor: Actor) -> bool:
    """Whether these hours are the operator's daily work, which is journalled and not counted: whoever keeps
    the registry, and managers, who see none but their own people's."""
    return may(actor, Duty.KEEP_PEOPLE) or not may(actor, Duty.SEE_ALL_HOURS)
