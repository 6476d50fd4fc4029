"""Places: what is refused before it is stored."""

from __future__ import annotations

import pytest

from postern.errors import BadInput
from postern.ids import SiteId, TenantId
from postern.sites.model import Site, zone_of


@pytest.mark.parametrize("name", ["", "Mars/Olympus", "../etc/passwd", "Europe"])
def test_a_time_zone_that_is_none_is_refused(name: str) -> None:
    with pytest.raises(BadInput, match="IANA"):
        Site(id=SiteId(1), tenant=TenantId(1), name="x", time_zone=name)


def test_a_time_zone_is_known_by_its_iana_name() -> None:
    assert zone_of("Asia/Shanghai").key == "Asia/Shanghai"
