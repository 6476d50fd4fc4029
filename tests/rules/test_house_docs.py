"""The documentation points at things that exist."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]


def links(document: Path) -> list[str]:
    """Relative targets of Markdown links, without their fragments."""
    found = re.findall(r"\]\(([^)#\s]+)", document.read_text("utf-8"))
    return [target for target in found if "://" not in target]


def test_every_link_leads_to_a_file() -> None:
    missing = [
        f"{document.relative_to(ROOT)}: {target}"
        for document in DOCUMENTS
        for target in links(document)
        if not (document.parent / target).exists()
    ]
    assert missing == []


def named_tests(text: str) -> list[tuple[str, str]]:
    """`tests/….py` or `tests/….py::test_…`, as (file, test or nothing)."""
    return re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", text)


def test_every_test_that_a_document_names_exists() -> None:
    missing = []
    for document in DOCUMENTS:
        for file, name in named_tests(document.read_text("utf-8")):
            path = ROOT / file
            if not path.exists() or (name and f"def {name}(" not in path.read_text("utf-8")):
                missing.append(f"{document.relative_to(ROOT)}: {file}::{name}")
    assert missing == []


def test_the_threat_model_names_a_test_for_every_promise() -> None:
    text = (ROOT / "docs" / "threat-model.md").read_text("utf-8")
    promises = text.partition("## The promises")[2].partition("## Not covered")[0]
    rows = [line for line in promises.splitlines() if line.startswith("| ") and "---" not in line]
    assert [row for row in rows if "| promise |" not in row and not named_tests(row)] == []
