"""Happenings as bytes: compact JSON with short names and a version. It is only ever stored sealed.

The names are short because a billion rows carry them; a field that is absent was None or False.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal, TypeAlias
from uuid import UUID

from postern.errors import BadInput
from postern.ids import AccessPointId, AreaId, DoorId, ReaderId
from postern.records.decisions import EPOCH, VERSION, members, members_of_subject, micros, short
from postern.records.model import (
    AttendanceDeed,
    AttendanceRecord,
    CommandRecord,
    CorrectionRecord,
    DecisionRecord,
    Deed,
    DoorCondition,
    DoorRecord,
    Happening,
    Kind,
    Outcome,
    PassageRecord,
    PaymentRecord,
    Personal,
    PictureRef,
    PresenceDeed,
    PresenceRecord,
    kind_of,
)

# Made once: half of the time of encoding would go into making it for each record.
_to_json = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode

Statement: TypeAlias = CorrectionRecord | PaymentRecord | PresenceRecord | AttendanceRecord
"""What no reader saw: somebody said or did it."""
Rarer: TypeAlias = PassageRecord | DoorRecord | CommandRecord | Statement
"""All but decisions, which are written in `decisions`."""
Fields = dict[str, str | int | float | None]


def encode(happening: Happening) -> bytes:
    """The happening as bytes; `decode` gives the equal happening back, its times in UTC."""
    if isinstance(happening, DecisionRecord):
        return f"{{{members(happening)}{members_of_subject(happening)}}}".encode()
    fields = _told(happening)
    if isinstance(happening, PresenceRecord | AttendanceRecord):
        fields.update(_of_subject(happening))
    return _dump(fields)


def encode_anonymous(happening: Happening) -> bytes:
    """The same without what tells who it was and where: no subject, plate, picture, area or vehicle."""
    if isinstance(happening, DecisionRecord):
        return f"{{{members(happening)}}}".encode()
    return _dump(_told(happening))


def _told(happening: Rarer) -> Fields:
    fields: Fields = {"v": VERSION, "k": int(kind_of(happening)), "at": micros(happening.at)}
    fields.update(_own(happening))
    return fields


def decode(data: bytes) -> Happening:
    """The happening that `encode` wrote. Raises BadInput for anything else."""
    with _unreadable():
        fields = _load(data)
        return _happening(Kind(_whole(fields["k"])), fields)


def encode_subject(record: Personal) -> bytes:
    """Only what tells who it was: subject, plate and picture, or what somebody stated of them."""
    if isinstance(record, DecisionRecord):
        return f'{{"v":{VERSION}{members_of_subject(record)}}}'.encode()
    return _dump({"v": VERSION, **_of_subject(record)})


def with_subject(record: Personal, data: bytes) -> Personal:
    """`record` with what `encode_subject` wrote. Raises BadInput for anything else."""
    with _unreadable():
        fields = _load(data)
        if isinstance(record, PresenceRecord):
            return _with_whereabouts(record, fields)
        if isinstance(record, AttendanceRecord):
            return _attended(record.at, fields, deed=record.deed)
        return replace(
            record,
            subject=_long(fields["s"]) if "s" in fields else None,
            subject_kind=_string(fields["sk"]) if "sk" in fields else None,
            plate=_string(fields["p"]) if "p" in fields else None,
            picture=_picture(fields),
        )


@contextmanager
def _unreadable() -> Iterator[None]:
    try:
        yield
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError) as fault:
        raise BadInput(
            "No record that this version of Postern can read; use the release that wrote it, or a later one."
        ) from fault


def _dump(fields: Fields) -> bytes:
    kept = {name: value for name, value in fields.items() if value is not None and value is not False}
    return _to_json(kept).encode()


def _load(data: bytes) -> dict[str, object]:
    fields = json.loads(data)
    if not isinstance(fields, dict) or fields.get("v") != VERSION:
        raise ValueError("another version")
    return fields


def _own(happening: Rarer) -> Fields:
    match happening:
        case PassageRecord():
            return {"n": happening.decision_seq, "o": happening.outcome.value}
        case DoorRecord():
            return {"d": short(happening.door), "o": happening.state.value}
        case CommandRecord():
            door, done = short(happening.door), happening.done
            return {"d": door, "w": happening.operator, "y": happening.reason, "ok": done}
        case _:
            return _of_statement(happening)


def _of_statement(happening: Statement) -> Fields:
    match happening:
        case CorrectionRecord():
            return _of_correction(happening)
        case PaymentRecord():
            return _of_payment(happening)
        case PresenceRecord():
            deed, by = happening.deed.value, happening.by
            return {"o": deed, "w": by, "y": happening.reason or None, "dr": happening.drill}
        case AttendanceRecord():
            return {"o": happening.deed.value}


def _of_correction(record: CorrectionRecord) -> Fields:
    return {
        "o": record.deed.value,
        "w": record.operator,
        "y": record.reason,
        "cs": _optional(record.case),
        "se": _optional(record.session),
        "re": record.resolution,
        "p": record.plate,
        "va": _optional(record.validation),
        "a": _optional(record.access_point),
    }


def _of_payment(record: PaymentRecord) -> Fields:
    return {
        "o": record.deed.value,
        "se": _optional(record.session),
        "m": record.amount,
        "cu": record.currency,
        "pr": record.provider,
        "rf": record.reference,
        "qa": _optional_micros(record.quoted_at),
    }


def _optional(identifier: UUID | None) -> str | None:
    return short(identifier) if identifier is not None else None


def _optional_micros(at: datetime | None) -> int | None:
    return micros(at) if at is not None else None


def _of_subject(record: PresenceRecord | AttendanceRecord) -> Fields:
    return _whereabouts(record) if isinstance(record, PresenceRecord) else _hours(record)


def _hours(record: AttendanceRecord) -> Fields:
    return {
        "s": _optional(record.person),
        "w": _optional(record.by),
        "y": record.reason or None,
        "co": _optional(record.correction),
        "of": _optional(record.concerns),
        "ch": record.change,
        "mo": _optional_micros(record.moment),
        "dy": record.day.isoformat() if record.day is not None else None,
        "di": record.direction,
        "sr": record.source,
    }


def _whereabouts(record: PresenceRecord) -> Fields:
    return {
        "s": _optional(record.subject),
        "sk": str(record.subject_kind) if record.subject_kind is not None else None,
        "ar": _optional(record.area),
        "ve": _optional(record.vehicle),
        "al": record.more or None,
        "pl": record.place,
    }


def _happening(kind: Kind, fields: dict[str, object]) -> Happening:
    at = EPOCH + timedelta(microseconds=_whole(fields["at"]))
    match kind:
        case Kind.DECISION:
            return _decision(at, fields)
        case Kind.PASSAGE:
            outcome = Outcome(_string(fields["o"]))
            return PassageRecord(at=at, decision_seq=_whole(fields["n"]), outcome=outcome)
        case Kind.DOOR:
            state = DoorCondition(_string(fields["o"]))
            return DoorRecord(at=at, door=DoorId(_long(fields["d"])), state=state)
        case Kind.COMMAND:
            return CommandRecord(
                at=at,
                door=DoorId(_long(fields["d"])),
                operator=_string(fields["w"]),
                reason=_string(fields["y"]),
                done=fields.get("ok") is True,
            )
        case _:
            return _statement(kind, at, fields)


def _statement(
    kind: Literal[Kind.CORRECTION, Kind.PAYMENT, Kind.PRESENCE, Kind.ATTENDANCE],
    at: datetime,
    fields: dict[str, object],
) -> Statement:
    match kind:
        case Kind.CORRECTION:
            return _correction(at, fields)
        case Kind.PAYMENT:
            return _payment(at, fields)
        case Kind.PRESENCE:
            stated = PresenceRecord(
                at=at,
                deed=PresenceDeed(_string(fields["o"])),
                by=_string(fields["w"]),
                reason=_string(fields.get("y", "")),
                drill=fields.get("dr") is True,
            )
            return _with_whereabouts(stated, fields)
        case Kind.ATTENDANCE:
            return _attended(at, fields, deed=AttendanceDeed(_string(fields["o"])))


def _attended(at: datetime, fields: Mapping[str, object], *, deed: AttendanceDeed) -> AttendanceRecord:
    return AttendanceRecord(
        at=at,
        deed=deed,
        person=_maybe(fields, "s"),
        by=_maybe(fields, "w"),
        reason=_string(fields.get("y", "")),
        correction=_maybe(fields, "co"),
        concerns=_maybe(fields, "of"),
        change=_string(fields["ch"]) if "ch" in fields else None,
        moment=_maybe_moment(fields, "mo"),
        day=date.fromisoformat(_string(fields["dy"])) if "dy" in fields else None,
        direction=_string(fields["di"]) if "di" in fields else None,
        source=_string(fields["sr"]) if "sr" in fields else None,
    )


def _with_whereabouts(record: PresenceRecord, fields: Mapping[str, object]) -> PresenceRecord:
    area = _maybe(fields, "ar")
    return replace(
        record,
        subject=_maybe(fields, "s"),
        subject_kind=_string(fields["sk"]) if "sk" in fields else None,
        area=AreaId(area) if area is not None else None,
        vehicle=_maybe(fields, "ve"),
        more=_whole(fields.get("al", 0)),
        place=_whole(fields["pl"]) if "pl" in fields else None,
    )


def _correction(at: datetime, fields: dict[str, object]) -> CorrectionRecord:
    lane = _maybe(fields, "a")
    return CorrectionRecord(
        at=at,
        deed=Deed(_string(fields["o"])),
        operator=_string(fields["w"]),
        reason=_string(fields["y"]),
        case=_maybe(fields, "cs"),
        session=_maybe(fields, "se"),
        resolution=_string(fields["re"]) if "re" in fields else None,
        plate=_string(fields["p"]) if "p" in fields else None,
        validation=_maybe(fields, "va"),
        access_point=AccessPointId(lane) if lane is not None else None,
    )


def _payment(at: datetime, fields: dict[str, object]) -> PaymentRecord:
    return PaymentRecord(
        at=at,
        deed=Deed(_string(fields["o"])),
        session=_maybe(fields, "se"),
        amount=_whole(fields["m"]),
        currency=_string(fields["cu"]),
        provider=_string(fields["pr"]),
        reference=_string(fields["rf"]),
        quoted_at=_maybe_moment(fields, "qa"),
    )


def _maybe(fields: Mapping[str, object], name: str) -> UUID | None:
    return _long(fields[name]) if name in fields else None


def _maybe_moment(fields: Mapping[str, object], name: str) -> datetime | None:
    return EPOCH + timedelta(microseconds=_whole(fields[name])) if name in fields else None


def _decision(at: datetime, fields: dict[str, object]) -> DecisionRecord:
    score = fields.get("q")
    return DecisionRecord(
        at=at,
        access_point=AccessPointId(_long(fields["a"])),
        door=DoorId(_long(fields["d"])),
        reader=ReaderId(_long(fields["r"])) if "r" in fields else None,
        direction_out=fields.get("out") is True,
        credential_kind=_string(fields["c"]),
        subject=_long(fields["s"]) if "s" in fields else None,
        subject_kind=_string(fields["sk"]) if "sk" in fields else None,
        plate=_string(fields["p"]) if "p" in fields else None,
        granted=fields.get("g") is True,
        reason=_string(fields["y"]),
        score=float(score) if isinstance(score, int | float) else None,
        policy=_string(fields["b"]),
        picture=_picture(fields),
        received_at=_maybe_moment(fields, "ra"),
    )


def _picture(fields: Mapping[str, object]) -> PictureRef | None:
    if "pn" not in fields:
        return None
    return PictureRef(name=_bytes(fields["pn"]).hex(), key=_bytes(fields["pk"]))


def _bytes(value: object) -> bytes:
    text = _string(value)
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def _long(value: object) -> UUID:
    return UUID(bytes=_bytes(value))


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def _whole(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("not a whole number")
    return value
