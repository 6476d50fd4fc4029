"""The agents' wire for erasures: their bundle keys, their proofs and the tombstones that they keep."""

from __future__ import annotations

import base64
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter
from pydantic import Base64Bytes, BaseModel, Field

from postern.keystore.tombstones import Tombstone
from postern.operations.privacy import erasure_proofs as operations
from postern.web.api.agents import Known
from postern.web.login import Hub

router = APIRouter(prefix="/agent/v1", include_in_schema=False)


class Proof(BaseModel):
    """An agent's word, signed."""

    erasure: UUID
    policy: str = Field(max_length=40)
    signature: Base64Bytes


class Settling(BaseModel):
    """The agent's bundle key, in base64, and what it proves."""

    bundle_key: Base64Bytes
    proofs: list[Proof] = Field(default_factory=list, max_length=500)


class Order(BaseModel):
    """What is to be proved; tombstones as lines of text."""

    id: UUID
    subject: UUID
    face_only: bool
    bundle_key: str
    tombstones: list[str]


class Settled(BaseModel):
    """The hub's answer."""

    bundle_key: str
    orders: list[Order]
    wants_tombstones: bool


class Kept(BaseModel):
    """Every tombstone that an agent keeps."""

    tombstones: list[Annotated[str, Field(max_length=120)]] = Field(max_length=100_000)


class Taken(BaseModel):
    """How many keys an older keystore had brought back."""

    destroyed: int


@router.post("/erasures")
async def settle(hub: Hub, known: Known, said: Settling) -> Settled:
    """Take the agent's key and proofs; say what is awaited of it."""
    proofs = [
        operations.Proof(erasure=one.erasure, policy=one.policy, signature=one.signature)
        for one in said.proofs
    ]
    done = await operations.settle(hub, known, bundle_key=said.bundle_key, proofs=proofs)
    orders = [
        Order(
            id=one.id,
            subject=one.subject,
            face_only=one.face_only,
            bundle_key=_text(one.bundle_key),
            tombstones=[tombstone.line for tombstone in one.tombstones],
        )
        for one in done.orders
    ]
    return Settled(bundle_key=_text(done.bundle_key), orders=orders, wants_tombstones=done.wants_tombstones)


@router.post("/tombstones")
async def tombstones(hub: Hub, known: Known, kept: Kept) -> Taken:
    """Learn from an agent what a restored keystore has forgotten."""
    found = [Tombstone.parse(line) for line in kept.tombstones]
    return Taken(destroyed=await operations.take_tombstones(hub, known, found))


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
