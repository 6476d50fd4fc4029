"""What arrived at once vouches for the clock of what the same agent recorded after it."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

from postern.access.model import CredentialKind
from postern.access.reasons import Reason
from postern.ids import AccessPointId, AgentId, DoorId, SiteId, new_id
from postern.operations.archive.opening import OpenedRecord
from postern.operations.attendance.anchors import floors
from postern.records.model import DecisionRecord, RecordKey

DAY = date(2026, 3, 2)


def at(clock: str) -> datetime:
    return datetime.combine(DAY, time.fromisoformat(clock), UTC)


def decided(seq: int, told: str, came: str | None, agent: int = 1) -> OpenedRecord:
    record = DecisionRecord(
        at=at(told),
        access_point=AccessPointId(new_id()),
        door=DoorId(new_id()),
        direction_out=False,
        credential_kind=CredentialKind.CARD,
        subject=None,
        subject_kind=None,
        granted=True,
        reason=Reason.GRANTED,
        policy="1.1",
        received_at=None if came is None else at(came),
    )
    key = RecordKey(site=SiteId(1), day=DAY, agent=AgentId(agent), seq=seq)
    return OpenedRecord(key=key, happening=record)


def found(*records: OpenedRecord) -> dict[int, datetime]:
    return {key.seq: moment for key, moment in floors(records).items()}


def test_nothing_shows_nothing() -> None:
    assert found() == {}
    assert found(decided(1, "05:00", "12:00")) == {}
    assert found(decided(1, "05:00", None)) == {}


def test_a_clock_behind_shows_by_what_came_at_once_before() -> None:
    ran_behind = [decided(1, "07:00", "07:00"), decided(2, "05:00", "12:00"), decided(3, "08:30", "12:00")]
    assert found(*ran_behind) == {2: at("07:00")}
    assert found(*reversed(ran_behind)) == {2: at("07:00")}


def test_what_was_only_kept_while_the_line_was_down_is_believed() -> None:
    assert (
        found(decided(1, "07:00", "07:01"), decided(2, "08:00", "12:00"), decided(3, "09:00", "12:00")) == {}
    )


def test_another_agents_clock_and_a_later_number_vouch_for_nothing() -> None:
    assert found(decided(1, "07:00", "07:00", agent=2), decided(2, "05:00", "12:00")) == {}
    assert found(decided(3, "07:00", "07:00"), decided(2, "05:00", "12:00")) == {}


def test_the_same_delivery_vouches_for_nothing() -> None:
    assert found(decided(1, "11:59", "12:00"), decided(2, "08:05", "12:00")) == {}


def test_what_came_late_itself_vouches_for_nothing() -> None:
    assert found(decided(1, "09:00", "12:00"), decided(2, "05:00", "12:05")) == {}


def test_the_latest_that_came_at_once_counts() -> None:
    seen = [decided(n, f"{n:02}:00", f"{n:02}:00") for n in range(1, 8)]
    late = decided(9, "06:30", "12:00")
    assert found(*seen, late) == {9: at("07:00")}
    assert timedelta(minutes=30) == at("07:00") - at("06:30")
