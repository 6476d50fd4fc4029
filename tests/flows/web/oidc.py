"""Starts the OpenID Connect provider of `oidc_provider.mjs`, and signs in there as a browser would."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

CLIENT_ID = "postern"
CLIENT_SECRET = "a secret of the tests"
SCRIPT = Path(__file__).with_name("oidc_provider.mjs")
PACKAGE = Path(__file__).parents[3] / "node_modules" / "oidc-provider"

needs_provider = pytest.mark.skipif(
    shutil.which("node") is None or not PACKAGE.is_dir(),
    reason="needs node and its packages: run `make assets` with npm installed",
)


@dataclass(frozen=True, kw_only=True)
class RealProvider:
    """A provider that runs."""

    issuer: str
    process: subprocess.Popen[str]

    async def spoil(self, how: str) -> None:
        """Let its ID tokens be wrong in that way from now on; "" for right ones."""
        async with httpx.AsyncClient() as client:
            await client.get(f"{self.issuer}/spoil", params={"how": how})

    async def sign_in(self, url: str, name: str) -> str:
        """Follow `url`, sign in under `name` and consent; the address that the browser is sent back to."""
        async with httpx.AsyncClient(base_url=self.issuer) as client:
            answer = await client.get(url)
            for _ in range(12):
                if answer.is_redirect:
                    place = httpx.URL(self.issuer).join(answer.headers["location"])
                    if not str(place).startswith(self.issuer):
                        return str(place)
                    answer = await client.get(place)
                    continue
                form = re.search(
                    r'action="([^"]+)"[^>]*>\s*<input type="hidden" name="prompt" value="(\w+)"', answer.text
                )
                assert form is not None, answer.text
                data = {"prompt": form.group(2), "login": name, "password": "any"}
                answer = await client.post(form.group(1), data=data)
        raise AssertionError("the provider never sent the browser back")


@contextmanager
def running_provider(back: str) -> Iterator[RealProvider]:
    """The provider, for one client whose address to come back to is `back`."""
    process = subprocess.Popen(
        ["node", str(SCRIPT), back],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield RealProvider(issuer=json.loads(process.stdout.readline())["issuer"], process=process)
    finally:
        process.stdin.close()  # `node` may be a wrapper: ending it alone would leave the provider behind
        process.wait(10)
        process.stdout.close()
