"""A process that rotates a key and is killed, by SIGKILL, at a step of its work that the test names.

A step is the beginning or the commit of a transaction, or a change in a folder. Started by the tests from
a server process that has imported everything already.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from postern.ids import TenantId
from postern.keystore import open_keystore
from postern.keystore.providers import Provider
from postern.keystore.rotate_root import rotate_root
from postern.keystore.rotate_tenant import rotate_tenant
from postern.postgres.pool import Database, Transaction
from postern.settings import Settings

PASSPHRASE = "correct horse battery staple"
_CHANGES = frozenset({"os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "shutil.rmtree"})


class Steps:
    """Counts steps and ends this process, without a word, at the one of that number."""

    def __init__(self, last: int) -> None:
        self._left = last

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def heard(self, name: str, _values: object) -> None:
        if name in _CHANGES:
            self.step()


class SteppedDatabase(Database):
    """The database whose transactions are steps."""

    steps: Steps

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        async with super().transaction() as tx:
            self.steps.step()
            yield tx
            self.steps.step()
        self.steps.step()


def rotate(conninfo: str, folder: str, root_key: str, to: str | None, tenant: int | None, last: int) -> None:
    """Rotate the root key (into `to`), or the tenant's; be killed at step `last`."""
    asyncio.run(_rotate(conninfo, Path(folder), root_key, to, tenant, Steps(last)))


async def _rotate(
    conninfo: str, folder: Path, root_key: str, to: str | None, tenant: int | None, steps: Steps
) -> None:
    settings = Settings(data=folder, mode="demo", root_key=root_key)
    async with SteppedDatabase.open(conninfo, size=3) as database:
        assert isinstance(database, SteppedDatabase)
        database.steps = Steps(0)
        keyring = await open_keystore(database, settings, PASSPHRASE)
        database.steps = steps
        sys.addaudithook(steps.heard)
        if tenant is not None:
            await rotate_tenant(keyring, TenantId(tenant), batch=4, progress=lambda _: None)
        else:
            target = None if to is None else Provider.parse(to)
            await rotate_root(database, settings, PASSPHRASE, to=target, progress=lambda _: None)
