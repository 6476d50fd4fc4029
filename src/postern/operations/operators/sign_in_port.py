"""What signing in asks of a provider of identities; the adapter, for OpenID Connect, comes from `wiring`."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from postern.operators.provider_store import ProviderSubject


@dataclass(frozen=True, kw_only=True, slots=True)
class WayThere:
    """One way to the provider and back: what only this browser's way has, and where it comes back to."""

    state: str
    nonce: str
    verifier: str
    back: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Answer:
    """What the browser brought back. `issuer`: who says so, where the provider names itself."""

    code: str
    issuer: str | None = None


class SignInProvider(Protocol):
    """Says who somebody is; never what they may do here."""

    @property
    def label(self) -> str:
        """The organisation's own word for it, on the button."""
        ...

    @property
    def names_operators(self) -> bool:
        """Whether its subjects' names are login names here, so that nobody else can be linked."""
        ...

    async def address(self, way: WayThere, at: datetime) -> str:
        """Where the browser is sent. Raises Unavailable."""
        ...

    async def subject(self, way: WayThere, answer: Answer, at: datetime) -> ProviderSubject:
        """Whom the provider names, verified. Raises NotSignedIn when anything is wrong, Unavailable."""
        ...
