"""What stands in clear in the hub's database is written down with its reason, column by column."""

from __future__ import annotations

from pathlib import Path

import yaml

from postern.postgres.pool import Database

LIST = yaml.safe_load((Path(__file__).parents[2] / "docs" / "clear-columns.yaml").read_text("utf-8"))


async def columns(database: Database) -> set[tuple[str, str]]:
    """Every column of every table that the migrations made; partitions count as their parent."""
    async with database.transaction() as tx:
        cursor = await tx.execute(
            "SELECT c.table_name, c.column_name FROM information_schema.columns c"
            " JOIN pg_class p ON p.relname = c.table_name AND NOT p.relispartition"
            " AND p.relnamespace = 'public'::regnamespace WHERE c.table_schema = 'public'"
        )
        return {(table, column) for table, column in await cursor.fetchall()}


async def test_every_column_is_sealed_or_has_its_reason(database: Database) -> None:
    sealed = {(table, column) for table, names in LIST["sealed"].items() for column in names}
    clear = {(table, column) for table, names in LIST["clear"].items() for column in names}
    present = await columns(database)
    assert present - sealed - clear == set(), "give these columns a seal, or a reason"
    assert (sealed | clear) - present == set(), "these columns are gone; take them off the list"
    assert sealed & clear == set()


async def test_no_table_holds_a_subject_beside_a_time_or_a_place(database: Database) -> None:
    subjects = {"person_id", "vehicle_id", "visit_id", "subject_id"}
    places_and_times = {"site_id", "area_id", "door_id", "access_point_id", "at", "day", "seen_at"}
    by_table: dict[str, set[str]] = {}
    for table, column in await columns(database):
        by_table.setdefault(table, set()).add(column)
    by_table["person"].add("person_id")
    by_table["vehicle"].add("vehicle_id")
    by_table["visit"].add("visit_id")
    mixed = [table for table, names in by_table.items() if names & subjects and names & places_and_times]
    assert mixed == []


def test_every_reason_says_something() -> None:
    for table, names in LIST["clear"].items():
        for column, reason in names.items():
            assert len(reason) >= 3, f"{table}.{column}"
