"""Whatever purpose the program writes into the journal has its words in every language of the console."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import postern
from postern.web.i18n import DEFAULT, LANGUAGES, Words
from postern.web.purpose_words import purpose_words

SOURCE = Path(postern.__file__).parent
OTHERS = [Words(language=one) for one in LANGUAGES if one != DEFAULT]
FIELDS = {"purpose"}
"""Forms' fields of that name."""


def purposes() -> Iterator[tuple[str, str]]:
    """Where each literal stands that is handed over as a purpose, or is a module's own `WHY`."""
    for path in sorted((SOURCE / "operations").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            for value in _purposes_of(node):
                if not isinstance(value, ast.JoinedStr):
                    yield from ((path.name, text) for text in _texts(value))


def _texts(value: ast.expr) -> Iterator[str]:
    for part in ast.walk(value):
        if isinstance(part, ast.Constant) and isinstance(part.value, str) and part.value:
            yield part.value


def _purposes_of(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.Call):
        return [one.value for one in node.keywords if one.arg == "purpose"]
    if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
        return [node.value] if node.targets[0].id.strip("_") == "WHY" else []
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        given = zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
        return [default for one, default in given if one.arg == "purpose" and default is not None]
    return []


def test_every_purpose_of_the_program_is_translated() -> None:
    found = {text: path for path, text in purposes() if text not in FIELDS}
    assert len(found) > 60
    missing = {text: path for text, path in found.items() for t in OTHERS if purpose_words(text, t) == text}
    assert missing == {}


def test_a_purpose_with_a_place_keeps_what_fills_it() -> None:
    assert purpose_words("own data: pdf", Words(language="zh")) == "本人信息：pdf"


def test_what_an_operator_typed_stays() -> None:
    for language in LANGUAGES:
        assert purpose_words("theft in the bicycle cellar", Words(language=language)) == (
            "theft in the bicycle cellar"
        )


def test_in_english_nothing_changes() -> None:
    for _, text in purposes():
        assert purpose_words(text, Words(language=DEFAULT)) == text
