"""The lines of the privacy officer's desk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from uuid import UUID

from postern.operations.privacy.desk import Standing
from postern.operators.concerns import InsiderAlarm
from postern.privacy.receipt import Kept
from postern.privacy.retention_store import RetentionReport
from postern.web.i18n import Words


@dataclass(frozen=True, kw_only=True, slots=True)
class AgentLine:
    """An agent that was asked for its word."""

    site: int
    agent: int
    confirmed_at: datetime | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ErasureLine:
    """An erasure or a withdrawal; the subject is told by its random id only."""

    id: UUID
    at: datetime
    by: str
    reason: str
    subject: UUID
    kind: str
    withdrawal: bool
    finished: bool
    tried: int
    kept: Sequence[Kept]
    agents: Sequence[AgentLine]

    @property
    def proved(self) -> int:
        """How many agents have given their word."""
        return sum(one.confirmed_at is not None for one in self.agents)


@dataclass(frozen=True, kw_only=True, slots=True)
class RunLine:
    """A run of the retention: what it ended."""

    at: datetime
    records: int
    pictures: int
    keys: int
    unreadable: int
    visits: int


@dataclass(frozen=True, kw_only=True, slots=True)
class AlarmLine:
    """An alarm about an operator, in words."""

    id: UUID
    about: str
    words: str
    detail: str
    at: str


def erasure_line(one: Standing) -> ErasureLine:
    """From what the desk's operation gives."""
    erasure, receipt = one.erasure, one.erasure.receipt
    return ErasureLine(
        id=erasure.id,
        at=erasure.begun_at,
        by=erasure.by,
        reason=erasure.reason,
        subject=erasure.subject,
        kind=erasure.subject_kind,
        withdrawal=erasure.is_withdrawal,
        finished=receipt is not None,
        tried=receipt.tried_in_all if receipt is not None else 0,
        kept=[kept for kept in receipt.kept if kept.until is not None] if receipt is not None else (),
        agents=[
            AgentLine(site=proof.site, agent=proof.agent, confirmed_at=proof.confirmed_at)
            for proof in one.agents
        ],
    )


def run_line(one: RetentionReport) -> RunLine:
    """From a run's report."""
    return RunLine(
        at=one.at,
        records=one.rows,
        pictures=sum(site.pictures for site in one.sites),
        keys=sum(site.keys for site in one.sites) + one.statutory_keys,
        visits=one.visits,
        unreadable=sum(site.unreadable for site in one.sites),
    )


def alarm_line(one: InsiderAlarm, t: Words, zone: tzinfo) -> AlarmLine:
    """From the alarm."""
    return AlarmLine(
        id=one.id,
        about=one.about,
        words=one.concern.words(t.language),
        detail=one.detail,
        at=t.moment(one.at, zone),
    )
