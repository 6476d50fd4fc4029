"""OpenID Connect: sign in with an organisation's own provider, by the code flow with PKCE, through Authlib.

The provider says who somebody is, and nothing else: no role and no new operator comes from it.
"""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oidc.core import CodeIDToken
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from postern.errors import NotSignedIn, SettingsInvalid, Unavailable
from postern.operations.operators.sign_in_port import Answer, WayThere
from postern.operators.provider_store import ProviderSubject

ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "ES256", "ES384", "EdDSA", "Ed25519"]
"""Signatures by a key pair. Never one by a shared secret, and never none."""
SCOPE = "openid profile email"
LEEWAY = timedelta(minutes=1)
PATIENCE = timedelta(seconds=10)
KEPT = timedelta(minutes=10)
"""How long what the provider says of itself is believed without asking again."""
LONGEST_NAME = 120
REFUSED = "the sign-in provider's answer was not accepted"


@dataclass(frozen=True, kw_only=True, slots=True)
class ProviderSettings:
    """How this hub is registered at the provider. `name_claim`: what people know each other by there."""

    issuer: str
    client_id: str
    client_secret: str | None
    label: str
    name_claim: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class _Known:
    """What the provider says of itself, read at `at`."""

    at: datetime
    authorization: str
    exchange: str
    says_issuer: bool
    keys: KeySet


class OidcProvider:
    """The `SignInProvider` of an OpenID Connect provider."""

    def __init__(self, settings: ProviderSettings) -> None:
        """Raises SettingsInvalid for an issuer that would be reached in clear over a network."""
        _require_https(settings.issuer)
        self._settings = settings
        self._known: _Known | None = None

    @property
    def label(self) -> str:
        """See `SignInProvider.label`."""
        return self._settings.label

    @property
    def names_operators(self) -> bool:
        """See `SignInProvider.names_operators`."""
        return self._settings.name_claim is not None

    async def address(self, way: WayThere, at: datetime) -> str:
        """See `SignInProvider.address`."""
        known = await self._provider(at)
        with self._session(way) as session:
            url, _ = session.create_authorization_url(
                known.authorization, state=way.state, nonce=way.nonce, code_verifier=way.verifier
            )
        return str(url)

    async def subject(self, way: WayThere, answer: Answer, at: datetime) -> ProviderSubject:
        """See `SignInProvider.subject`."""
        known = await self._provider(at)
        # 1. The answer names this provider, so that no other one can pass its code off as ours (RFC 9207).
        if answer.issuer != self._settings.issuer and (answer.issuer or known.says_issuer):
            raise NotSignedIn(REFUSED)
        # 2. The code is exchanged at the provider itself, with the verifier that only this way has (PKCE).
        identity, access = await asyncio.to_thread(self._exchange, known, way, answer.code)
        # 3. Whose token it is: signed by the provider's key, for us, now, and for this way's nonce.
        try:
            decoded = self._decoded(known, identity)
        except JoseError:
            known = await self._provider(at, anew=True)  # it may have changed its keys since
            try:
                decoded = self._decoded(known, identity)
            except (JoseError, ValueError) as fault:
                raise NotSignedIn(REFUSED) from fault
        except ValueError as fault:
            raise NotSignedIn(REFUSED) from fault
        return self._subject(self._checked(decoded, way, access, at))

    def _exchange(self, known: _Known, way: WayThere, code: str) -> tuple[str, str]:
        try:
            with self._session(way) as session:
                answer = session.fetch_token(
                    known.exchange,
                    code=code,
                    code_verifier=way.verifier,
                    timeout=PATIENCE.total_seconds(),
                    allow_redirects=False,
                )
            return str(answer["id_token"]), str(answer.get("access_token", ""))
        except OAuthError as fault:
            raise NotSignedIn(REFUSED) from fault
        except (KeyError, ValueError) as fault:
            raise NotSignedIn(REFUSED) from fault
        except requests.RequestException as fault:
            raise _away() from fault

    def _decoded(self, known: _Known, identity: str) -> jwt.Token:
        return jwt.decode(identity, known.keys, algorithms=ALGORITHMS)

    def _checked(self, decoded: jwt.Token, way: WayThere, access: str, at: datetime) -> CodeIDToken:
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
                "sub": {"essential": True},
            },
            params={"nonce": way.nonce, "client_id": self._settings.client_id, "access_token": access},
        )
        try:
            claims.validate(now=int(at.timestamp()), leeway=int(LEEWAY.total_seconds()))
        except (JoseError, ValueError, TypeError) as fault:
            raise NotSignedIn(REFUSED) from fault
        return claims

    def _subject(self, claims: Mapping[str, object]) -> ProviderSubject:
        name = claims.get(self._settings.name_claim or "preferred_username")
        return ProviderSubject(
            issuer=self._settings.issuer,
            subject=str(claims["sub"]),
            name=name[:LONGEST_NAME] if isinstance(name, str) else "",
        )

    def _session(self, way: WayThere) -> OAuth2Session:
        secret = self._settings.client_secret
        return OAuth2Session(
            self._settings.client_id,
            secret,
            token_endpoint_auth_method="client_secret_basic" if secret else "none",
            scope=SCOPE,
            redirect_uri=way.back,
            code_challenge_method="S256",
        )

    async def _provider(self, at: datetime, *, anew: bool = False) -> _Known:
        if self._known is None or anew or abs(at - self._known.at) > KEPT:
            self._known = await asyncio.to_thread(self._ask, at)
        return self._known

    def _ask(self, at: datetime) -> _Known:
        """Read what the provider says of itself. Raises Unavailable when it is away or is somebody else."""
        issuer = self._settings.issuer
        try:
            said = _json(issuer.rstrip("/") + "/.well-known/openid-configuration")
            if said["issuer"] != issuer:
                raise ValueError("another issuer")
            endpoints = [str(said[f"{one}_endpoint"]) for one in ("authorization", "token")]
            for url in (*endpoints, str(said["jwks_uri"])):
                _require_https(url)
            keys = KeySet.import_key_set({"keys": _key_list(_json(str(said["jwks_uri"])))})
        except (
            requests.RequestException,
            JoseError,
            KeyError,
            ValueError,
            TypeError,
            SettingsInvalid,
        ) as fault:
            raise _away() from fault
        says = said.get("authorization_response_iss_parameter_supported") is True
        return _Known(at=at, authorization=endpoints[0], exchange=endpoints[1], says_issuer=says, keys=keys)


def _key_list(document: dict[str, object]) -> list[dict[str, str | list[str]]]:
    """The keys of a JWKS. Raises ValueError for what is none."""
    found = document.get("keys")
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise ValueError("no key set")
    return [dict(one) for one in found]


def _json(url: str) -> dict[str, object]:
    answer = requests.get(url, timeout=PATIENCE.total_seconds(), allow_redirects=False)
    answer.raise_for_status()
    found = answer.json()
    if not isinstance(found, dict):
        raise ValueError("no object")
    return found


def _away() -> Unavailable:
    return Unavailable(
        "the sign-in provider does not answer as it should; try again, or sign in with a password or passkey"
    )


def _require_https(url: str) -> None:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if parts.scheme == "https" and host:
        return
    if parts.scheme == "http" and (host == "localhost" or _is_loopback(host)):
        return
    raise SettingsInvalid("the sign-in provider must be reached by https://")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
