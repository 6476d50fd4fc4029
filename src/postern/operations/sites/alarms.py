"""What somebody must look at: agents that came back older, records that contradict each other."""

from __future__ import annotations

from datetime import timedelta

from postern.clock import utc_day
from postern.ids import SiteId
from postern.operations.services import Services
from postern.operators.model import Actor
from postern.operators.roles import Duty, require
from postern.records import alarms as store
from postern.records.alarms import Alarm, AlarmKind
from postern.sites import store as sites

LOOKED_BACK = timedelta(days=30)

_WORDS: dict[AlarmKind, tuple[str, str]] = {
    AlarmKind.RECORD_CONTRADICTED: (
        "An agent sent two different records under one number. The second is kept aside; find out whether "
        "the agent was copied or tampered with.",
        "代理端以同一编号发送了两条不同的记录。第二条已另存；请查明代理端是否被复制或篡改。",
    ),
    AlarmKind.AGENT_ROLLED_BACK: (
        "An agent came back with an older copy of its records and got a new number. "
        "Find out who restored it.",
        "代理端以较旧的记录副本恢复运行，并已获得新编号。请查明是谁恢复的。",
    ),
    AlarmKind.JOURNAL_TAMPERED: (
        "The journal of who did and saw what is not the one that was signed: entries were changed, removed "
        "or cut off, or an older copy was put back. Keep a copy of the database as evidence and run "
        "postern journal verify on an export.",
        "操作日志与已签名的内容不符：条目被更改、删除或截断，或被换回旧副本。"
        "请保留数据库副本作为证据，并对导出文件运行 postern journal verify。",
    ),
    AlarmKind.RECORD_OUT_OF_TIME: (
        "An agent sent records of days that lie in the future or too far back. They are kept aside, sealed; "
        "set the agent's clock, or find out whether its box was stolen.",
        "代理端发送了日期在未来或过于久远的记录。这些记录已加密另存；请校准代理端时钟，或查明设备是否被盗。",
    ),
    AlarmKind.RECORD_UNREADABLE: (
        "An agent sent records that cannot be read here. The agent keeps them; look for a failing disk, a "
        "newer release on the agent, or a restored keystore, and restart the agent once it is mended.",
        "代理端发送了此处无法读取的记录，代理端仍保留它们。请检查磁盘故障、代理端版本是否更新或密钥库是否被恢复，"
        "处理后重启代理端。",
    ),
    AlarmKind.ARCHIVE_TAMPERED: (
        "Records of this day and agent cannot be opened: they were changed or moved in the database. Keep a "
        "copy of the database as evidence, find out who can write to it, and compare with a backup.",
        "该日该代理端的部分记录无法打开：它们在数据库中被更改或移动。"
        "请保留数据库副本作为证据，查明谁能写入数据库，并与备份比对。",
    ),
    AlarmKind.KEYSTORE_RESTORED: (
        "An older copy of the keystore was put back. Keys that had been destroyed since then were destroyed "
        "again; find out who restored it, and look at the erasures of that time.",
        "密钥库被换回旧副本。此后已销毁的密钥已再次销毁。请查明是谁恢复的，并检查该期间的删除记录。",
    ),
    AlarmKind.EXPOSED: (
        "Something of this installation stands open that should be closed: a listener, a file, a page or a "
        "database. The journal says what; postern doctor says how to close it. Find out who opened it.",
        "本系统有不应开放的内容处于开放状态：监听端口、文件、页面或数据库。日志中有具体内容，"
        "postern doctor 会说明如何关闭。请查明是谁打开的。",
    ),
}


def words(kind: AlarmKind, language: str = "en") -> str:
    """What happened and what to do, in English ("en") or Chinese ("zh")."""
    return _WORDS[kind][1 if language.startswith("zh") else 0]


async def alarms(services: Services, actor: Actor, site: SiteId) -> list[Alarm]:
    """The site's alarms of the last 30 days, newest first."""
    require(actor, Duty.WATCH)
    async with services.database.transaction(actor.tenant) as tx:
        await sites.site(tx, services.keyring, actor.tenant, site)
        return await store.alarms(tx, site, since=utc_day(services.clock.now()) - LOOKED_BACK)
