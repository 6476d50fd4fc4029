"""A hub that works on its database, with an organisation and nothing in it yet."""

from __future__ import annotations

from pathlib import Path

import pytest

from postern.clock import SetClock
from postern.devices.picture_folder import PictureFolder
from postern.keystore.keyring import PostgresKeyring
from postern.keystore.rootkey import UnattendedKeyFile
from postern.operations.services import Services
from postern.operations.sites.places import create_tenant
from postern.operators.model import Actor, Role
from postern.postgres.pool import Database
from tests.flows.operations.drawn import NOON


@pytest.fixture
def clock() -> SetClock:
    return SetClock(NOON)


@pytest.fixture
async def hub(
    runtime_database: Database, keystore_database: Database, tmp_path: Path, clock: SetClock
) -> Services:
    (tmp_path / "pictures").mkdir(mode=0o700)
    return Services(
        database=runtime_database,
        keyring=PostgresKeyring(keystore_database, UnattendedKeyFile.create(tmp_path / "unattended.key")),
        pictures=PictureFolder(tmp_path / "pictures"),
        clock=clock,
    )


@pytest.fixture
async def admin(hub: Services) -> Actor:
    tenant = await create_tenant(hub, "Werk AG")
    return Actor(tenant=tenant.id, name="admin", role=Role.ADMINISTRATOR)
