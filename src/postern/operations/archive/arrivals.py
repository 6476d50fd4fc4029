"""When records may arrive, and how whoever waits for them is told."""

from __future__ import annotations

from datetime import timedelta

from postern.ids import SiteId

FARTHEST_AHEAD = timedelta(days=1)
"""Clocks differ, and a day ends at different moments for two of them."""
FARTHEST_BACK = timedelta(days=60)
"""As long as an agent may have been cut off; the archive's partitions are made back to then."""


def wall_channel(site: SiteId) -> str:
    """The NOTIFY channel on which a site's live wall is told that something is new."""
    return f"postern_wall_{site}"
