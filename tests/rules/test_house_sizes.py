"""Small files, small functions, and ciphers in one place only."""

from __future__ import annotations

import ast
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "postern"
LONGEST_FILE = 400
LONGEST_FUNCTION = 60
LONGEST_SEALING = 400
"""Every file of `sealing` together."""
PYTHON = sorted(SOURCE.rglob("*.py"))

CIPHERS = {
    "sealing": "all ciphers, tags and signatures",
    "devices/certificates": "X.509 certificates for TLS, whose format the sealing formats have no part in",
    "doctor/certificate.py": "reads the day a certificate ends",
}
"""The only places that may import `cryptography`, each with its reason."""


def length(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    """Lines of a function without its docstring and decorators."""
    body = node.body[1:] if ast.get_docstring(node) is not None and len(node.body) > 1 else node.body
    return (body[-1].end_lineno or node.lineno) - body[0].lineno + 1


def test_files_stay_small() -> None:
    long = {str(path.relative_to(SOURCE)): len(path.read_text("utf-8").splitlines()) for path in PYTHON}
    assert {name: lines for name, lines in long.items() if lines > LONGEST_FILE} == {}


def test_all_of_the_cryptography_can_be_read_over_coffee() -> None:
    lines = sum(len(path.read_text("utf-8").splitlines()) for path in (SOURCE / "sealing").glob("*.py"))
    assert lines < LONGEST_SEALING


def test_functions_stay_small() -> None:
    long = []
    for path in PYTHON:
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            if is_function and length(node) > LONGEST_FUNCTION:
                long.append(f"{path.relative_to(SOURCE)}: {node.name}, {length(node)} lines")
    assert long == []


def imports_cryptography(path: Path) -> bool:
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import) and any(name.name.startswith("cryptography") for name in node.names):
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("cryptography"):
            return True
    return False


def test_no_other_file_touches_a_cipher() -> None:
    found = {str(path.relative_to(SOURCE)) for path in PYTHON if imports_cryptography(path)}
    assert {name for name in found if not name.startswith(tuple(CIPHERS))} == set()
