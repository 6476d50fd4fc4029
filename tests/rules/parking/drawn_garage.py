"""A garage on paper: happenings in a row, folded, with what came of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from postern.ids import AccessPointId, AgentId, DoorId, SiteId
from postern.money import Money, total
from postern.parking.cases import Case, CaseKind, CaseState, Resolution
from postern.parking.fold import fold, turn
from postern.parking.garage import Garage, Step
from postern.parking.happenings import (
    Corrected,
    Entered,
    GarageHappening,
    Left,
    Paid,
    Refunded,
    Stood,
    TurnedBack,
    Validated,
)
from postern.parking.ledger import Account, Movement
from postern.parking.naming import Naming
from postern.parking.rules import (
    GarageSettings,
    LaneFacts,
    MerchantKept,
    PermitKept,
    Rules,
    TariffInForce,
)
from postern.parking.session import Session, Who
from postern.parking.tariff_data import load_tariff
from postern.prove.driven import TARIFF
from postern.records.model import RecordKey
from postern.sealing.envelope import Key

SITE = SiteId(7)
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)
IN, OUT = AccessPointId(UUID(int=1)), AccessPointId(UUID(int=2))


def minutes(number: float) -> datetime:
    """So long after noon."""
    return NOON + timedelta(minutes=number)


def key(at: datetime, seq: int, agent: int = 1) -> RecordKey:
    return RecordKey(site=SITE, day=at.date(), agent=AgentId(agent), seq=seq)


def rules(*, permits: tuple[PermitKept, ...] = (), merchants: tuple[MerchantKept, ...] = ()) -> Rules:
    return Rules(
        settings=GarageSettings(site=SITE, bays=50, currency="EUR"),
        time_zone=ZoneInfo("Europe/Berlin"),
        country="DE",
        naming=Naming(key=Key(id=bytes(8), secret=bytes(32))),
        lanes={
            IN: LaneFacts(door=DoorId(UUID(int=11)), way_out=False, least_score=0.6),
            OUT: LaneFacts(door=DoorId(UUID(int=12)), way_out=True, least_score=0.6),
        },
        tariffs=(TariffInForce(number=1, since=NOON - timedelta(days=365), tariff=load_tariff(TARIFF)),),
        permits=permits,
        merchants=merchants,
    )


@dataclass
class Drawn:
    """Keeps a garage; `garage`, and everything that its steps said."""

    rules: Rules = field(default_factory=rules)
    garage: Garage = field(default_factory=Garage)
    steps: list[Step] = field(default_factory=list)
    seq: int = 0
    sessions: dict[UUID, Session] = field(default_factory=dict)

    def take(self, happening: GarageHappening) -> Step:
        day = happening.at.date()
        if self.garage.turned is None:
            self.garage.turned = day
        while self.garage.turned < day:
            self._apply(turn(self.garage, self.garage.turned + timedelta(days=1), self.rules))
        return self._apply(fold(self.garage, happening, self.rules))

    def _apply(self, step: Step) -> Step:
        self.garage.apply(step)
        self.steps.append(step)
        self.sessions |= step.sessions
        return step

    def _where(self, at: datetime) -> dict[str, Any]:
        self.seq += 1
        return {"key": key(at, self.seq), "at": at}

    def drives_in(self, plate: str, at: float, *, score: float = 0.95, **more: Any) -> Session | None:
        where = self._where(minutes(at))
        who = Who(plate=plate, score=score, sure=score >= 0.6 and bool(plate), **more)
        step = self.take(Entered(**where, lane=IN, who=who, opening=where["at"]))
        return next(iter(step.sessions.values()), None)

    def drives_out(self, plate: str, at: float, *, score: float = 0.95) -> Step:
        where = self._where(minutes(at))
        who = Who(plate=plate, score=score, sure=score >= 0.6 and bool(plate))
        return self.take(Left(**where, lane=OUT, who=who, opening=where["at"]))

    def stands(self, plate: str, at: float, *, waiting: bool, score: float = 0.95, out: bool = True) -> Step:
        who = Who(plate=plate, score=score, sure=score >= 0.6 and bool(plate))
        lane = OUT if out else IN
        where = self._where(minutes(at))
        return self.take(Stood(**where, lane=lane, way_out=out, who=who, waiting=waiting))

    def turns_back(self, plate: str, at: float, *, out: bool = False) -> Step:
        lane = OUT if out else IN
        return self.take(
            TurnedBack(**self._where(minutes(at)), lane=lane, way_out=out, who=Who(plate=plate, score=0.9))
        )

    def pays(
        self, session: UUID | None, amount: int, at: float, *, reference: str = "p", **more: Any
    ) -> Step:
        money = Money(amount, more.pop("currency", "EUR"))
        where = self._where(minutes(at))
        return self.take(Paid(**where, session=session, amount=money, reference=reference, **more))

    def refunds(self, session: UUID | None, amount: int, at: float, *, done: bool = True) -> Step:
        return self.take(
            Refunded(
                **self._where(minutes(at)),
                session=session,
                amount=Money(amount, "EUR"),
                reference="p",
                done=done,
            )
        )

    def validates(self, session: UUID, validation: UUID, at: float) -> Step:
        return self.take(Validated(**self._where(minutes(at)), session=session, validation=validation))

    def resolves(
        self, case: Case, resolution: Resolution, at: float, *, session: UUID | None = None, plate: str = ""
    ) -> Step:
        who = Who(plate=plate, score=1.0, sure=True, stated=True) if plate else Who()
        return self.take(
            Corrected(
                **self._where(minutes(at)),
                resolution=resolution,
                operator="anna",
                reason="seen on the picture",
                case=case.id,
                session=session,
                who=who,
            )
        )

    @property
    def movements(self) -> list[Movement]:
        return [one for step in self.steps for one in step.movements]

    def on(self, account: Account) -> int:
        """The balance of an account in cents."""
        return total([one.on(account) for one in self.movements], "EUR").amount

    def open_cases(self) -> list[CaseKind]:
        return sorted(one.kind for one in self.garage.cases.values() if one.state is CaseState.OPEN)

    def case(self, kind: CaseKind) -> Case:
        (found,) = [one for one in self.garage.cases.values() if one.kind is kind]
        return found

    @staticmethod
    def day(number: int) -> date:
        return (NOON + timedelta(days=number)).date()
