"""What became of every acknowledged passage: opened through the keyring and compared with the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from postern.errors import CannotOpen
from postern.ids import AgentId
from postern.operations.admit import picture_context, picture_key
from postern.operations.archive.opening import OpenedRecord, opened
from postern.operations.services import Services
from postern.prove.load import EVIDENCE
from postern.prove.world import AgentUnderLoad, World
from postern.records.alarms import AlarmKind
from postern.records.model import DecisionRecord, Kind, SealedRecord
from postern.sealing.envelope import open_sealed

_CHUNK = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class Release:
    """A line of the ledger: the passage's unique id, and where its decision lay in the spool."""

    id: str
    agent: int
    seq: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Verdict:
    """Ids of passages by what became of them.

    `acknowledged`: the door moved. `lost`: acknowledged, and neither in the archive nor in quarantine, or
    without its picture. `replaced`: another passage lies where it lay. `quarantined`: kept aside, with an
    alarm. `unacknowledged`: recorded, but killed before the door moved.
    """

    acknowledged: int
    lost: frozenset[str]
    doubled: frozenset[str]
    replaced: frozenset[str]
    quarantined: frozenset[str]
    unacknowledged: frozenset[str]
    agents: frozenset[int]
    alarms: Counter[AlarmKind]

    def __str__(self) -> str:
        return (
            f"{self.acknowledged} passages acknowledged: {len(self.lost)} lost, {len(self.doubled)} doubled, "
            f"{len(self.replaced)} replaced, {len(self.quarantined)} in quarantine; "
            f"{len(self.unacknowledged)} recorded whose door had not moved yet"
        )

    @property
    def sound(self) -> bool:
        """Nothing acknowledged is lost, doubled or silently replaced."""
        return not (self.lost or self.doubled or self.replaced)


def releases(agent: AgentUnderLoad) -> list[Release]:
    """The ledger. Its last line is whole, because each was one write."""
    lines = [line.split() for line in agent.ledger.read_text().splitlines()]
    return [Release(id=id, agent=int(number), seq=int(seq)) for id, number, seq in lines]


async def judge(world: World, agent: AgentUnderLoad, *, gone: Collection[tuple[int, int]] = ()) -> Verdict:
    """Compare archive and quarantine of the agent's site with its ledger.

    `gone`: decisions (agent, seq) that no hub had acknowledged and whose only disk the test destroyed.
    """
    site = agent.plan.site
    archive = await _passages(world, agent, "record")
    aside = await _passages(world, agent, "record_quarantine")
    wanted = [one for one in releases(agent) if (one.agent, one.seq) not in gone]
    assert len({one.id for one in wanted}) == len(wanted)
    where = {(int(record.key.agent), record.key.seq): id for id, record in archive}
    counts = Counter(id for id, _ in archive)
    kept = set(counts) | {id for id, _ in aside}
    async with world.services.database.transaction(agent.plan.tenant) as tx:
        cursor = await tx.execute("SELECT kind FROM alarm WHERE site_id = %s", (site,))
        alarms = Counter(AlarmKind(kind) for (kind,) in await cursor.fetchall())
    ids = {one.id for one in wanted}
    return Verdict(
        acknowledged=len(wanted),
        lost=frozenset(ids - kept),
        doubled=frozenset(id for id, count in counts.items() if count > 1),
        replaced=frozenset(
            one.id
            for one in wanted
            if one.seq and one.id not in kept and where.get((one.agent, one.seq), one.id) != one.id
        ),
        quarantined=frozenset(id for id, _ in aside),
        unacknowledged=frozenset(kept - {one.id for one in releases(agent)}),
        agents=frozenset(int(record.key.agent) for _, record in archive),
        alarms=alarms,
    )


async def missing_at_hub(world: World, agent: AgentUnderLoad) -> set[tuple[int, int]]:
    """Decisions (agent, seq) that the hub acknowledged, and has not. The agent's process must not run.

    Later on this would not show: at the next hello the hub asks for what it lost.
    """
    stored = await _sealed(world.services, agent, "record")
    return agent.acknowledged() - {(one.agent, one.seq) for one in stored}


async def _passages(world: World, agent: AgentUnderLoad, table: str) -> list[tuple[str, OpenedRecord]]:
    """Every passage's unique id, from its opened picture, with its opened record."""
    services, plan = world.services, agent.plan
    sealed = await _sealed(services, agent, table)
    found: list[tuple[str, OpenedRecord]] = []
    for start in range(0, len(sealed), _CHUNK):
        async with services.database.transaction(agent.plan.tenant) as tx:
            records = await opened(services, tx, plan.tenant, sealed[start : start + _CHUNK])
        assert len(records) == len(sealed[start : start + _CHUNK])
        found += [(_id_of(world, plan.tenant, record), record) for record in records]
    return found


def _id_of(world: World, tenant: int, record: OpenedRecord) -> str:
    happening = record.happening
    assert isinstance(happening, DecisionRecord)
    assert happening.granted
    assert happening.subject is not None
    assert not record.withheld
    assert happening.picture is not None
    name = happening.picture.name
    try:
        sealed = (world.folder / "pictures" / name[:2] / name).read_bytes()
        picture = open_sealed(picture_key(happening.picture), sealed, picture_context(tenant, name))
    except (OSError, CannotOpen):
        return f"without its picture: {name}"
    return picture.removeprefix(EVIDENCE).decode()


async def _sealed(services: Services, agent: AgentUnderLoad, table: str) -> list[SealedRecord]:
    assert table in ("record", "record_quarantine")
    async with services.database.transaction(agent.plan.tenant) as tx:
        cursor = await tx.execute(
            f"SELECT day, agent_id, seq, kind, tag, digest, sealed FROM {table} WHERE site_id = %s"  # noqa: S608 - two constants
            " ORDER BY agent_id, seq",
            (agent.plan.site,),
        )
        rows = await cursor.fetchall()
    return [
        SealedRecord(
            site=agent.plan.site,
            day=day,
            agent=AgentId(number),
            seq=seq,
            kind=Kind(kind),
            tag=tag,
            digest=digest,
            sealed=sealed,
        )
        for day, number, seq, kind, tag, digest, sealed in rows
    ]
