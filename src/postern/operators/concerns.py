"""What the privacy officer is told about those who look, and what it means in words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from postern.ids import TenantId


class Concern(StrEnum):
    """Why somebody should ask."""

    NEAR_LIMIT = "near-limit"
    AT_NIGHT = "at-night"
    AGAIN_AND_AGAIN = "again-and-again"
    OWN_NAME = "own-name"
    BUDGET_SPENT = "budget-spent"
    BAIT_OPENED = "bait-opened"
    BAIT_PRESENTED = "bait-presented"
    BAIT_KEY_USED = "bait-key-used"
    ROWS_PUT_BACK = "rows-put-back"

    def words(self, language: str = "en") -> str:
        """What happened and what to do, in English ("en") or Chinese ("zh")."""
        return _WORDS[self][1 if language.startswith("zh") else 0]


_WORDS: dict[Concern, tuple[str, str]] = {
    Concern.NEAR_LIMIT: (
        "An operator opened almost as many people and vehicles as the budget allows. Ask what for.",
        "一名操作员查看的人员和车辆几乎达到限额。请询问其目的。",
    ),
    Concern.AT_NIGHT: (
        "An operator opened people or vehicles outside their desk at night. Ask whether they were on duty.",
        "一名操作员在夜间查看了本职之外的人员或车辆。请核实其是否当班。",
    ),
    Concern.AGAIN_AND_AGAIN: (
        "An operator opened the same person or vehicle again and again without a case. Ask why.",
        "一名操作员在没有案件编号的情况下反复查看同一人员或车辆。请询问原因。",
    ),
    Concern.OWN_NAME: (
        "An operator opened somebody whose name is in their own login name: themselves, or perhaps family.",
        "一名操作员查看了与其登录名同名的人员：可能是本人或其亲属。",
    ),
    Concern.BUDGET_SPENT: (
        "An operator wanted to open more people and vehicles than the budget allows, and was refused. "
        "Read the journal about it and ask.",
        "一名操作员试图查看超出限额的人员和车辆，已被拒绝。请查阅日志并询问。",
    ),
    Concern.BAIT_OPENED: (
        "Somebody opened or searched for bait, for which there is no honest reason. Find out why, and close "
        "the login until then.",
        "有人查看或搜索了诱饵记录，这没有正当理由。请查明原因，并在此之前停用其登录。",
    ),
    Concern.BAIT_PRESENTED: (
        "A card or a plate that exists only in the database was presented at a reader: what the database "
        "holds has got out. Treat it as a leak.",
        "仅存在于数据库中的卡片或车牌在读头前出示：数据库内容已经外泄。请按泄露事件处理。",
    ),
    Concern.BAIT_KEY_USED: (
        "An API key that nobody was given was used: what holds it has got out. Treat it as a leak.",
        "有人使用了从未发放的 API 密钥：存放它的内容已经外泄。请按泄露事件处理。",
    ),
    Concern.ROWS_PUT_BACK: (
        "Somebody wrote in the database beside the hub: rows there are not as the hub wrote them last, and "
        "it does nothing by them. Find out who can write there, and restore a backup.",
        "有人绕过主机直接写入数据库：其中的数据行与主机最后写入的不一致，主机不会据此执行任何操作。请查明谁能写入，并恢复备份。",
    ),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class InsiderAlarm:
    """One alarm. `about`: whom it concerns, as the journal names them; `principal`: the same, for good.

    `seen_by`: who has looked into it, with what they found.
    """

    id: UUID
    tenant: TenantId
    concern: Concern
    at: datetime
    about: str
    principal: str
    detail: str = ""
    version: int = 1
    seen_by: str | None = None
    finding: str = ""
