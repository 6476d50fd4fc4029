"""The counter's part for visitors and hosts: what their phones may ask through the public process."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import timedelta

from postern.errors import NotFound
from postern.operations.limits import Limit, Limits
from postern.operations.public import counter_wire as wire
from postern.operations.services import Services
from postern.operations.visitors import page as visit_page
from postern.operations.visitors.faces import GivenFace

ASKING = Limit(name="visits asked for", most=120, span=timedelta(minutes=10))
UNKNOWN = Limit(name="unknown links", most=20, span=timedelta(hours=1))
"""Of one phone; a link has 192 random bits, so that this only keeps the noise down."""

PHOTOS = Limit(name="photos of visitors", most=8, span=timedelta(hours=1))
"""Of one visit: enough for bad light, too few to try out whose face is known."""


@dataclass(kw_only=True)
class VisitCounter:
    """One hub's."""

    services: Services
    _limits: Limits = field(init=False)

    def __post_init__(self) -> None:
        self._limits = Limits(self.services.clock)

    async def invitation(self, asked: wire.AskInvitation) -> wire.InvitationView:
        """A visit for its visitor. Raises NotFound, TooMany."""
        self._take(asked.client)
        try:
            return await visit_page.invitation(self.services, asked.link)
        except NotFound:
            self._limits.count(UNKNOWN, asked.client)
            raise

    async def sign(self, asked: wire.SignTerms) -> wire.InvitationView:
        """The visitor signs. Raises NotFound, BadInput, Conflict, TooMany."""
        self._take(asked.client)
        return await visit_page.sign(
            self.services, asked.link, number=asked.number, language=asked.language, name=asked.name
        )

    async def face(self, asked: wire.GiveFace) -> wire.FaceAnswer:
        """The visitor gives a photo. Raises NotFound, TooMany, Unavailable."""
        self._take(asked.client)
        self._limits.take(PHOTOS, hashlib.sha256(asked.link.encode()).hexdigest())
        given = GivenFace(
            wording=asked.wording,
            language=asked.language,
            name=asked.name,
            photo=asked.photo,
            minor=asked.minor,
            movements=asked.movements,
            guardian=asked.guardian,
        )
        return await visit_page.give_face(self.services, asked.link, given)

    async def faceless(self, asked: wire.WithdrawFace) -> wire.InvitationView:
        """The visitor takes that back. Raises NotFound, TooMany."""
        self._take(asked.client)
        return await visit_page.withdraw_face(self.services, asked.link)

    async def waiting(self, asked: wire.AskAsHost) -> wire.WaitingView:
        """Who waits for a host. Raises NotFound, TooMany."""
        self._take(asked.client)
        try:
            return await visit_page.who_waits(self.services, asked.link)
        except NotFound:
            self._limits.count(UNKNOWN, asked.client)
            raise

    async def answer(self, asked: wire.AnswerAsHost) -> wire.WaitingView:
        """The host's answer. Raises NotFound, Conflict, TooMany."""
        self._take(asked.client)
        return await visit_page.answer(self.services, asked.link, approve=asked.approve)

    def _take(self, client: str) -> None:
        self._limits.require(UNKNOWN, client)
        self._limits.take(ASKING, client)
