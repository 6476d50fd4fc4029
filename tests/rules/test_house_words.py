"""One word, one concept: our names are the glossary's."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "postern"

NEVER = frozenset(
    """
    event events user users customer customers account accounts token tokens badge badges terminal terminals
    zone zones location locations facility gate gates portal sensor sensors embedding embeddings faceprint
    timetable timetables holiday holidays group groups permission permissions hit hits confidence
    liveness spoof appointment audit
    """.split()  # noqa: SIM905 - a list of words reads better as words
)

ALLOWED = {
    ("time", "zone"): "an IANA time zone, the name of the standard",
    ("zone", "info"): "the standard library's class for it",
    ("zone", "of"): "an IANA time zone, the name of the standard",
    ("event", "source"): "the browser's EventSource",
    ("user", "verification"): "WebAuthn's own term",
    ("user", "agent"): "the HTTP header",
    ("user", "handle"): "WebAuthn's own term",
    ("vault", "token"): "Vault's own term",
    ("ledger", "account"): "bookkeeping's own term",
    ("public", "holiday"): "the labour laws' own term; a schedule has special days",
    ("public", "holidays"): "the same",
}
"""A forbidden word is let through only in these pairs, each with its reason."""

ALLOWED_IN = {
    ("devices/certificates/acme_client.py", "account"): "ACME's own term (RFC 8555)",
    ("devices/certificates/acme_client.py", "token"): "ACME's own term (RFC 8555)",
    ("devices/certificates/challenges.py", "token"): "ACME's own term (RFC 8555)",
    ("web/", "zone"): "a ZoneInfo, the standard library's name",
    ("attendance/", "zone"): "a ZoneInfo, the standard library's name",
    ("operations/", "zone"): "a ZoneInfo, the standard library's name",
    ("operations/", "zones"): "several ZoneInfo",
    ("web/", "zones"): "several ZoneInfo",
    ("visitors/", "zone"): "a ZoneInfo",
    ("parking/", "account"): "an account of the double-entry ledger, bookkeeping's own term",
    ("operations/", "account"): "the same",
    ("vehicles/grammars.py", "group"): "characters that look alike",
}
"""And in these places."""


def words(name: str) -> list[str]:
    """`SnakeAndCamel_case` as its words in lower case."""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+", name)]


def forbidden(name: str) -> list[str]:
    """The words of `name` that the glossary gives to nothing of ours."""
    found = words(name)
    pairs = set(pairwise(found))
    standard = {word for pair in pairs if pair in ALLOWED for word in pair}
    return [word for word in found if word in NEVER and word not in standard]


def excused(where: str, word: str) -> bool:
    """Whether the word means something else in that file."""
    return any(where.startswith(place) and word == allowed for place, allowed in ALLOWED_IN)


def names_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Every name that a module gives to something: classes, functions, arguments, fields, constants."""
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield node.name, node.lineno
        elif isinstance(node, ast.arg):
            yield node.arg, node.lineno
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id, node.lineno


def routes_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Paths given to route decorators."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            first = node.args[0]
            is_route = node.func.attr in {"get", "post", "put", "patch", "delete", "websocket", "mount"}
            path = first.value if isinstance(first, ast.Constant) else None
            if is_route and isinstance(path, str) and path.startswith("/"):
                yield path, node.lineno


def sql_names(text: str) -> Iterator[str]:
    """Names of tables, columns and indexes in a migration, comments left out."""
    text = re.sub(r"--.*", "", text)
    text = re.sub(r"'[^']*'|GROUP BY", "", text)
    yield from re.findall(r"\b[a-z_]{3,}\b", text)


PYTHON = sorted(SOURCE.rglob("*.py"))
SQL = sorted(SOURCE.rglob("*.sql"))


def test_a_forbidden_word_is_found_in_any_spelling() -> None:
    assert forbidden("AccessTokenStore") == ["token"]
    assert forbidden("on_user_signed_in") == ["user"]
    assert forbidden("HTTPEvent2") == ["event"]
    assert forbidden("time_zone") == []
    assert forbidden("/api/v1/time-zone/zones") == ["zones"]


def test_python_names_are_the_glossary_s() -> None:
    found = []
    for path in PYTHON:
        tree = ast.parse(path.read_text("utf-8"))
        where = str(path.relative_to(SOURCE))
        for name, line in ((path.stem, 1), *names_in(tree), *routes_in(tree)):
            found += [
                f"{where}:{line}: {name}: {word}" for word in forbidden(name) if not excused(where, word)
            ]
    assert found == []


def test_tables_and_columns_are_named_by_the_glossary() -> None:
    found = [
        f"{path.name}: {name}"
        for path in SQL
        for name in sql_names(path.read_text("utf-8"))
        if forbidden(name)
    ]
    assert found == []
