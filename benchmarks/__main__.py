"""`make bench`: every benchmark, one after the other, each with its peer or its limit in the same run."""

from __future__ import annotations

import asyncio

from benchmarks import (
    answer,
    archive,
    console,
    hours,
    isolation,
    journal,
    lane,
    parking,
    recognition,
    sealing,
)


def main() -> None:
    """Recognition goes last: it keeps its process on one core from then on."""
    asyncio.run(archive.run(50_000))
    asyncio.run(sealing.run(30_000))
    asyncio.run(isolation.run(40_000))
    asyncio.run(journal.run(1_000_000))
    parking.run()
    asyncio.run(hours.run())
    asyncio.run(lane.run())
    asyncio.run(answer.run())
    console.main(10)
    recognition.main([])


if __name__ == "__main__":
    main()
