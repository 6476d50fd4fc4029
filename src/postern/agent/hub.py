"""The hub as an agent sees it: signed requests over HTTP(S), and a channel on which the hub speaks first."""

from __future__ import annotations

import base64
import json
import secrets
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit, urlunsplit
from uuid import UUID

import httpx
import websockets

from postern.access.lanes import Clearance
from postern.agent.bundle import SealedBundle
from postern.agent.health import Health, health_fields
from postern.agent.identity import Identity
from postern.agent.lanes import Question
from postern.agent.spool import SpoolEntry
from postern.clock import Clock
from postern.errors import (
    BadInput,
    CannotVerify,
    HubUnavailable,
    PosternError,
    Refused,
    SettingsInvalid,
)
from postern.ids import AgentId, SiteId, TenantId
from postern.keystore.tombstones import Tombstone
from postern.operations.archive.wire import REQUEST_PURPOSE, request_message
from postern.operations.presence.muster_news import SealedNews
from postern.operations.privacy.erasure_proofs import Order, Proof, Settled
from postern.sealing import hybrid, signing

_Answer = dict[str, Any]
"""A JSON object of the hub; every field is converted where it is read."""

CHANNEL_PATH = "/agent/v1/channel"
_ABOUT_WHAT_WAS_SENT = (400, 413, 422)
"""Statuses that the same words will meet again; any other may be a proxy's, or pass."""
_PATIENCE = httpx.Timeout(30.0, connect=5.0)


@dataclass(frozen=True, kw_only=True, slots=True)
class Welcome:
    """The hub's answer to hello. `covered`: a backup holds all that was acknowledged up to this seq."""

    known_seq: int
    renew: bool
    ask_from: int | None
    covered: int | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownCheckpoint:
    """A checkpoint of the journal as offered to a witness, and the key it is said to be signed by."""

    key: str
    key_signature: bytes
    offer: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Receipt:
    """What the hub has for good, in its archive or in its quarantine; and what it cannot read."""

    acknowledged: tuple[int, ...]
    quarantined: tuple[int, ...]
    refused: tuple[int, ...] = ()


def trusting(root: Path | None) -> ssl.SSLContext:
    """Whose certificates are believed: the usual authorities', and the one whose root is in the file `root`.

    Raises SettingsInvalid when the file is no certificate.
    """
    context = ssl.create_default_context()
    if root is not None:
        try:
            context.load_verify_locations(root)
        except (OSError, ssl.SSLError) as fault:
            raise SettingsInvalid(
                f"{root} is no root certificate; take it from the hub's console, Certificates."
            ) from fault
    return context


def connection(
    hub_url: str, transport: httpx.AsyncBaseTransport | None = None, trust: ssl.SSLContext | None = None
) -> httpx.AsyncClient:
    """A client for the hub at `hub_url`. Proxies of the environment are not used: records go to one place."""
    return httpx.AsyncClient(
        base_url=hub_url,
        timeout=_PATIENCE,
        trust_env=False,
        transport=transport,
        verify=trust if trust is not None else True,
    )


class Hub:
    """The hub, asked in this agent's name."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        identity: Identity,
        clock: Clock,
        trust: ssl.SSLContext | None = None,
    ) -> None:
        self._client = client
        self._trust = trust
        self._clock = clock
        self.identity = identity

    async def hello(self, *, highest_seq: int, bundle: str | None, health: Health) -> Welcome:
        """Say how far we are and how we do; learn how far the hub is."""
        body = {"highest_seq": highest_seq, "bundle": bundle, **health_fields(health)}
        answer = await self._post("/agent/v1/hello", body)
        return Welcome(
            known_seq=int(answer["known_seq"]),
            renew=bool(answer["renew"]),
            ask_from=_whole_or_none(answer.get("ask_from")),
            covered=_whole_or_none(answer.get("covered")),
        )

    async def renew(self) -> AgentId:
        """A new number, because the hub knows later entries than this agent has."""
        return AgentId(int((await self._post("/agent/v1/renew", {}))["agent_id"]))

    async def checkpoint(
        self, *, seen: int, cosignature: str | None, refused: str | None
    ) -> ShownCheckpoint | None:
        """The journal's newest checkpoint, if any, for a witness that saw one over `seen` entries."""
        body = {"seen": seen, "cosignature": cosignature, "refused": refused}
        data = json.dumps(body, separators=(",", ":")).encode()
        response = await self._exchange("POST", "/agent/v1/witness", data, self.identity.agent)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        answer = _fields(response)
        try:
            return ShownCheckpoint(
                key=str(answer["key"]),
                key_signature=base64.b64decode(answer["key_signature"]),
                offer=str(answer["offer"]),
            )
        except (KeyError, ValueError, TypeError) as fault:
            raise HubUnavailable(
                "the hub shows no checkpoint that can be read; upgrade this agent"
            ) from fault

    async def send(self, entries: Sequence[SpoolEntry]) -> Receipt:
        """Hand over entries of one agent id, with their pictures. BadInput for a batch that is none to it."""
        body = {
            "entries": [
                {
                    "seq": entry.seq,
                    "day": entry.day.isoformat(),
                    "kind": int(entry.kind),
                    "entry": _text(entry.sealed),
                    "digest": entry.digest.hex(),
                    "signature": _text(entry.signature),
                }
                for entry in entries
            ],
            "pictures": [
                {"name": picture.name, "sealed": _text(picture.sealed)}
                for entry in entries
                for picture in entry.pictures
            ],
        }
        answer = await self._post("/agent/v1/records", body, agent=entries[0].agent)
        return Receipt(
            acknowledged=tuple(int(seq) for seq in answer["acknowledged"]),
            quarantined=tuple(int(seq) for seq in answer["quarantined"]),
            refused=tuple(int(seq) for seq in answer.get("refused", ())),
        )

    async def bundle(self, have: str | None) -> SealedBundle | None:
        """The newest policy bundle, or None when `have` ("epoch.version") is the newest."""
        path = "/agent/v1/bundle" + (f"?{urlencode({'have': have})}" if have else "")
        response = await self._exchange("GET", path, b"", self.identity.agent)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        answer = _fields(response)
        return SealedBundle(
            epoch=int(answer["epoch"]),
            version=int(answer["version"]),
            sealed=base64.b64decode(answer["sealed"]),
            signature=base64.b64decode(answer["signature"]),
        )

    async def clearance(self, question: Question) -> Clearance:
        """Whether a vehicle at a lane may leave, as far as the hub can tell."""
        body = {
            "access_point": str(question.access_point),
            "plate": question.plate,
            "score": question.score,
        }
        answer = await self._post("/agent/v1/clearance", body)
        try:
            return Clearance(str(answer["clearance"]))
        except (KeyError, ValueError):
            return Clearance.UNCERTAIN  # a newer hub's answer: nothing to open or to charge on

    async def muster(self, have: str | None) -> SealedNews | None:
        """What a muster needs, or None when that of the digest `have` is the newest."""
        path = "/agent/v1/muster" + (f"?{urlencode({'have': have})}" if have else "")
        response = await self._exchange("GET", path, b"", self.identity.agent)
        if response.status_code == httpx.codes.NO_CONTENT:
            return None
        answer = _fields(response)
        return SealedNews(
            digest=str(answer["digest"]),
            sealed=base64.b64decode(answer["sealed"]),
            signature=base64.b64decode(answer["signature"]),
        )

    async def settle(self, *, bundle_key: bytes, proofs: Sequence[Proof] = ()) -> Settled:
        """Say which key policies are to be sealed to, prove erasures, and learn which are to be proved."""
        body = {
            "bundle_key": _text(bundle_key),
            "proofs": [
                {"erasure": str(one.erasure), "policy": one.policy, "signature": _text(one.signature)}
                for one in proofs
            ],
        }
        answer = await self._post("/agent/v1/erasures", body)
        return Settled(
            bundle_key=base64.b64decode(answer["bundle_key"]),
            orders=tuple(_order(one) for one in answer["orders"]),
            wants_tombstones=bool(answer["wants_tombstones"]),
        )

    async def tell_tombstones(self, kept: Sequence[Tombstone]) -> None:
        """Hand over every tombstone kept here, for a hub that may have been put back."""
        await self._post("/agent/v1/tombstones", {"tombstones": [one.line for one in kept]})

    def channel(self) -> websockets.connect:
        """The channel, as an asynchronous context manager; see `agent.channel`."""
        parts = urlsplit(str(self._client.base_url))
        scheme = "wss" if parts.scheme == "https" else "ws"
        path = parts.path.rstrip("/") + CHANNEL_PATH
        return websockets.connect(
            urlunsplit((scheme, parts.netloc, path, "", "")),
            additional_headers=self._headers("GET", path, b"", self.identity.agent),
            open_timeout=10,
            max_size=1_000_000,
            proxy=None,
            ssl=self._trust if scheme == "wss" else None,
        )

    async def _post(self, path: str, body: object, agent: AgentId | None = None) -> _Answer:
        data = json.dumps(body, separators=(",", ":")).encode()
        return _fields(await self._exchange("POST", path, data, agent or self.identity.agent))

    async def _exchange(self, method: str, path: str, body: bytes, agent: AgentId) -> httpx.Response:
        headers = self._headers(method, path, body, agent) | {"Content-Type": "application/json"}
        try:
            response = await self._client.request(method, path, content=body, headers=headers)
        except httpx.HTTPError as fault:
            raise HubUnavailable(
                f"the hub at {self._client.base_url} does not answer ({type(fault).__name__}); trying again"
            ) from fault
        if response.is_success:
            return response
        raise _refusal(response)

    def _headers(self, method: str, path: str, body: bytes, agent: AgentId) -> dict[str, str]:
        time, nonce = self._clock.now().isoformat(), secrets.token_hex(16)
        message = request_message(method=method, path=path, time=time, nonce=nonce, body=body)
        signature = signing.sign(self.identity.sign_private, message, purpose=REQUEST_PURPOSE)
        return {
            "Postern-Agent": str(agent),
            "Postern-Time": time,
            "Postern-Nonce": nonce,
            "Postern-Signature": _text(signature),
        }


async def enrol(client: httpx.AsyncClient, code: str) -> Identity:
    """Make keys and take a number with a one-time code from the console. Raises Refused for a spent code."""
    sign_private, hpke_private = signing.generate(), hybrid.generate()
    body = {
        "code": code,
        "sign_public": _text(signing.public_of(sign_private)),
        "hpke_public": _text(hybrid.public_of(hpke_private)),
    }
    try:
        response = await client.post("/agent/v1/enrol", json=body)
    except httpx.HTTPError as fault:
        raise HubUnavailable(
            f"the hub at {client.base_url} does not answer; is the address right?"
        ) from fault
    if not response.is_success:
        raise _refusal(response)
    answer = _fields(response)
    return Identity(
        agent=AgentId(int(answer["agent_id"])),
        site=SiteId(int(answer["site_id"])),
        tenant=TenantId(int(answer["tenant_id"])),
        hub_public=base64.b64decode(answer["hub_public"]),
        policy_public=base64.b64decode(answer["policy_public"]),
        sign_private=sign_private,
        hpke_private=hpke_private,
    )


def _order(fields: _Answer) -> Order:
    return Order(
        id=UUID(fields["id"]),
        subject=UUID(fields["subject"]),
        face_only=bool(fields["face_only"]),
        bundle_key=base64.b64decode(fields["bundle_key"]),
        tombstones=tuple(Tombstone.parse(line) for line in fields["tombstones"]),
    )


def _refusal(response: httpx.Response) -> PosternError:
    words = f"the hub refused {response.request.url.path}: {response.status_code} {response.text[:300]}"
    if response.status_code == httpx.codes.UNAUTHORIZED:
        return CannotVerify(words)
    if response.status_code in _ABOUT_WHAT_WAS_SENT:
        return BadInput(words)
    if response.is_client_error and response.status_code != httpx.codes.TOO_MANY_REQUESTS:
        return Refused(words)
    return HubUnavailable(words)


def _fields(response: httpx.Response) -> _Answer:
    try:
        answer = response.json()
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise HubUnavailable(f"what answers at {response.request.url} is no hub; check the hub's address")
    return answer


def _whole_or_none(value: object) -> int | None:
    return None if value is None else int(str(value))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
