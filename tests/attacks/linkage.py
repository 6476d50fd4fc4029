"""Trajectory linkage on ourselves: what a full dump of the archive and its disk tell of who was where.

A simulation of sites, days and vehicles, with the archive's own tags. The attacker has every clear column
(site, day, agent, seq, kind, tag), the length of every sealed field, and the exact time of each record: from
the order of commits (xmin) between agents, and from when each picture's file was made (ctime, or LastModified
in a bucket). The hour that the archive seals is given away by these, so the attack takes it as known.

The attack is a likelihood ratio: how far a candidate's observation lies from the target's known ones, by
variances that it learns from vehicles whose truth it is given. Equal tags decide at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import numpy as np

from postern.ids import AccessPointId, AgentId, DoorId, SiteId, TenantId
from postern.records.model import DecisionRecord, PictureRef, RecordKey
from postern.records.sealed import seal_happening
from postern.sealing.envelope import Key, new_key
from postern.sealing.tags import day_tag

FEATURES = ("first", "last", "count", "length", "picture")
"""Hours of the first and last record of a day, how many, their sealed bytes, and the pictures' bytes."""

Tag = Callable[[int, int, bytes], bytes]
"""The tag of a vehicle at a site on a day."""


@dataclass(frozen=True, kw_only=True)
class World:
    """How people drive. Spreads are in hours; `away`: the share of days spent at another site.

    `habit_travels`: whoever is away arrives at the hour at which they arrive at home; else at any hour.
    `clocked`: the attacker has the exact times; else only the order within each site's day.
    """

    sites: int = 20
    days: int = 30
    vehicles: int = 8000
    regular: float = 0.6
    spread: float = 0.2
    away: float = 0.15
    habit_travels: bool = False
    clocked: bool = True
    seed: int = 7


@dataclass(frozen=True, kw_only=True)
class Dump:
    """One row for each vehicle, site and day: what the attacker computes of its records, and the truth."""

    site: np.ndarray
    day: np.ndarray
    tag: np.ndarray
    seen: np.ndarray
    truth: np.ndarray
    regular: np.ndarray


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Of so many targets the attack named so many rightly; `chance`: by picking any candidate."""

    targets: int
    right: float
    chance: float


def site_day_tags(world: World) -> Tag:
    """The archive's tags: a key for each site and day."""
    keys = {(site, day): new_key() for site in range(world.sites) for day in range(world.days)}
    return lambda site, day, vehicle: day_tag(keys[site, day], vehicle)


def stable_pseudonyms(_: World) -> Tag:
    """The mutant: one key for all."""
    key = new_key()
    return lambda _site, _day, vehicle: day_tag(key, vehicle)


def dump(world: World, tag: Tag) -> Dump:
    """Drive for `days` days, and keep what an archive would show."""
    rng = np.random.default_rng(world.seed)
    count = world.vehicles
    ids = [UUID(bytes=rng.bytes(16), version=4).bytes for _ in range(count)]
    home = rng.integers(world.sites, size=count)
    regular = rng.random(count) < world.regular
    arrives = np.where(regular, rng.normal(8.2, 0.9, count), rng.uniform(6, 20, count))
    stays = np.where(regular, rng.normal(8.6, 1.0, count), rng.uniform(0.3, 5, count))
    extra = np.where(regular, rng.random(count) * 0.6, 0.1)
    comes = np.where(regular, 0.9, 0.25)
    look = rng.normal(0, 0.04, count)
    lengths = _lengths()
    rows: list[tuple[int, int, int]] = []
    seen: list[np.ndarray] = []
    for day in range(world.days):
        present = np.flatnonzero(rng.random(count) < comes)
        away = rng.random(len(present)) < world.away
        other = (home[present] + rng.integers(1, world.sites, len(present))) % world.sites
        site = np.where(away, other, home[present])
        spread = np.where(regular[present], world.spread, 1.5)
        first = rng.normal(arrives[present], spread)
        last = first + np.maximum(0.2, rng.normal(stays[present], spread))
        if not world.habit_travels:
            first = np.where(away, rng.uniform(7, 17, len(present)), first)
            last = np.where(away, first + rng.uniform(0.5, 6, len(present)), last)
        records = 2 + 2 * rng.binomial(2, extra[present])
        length = np.array([rng.choice(lengths, n).sum() for n in records])
        noise = rng.normal(0, 0.12, len(present)) / np.sqrt(records)
        rows += zip(present.tolist(), site.tolist(), [day] * len(present), strict=True)
        seen.append(np.column_stack([first, last, records, length, look[present] + noise]))
    truth, where, when = (np.array(column) for column in zip(*rows, strict=True))
    table = np.vstack(seen)
    if not world.clocked:
        table[:, :2] = _ranks(table[:, :2], where, when)
    tags = np.array([tag(s, d, ids[v]) for v, s, d in rows], dtype="S16")
    return Dump(site=where, day=when, tag=tags, seen=table, truth=truth, regular=regular[truth])


def _ranks(times: np.ndarray, site: np.ndarray, day: np.ndarray) -> np.ndarray:
    """What order alone tells: each time as its place, from 0 to 1, among all of its site's day."""
    ranks = np.empty_like(times)
    for place in np.unique(site * 1000 + day):
        rows = np.flatnonzero(site * 1000 + day == place)
        every = np.sort(times[rows].ravel())
        ranks[rows] = np.searchsorted(every, times[rows]) / len(every)
    return ranks


def _lengths() -> np.ndarray:
    """Lengths that the archive's own sealing gives to such decisions, whose scores differ in their digits."""
    rng = np.random.default_rng(1)
    at = datetime(2026, 3, 2, 8, tzinfo=UTC)
    key: Key = new_key()
    found = []
    for seq in range(1, 200):
        record = DecisionRecord(
            at=at + timedelta(seconds=seq),
            access_point=AccessPointId(UUID(int=1)),
            door=DoorId(UUID(int=2)),
            credential_kind="plate",
            subject=UUID(int=3),
            subject_kind="vehicle",
            plate="B" + "1" * int(rng.integers(4, 8)),
            granted=True,
            reason="granted",
            score=float(rng.uniform(0.8, 1.0)),
            policy="1.12",
            picture=PictureRef(name=rng.bytes(16).hex(), key=rng.bytes(32)),
        )
        where = RecordKey(site=SiteId(1), day=date(2026, 3, 2), agent=AgentId(1), seq=seq)
        sealed, _ = seal_happening(record, tenant=TenantId(1), key=where, site_day=key, movement=key)
        found.append(len(sealed))
    return np.array(found)


def across_sites(world: World, found: Dump, targets: int = 500) -> Outcome:
    """The attacker knows every one of a target's days at one site, and looks for it on a day at another."""
    rng = np.random.default_rng(world.seed + 1)
    tasks = _tasks(found, rng, same_site=False)
    return _attack(found, tasks, targets, rng)


def within_a_site(world: World, found: Dump, *, known_days: int, targets: int = 500) -> Outcome:
    """The attacker knows a regular's last days at a site, and looks for it there on the next day."""
    rng = np.random.default_rng(world.seed + 2)
    tasks = _tasks(found, rng, same_site=True, known_days=known_days)
    return _attack(found, tasks, targets, rng)


@dataclass(frozen=True, kw_only=True)
class Task:
    """Rows of a target that are known, and the row that is sought among those of its site and day."""

    known: np.ndarray
    sought: int


def _tasks(found: Dump, rng: np.random.Generator, *, same_site: bool, known_days: int = 10**6) -> list[Task]:
    """One for each vehicle that gives one, in random order."""
    order = np.lexsort((found.day, found.truth))
    starts = np.flatnonzero(np.diff(found.truth[order], prepend=-1))
    tasks = []
    for rows in np.split(order, starts[1:]):
        sites, counts = np.unique(found.site[rows], return_counts=True)
        base = sites[np.argmax(counts)]
        at_base, elsewhere = rows[found.site[rows] == base], rows[found.site[rows] != base]
        if same_site and found.regular[rows[0]] and len(at_base) > 1:
            sought = int(rng.integers(1, len(at_base)))
            tasks.append(
                Task(known=at_base[max(0, sought - known_days) : sought], sought=int(at_base[sought]))
            )
        if not same_site and len(elsewhere):
            tasks.append(Task(known=at_base, sought=int(rng.choice(elsewhere))))
    rng.shuffle(tasks)  # type: ignore[arg-type]
    return tasks


def _attack(found: Dump, tasks: list[Task], targets: int, rng: np.random.Generator) -> Outcome:
    """Learn from all but the targets, then name each target's row."""
    chosen, training = tasks[:targets], tasks[targets:]
    profiles = np.array([_profile(found, one) for one in training])
    differences = found.seen[[one.sought for one in training]] - profiles
    bias, same = differences.mean(axis=0), differences.std(axis=0) + 1e-9
    by_place: dict[tuple[int, int], np.ndarray] = {}
    places = np.stack([found.site, found.day], axis=1)
    order = np.lexsort((found.day, found.site))
    breaks = np.flatnonzero(np.any(np.diff(places[order], axis=0), axis=1)) + 1
    for rows in np.split(order, breaks):
        by_place[int(found.site[rows[0]]), int(found.day[rows[0]])] = rows
    right = chance = 0.0
    for one in chosen:
        candidates = by_place[int(found.site[one.sought]), int(found.day[one.sought])]
        chance += 1 / len(candidates)
        equal = candidates[np.isin(found.tag[candidates], found.tag[one.known])]
        if len(equal):
            right += one.sought in equal and 1 / len(equal)
            continue
        seen = found.seen[candidates]
        spread = _spread(found, one, same)
        likely = -(((seen - _profile(found, one) - bias) / spread) ** 2).sum(axis=1) / 2
        usual = -(((seen - seen.mean(axis=0)) / (seen.std(axis=0) + 1e-9)) ** 2).sum(axis=1) / 2
        score = likely - usual
        best = candidates[np.flatnonzero(score == score.max())]
        right += one.sought in best and 1 / len(best)
    return Outcome(targets=len(chosen), right=right / len(chosen), chance=chance / len(chosen))


def _profile(found: Dump, task: Task) -> np.ndarray:
    return np.asarray(found.seen[task.known].mean(axis=0)) if len(task.known) else found.seen.mean(axis=0)


def _spread(found: Dump, task: Task, same: np.ndarray) -> np.ndarray:
    """The target's own spread where enough of its days are known, drawn towards everybody's."""
    days = len(task.known)
    own = found.seen[task.known].var(axis=0) if days > 1 else same**2
    weight = days / (days + 8) if _is_at_home(found, task) else 0.0
    return np.sqrt(weight * own + (1 - weight) * same**2) + 1e-9


def _is_at_home(found: Dump, task: Task) -> bool:
    """Whether the sought row is at the site that the known ones are of."""
    return len(task.known) > 0 and bool(found.site[task.sought] == found.site[task.known[0]])
