"""Whether something of ours is real or bait: planted so that its use tells of somebody who should not."""

from __future__ import annotations

from enum import StrEnum


class Nature(StrEnum):
    """Written only inside sealed documents. Both words are equally long, so that sizes tell nothing."""

    REAL = "real"
    BAIT = "bait"
