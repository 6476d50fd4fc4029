"""schemathesis over the whole API of a running hub: as nobody, with an API key, and signed in."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.attacks import schema_hooks
from tests.attacks.conftest import Measured
from tests.attacks.whole import Login, Whole, administrator, running

CASES = int(os.environ.get("POSTERN_SCHEMA_CASES", "10"))
"""For each operation, besides one for each border of its schema."""
CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "missing_required_header",
    "unsupported_method",
    "allow_header_conformance",
    "refusals_are_problems",
)
"""Not those that hold a schema to be all that is demanded: what an operation refuses beyond it, it says."""
PATIENCE = 1500


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Whole]:
    with running(tmp_path_factory.mktemp("whole")) as made:
        yield made


@pytest.fixture(scope="module")
async def login(whole: Whole) -> Login:
    async with whole.services() as services:
        return await administrator(services)


@pytest.fixture(scope="module")
async def described(whole: Whole, login: Login, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the API's description, and with ids of what is there."""
    folder = tmp_path_factory.mktemp("described")
    headers = {"Authorization": f"Bearer {login.api_key}"}
    base = f"https://localhost:{whole.console}"
    async with httpx.AsyncClient(verify=whole.trust(whole.console), base_url=base, headers=headers) as client:
        document = (await client.get("/api/v1/openapi.json")).json()
        known: dict[str, set[str]] = {"sites": {"1"}, "garages": {"1"}}
        for path, methods in document["paths"].items():
            if "get" in methods and set(re.findall(r"{(\w+)}", path)) <= {"site"}:
                answer = await client.get(path.replace("{site}", "1"))
                if answer.headers["content-type"] == "application/json":
                    collect(known, path.rpartition("/")[2], answer.json())
    (folder / "openapi.json").write_text(json.dumps(document))
    (folder / "known.json").write_text(json.dumps({name: sorted(ids) for name, ids in known.items()}))
    return folder


def collect(known: dict[str, set[str]], name: str, document: Any) -> None:
    """Ids by the word that names their list: in an address they stand after it."""
    if isinstance(document, list):
        for one in document:
            if isinstance(one, dict) and "id" in one:
                known.setdefault(name, set()).add(str(one["id"]))
            collect(known, name, one)
    elif isinstance(document, dict):
        for key, value in document.items():
            collect(known, key.replace("_", "-"), value)


def attack(whole: Whole, folder: Path, headers: Mapping[str, str], *more: str) -> tuple[int, str]:
    """How schemathesis ends, 0 where it found nothing, and what it says."""
    given = [part for name, value in headers.items() for part in ("--header", f"{name}: {value}")]
    command = [
        sys.executable, "-m", "schemathesis.cli", "run", str(folder / "openapi.json"),
        "--url", f"https://localhost:{whole.console}", "--tls-verify", str(whole.root(whole.console)),
        "--checks", ",".join(CHECKS), "--phases", "coverage,fuzzing,stateful", "--continue-on-failure",
        "--max-examples", str(CASES), "--no-color", "--warnings", "off",
        "--generation-database", "none", *given, *more,
    ]  # fmt: skip
    told = {"SCHEMATHESIS_HOOKS": schema_hooks.__name__, schema_hooks.KNOWN: str(folder / "known.json")}
    path = os.pathsep.join(one for one in sys.path if one)
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **told, "PYTHONPATH": path},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def headers_of(whole: Whole, login: Login) -> dict[str, dict[str, str]]:
    """What each caller sends. The key comes before the login, which may end it."""
    origin = {"Origin": f"https://localhost:{whole.console}"}
    cookie = {"Cookie": f"__Host-postern={login.cookie}", "Postern-Form-Key": login.form_key}
    return {
        "nobody": origin,
        "key": {"Authorization": f"Bearer {login.api_key}"},
        "login": origin | cookie,
    }


@pytest.mark.slow
@pytest.mark.parametrize("who", ["nobody", "key", "login"])
async def test_no_request_that_the_schema_allows_or_forbids_breaks_the_hub(
    whole: Whole, login: Login, described: Path, who: str, measured: Measured
) -> None:
    headers = headers_of(whole, login)[who]
    status, said = await asyncio.to_thread(attack, whole, described, headers)
    assert status == 0, said[-8000:]
    tested, cases = re.search(r"Tested: (\d+)", said), re.search(r"(\d+) generated", said)
    assert tested is not None
    assert cases is not None
    measured(f"schemathesis as {who}: {tested[1]} operations, {cases[1]} cases, 0 findings")
    assert int(cases[1]) > 1000
    assert "unforeseen fault" not in (whole.data / "log" / "hub.log").read_text("utf-8", "replace")


@pytest.mark.slow
async def test_the_mutant_whose_answer_is_not_as_described_is_found(
    whole: Whole, login: Login, described: Path, tmp_path: Path
) -> None:
    document = json.loads((described / "openapi.json").read_text())
    document["components"]["schemas"]["LoginState"]["properties"]["operator"]["type"] = "integer"
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    (tmp_path / "known.json").write_text("{}")
    headers = headers_of(whole, login)["login"]
    only = ("--include-path", "/api/v1/login")
    status, said = await asyncio.to_thread(attack, whole, tmp_path, headers, *only)
    assert status == 1, said
    assert "Response violates schema" in said
