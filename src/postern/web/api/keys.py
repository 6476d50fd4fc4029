"""The keys over the API: how old they are, and their rotation. A key itself is shown to nobody."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter
from pydantic import BaseModel, Field

from postern.keystore.rotation_store import Kind
from postern.operations.keys import key_desk
from postern.operations.keys.key_desk import KeyState
from postern.web.login import Hub, SignedIn

router = APIRouter(tags=["keys"])


class ProgressOut(BaseModel):
    """How many keys or indexes of `total` are under the new key; at the end the old rows are swept."""

    done: int
    total: int


class KeyOut(BaseModel):
    """One kind of key. `oldest` and `newest` are the days on which they were made, of site-day keys the days
    that they are for; `progress` is that of a rotation that has begun and not ended."""

    kind: str
    count: int
    version: int | None
    holder: str | None
    oldest: date | None
    newest: date | None
    rotated: date | None
    due: date | None
    progress: ProgressOut | None

    @classmethod
    def of(cls, state: KeyState) -> KeyOut:
        """From the operation's."""
        age, far = state.age, state.progress
        return cls(
            kind=age.kind,
            count=age.count,
            version=age.version,
            holder=age.holder,
            oldest=age.oldest,
            newest=age.newest,
            rotated=age.rotated,
            due=age.due,
            progress=None if far is None else ProgressOut(done=far.done, total=far.total),
        )


class KeysOut(BaseModel):
    """`running`: a rotation is at work; one with progress while none runs was cut off. `fault`: why the last
    one stopped."""

    keys: list[KeyOut]
    running: bool
    fault: str


class RotationIn(BaseModel):
    """Why the key is rotated; it is kept in the journal."""

    reason: str = Field(max_length=200)


@router.get("/keys")
async def keys(hub: Hub, caller: SignedIn) -> KeysOut:
    """What keys there are, how old, when due, and how far a rotation is."""
    found = await key_desk.keys(hub, caller.actor)
    return KeysOut(keys=[KeyOut.of(one) for one in found.states], running=found.running, fault=found.fault)


@router.post("/keys/{kind}/rotation", status_code=202)
async def rotate(hub: Hub, caller: SignedIn, kind: Kind, given: RotationIn) -> KeysOut:
    """Begin the rotation of the tenant's key or of the index keys, or go on with it. 409 while one runs."""
    await key_desk.start_rotation(hub, caller.actor, kind, reason=given.reason)
    return await keys(hub, caller)
