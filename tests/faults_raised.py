"""The messages of our faults as they stand in the source, for the test that each has its translation.

A message is written as a template: `{}` for each thing that is filled in. Where a message is filled in by a
parameter of the function that raises it, what that function is called with is collected too: its fragments.
"""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

SOURCE = Path(__file__).parents[1] / "src" / "postern"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(kw_only=True, slots=True)
class Raised:
    """Templates and fragments with the places that have them; `unread` are arguments nobody can read here."""

    messages: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    fragments: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    unread: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    texts: set[str] = field(default_factory=set)


@cache
def tree(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def calls(path: Path) -> Mapping[str, list[ast.Call]]:
    """The calls in a module by the last part of the name called."""
    found: dict[str, list[ast.Call]] = defaultdict(list)
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Call):
            found[_name(node.func)].append(node)
    return found


def modules(prefixes: Sequence[str], source: Path = SOURCE) -> Iterator[Path]:
    """The source files under any of the `prefixes`, which are paths below `source`."""
    for path in sorted(source.rglob("*.py")):
        if path.relative_to(source).as_posix().startswith(tuple(prefixes)):
            yield path


@cache
def fault_classes() -> dict[str, ast.ClassDef]:
    """Every class of a fault, by name: those of errors.py and what is derived from them."""
    classes = [
        node for path in modules([""]) for node in ast.walk(tree(path)) if isinstance(node, ast.ClassDef)
    ]
    found = {"PosternError": next(node for node in classes if node.name == "PosternError")}
    while new := {
        node.name: node
        for node in classes
        if node.name not in found and any(_name(base) in found for base in node.bases)
    }:
        found |= new
    return found


def _name(node: ast.expr | None) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""


def _words_itself(node: ast.ClassDef) -> bool:
    return any(isinstance(part, ast.FunctionDef) and part.name == "__init__" for part in node.body)


def collect(prefixes: Sequence[str], source: Path = SOURCE) -> Raised:
    """All that is raised in the modules under `prefixes`."""
    raised = Raised()
    for path in modules(prefixes, source):
        _Reader(path, source, raised).read()
    return raised


class _Reader:
    """Reads one module."""

    def __init__(self, path: Path, source: Path, raised: Raised) -> None:
        self.path, self.raised = path.relative_to(source).as_posix(), raised
        self.file = path
        self.tree, self.beside = tree(path), sorted(path.parent.glob("*.py"))
        self.assigned: dict[str, list[ast.expr]] = defaultdict(list)

    def read(self) -> None:
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
                self.assigned[node.targets[0].id].append(node.value)
        for node in ast.walk(self.tree):
            if isinstance(node, ast.keyword) and node.arg == "thing":
                self._take_fragment(node.value, f"{self.path}:{node.value.lineno}")
            if isinstance(node, ast.Constant | ast.JoinedStr | ast.BinOp):
                self.raised.texts |= set(self.templates(node))
        for node in self.tree.body:
            self._visit(node, ())

    def _visit(self, node: ast.AST, within: tuple[ast.AST, ...]) -> None:
        if isinstance(node, ast.Call):
            message = self._message(node, within)
            if message is not None:
                self._take(message, node, within)
        for child in ast.iter_child_nodes(node):
            self._visit(child, (*within, node))

    def _message(self, call: ast.Call, within: Sequence[ast.AST]) -> ast.expr | None:
        """The argument that is a fault's message, if the call makes a fault."""
        made = fault_classes().get(_name(call.func))
        if made is not None and not _words_itself(made):
            return call.args[0] if call.args else None
        inside = next((node for node in reversed(within) if isinstance(node, ast.ClassDef)), None)
        is_super = isinstance(call.func, ast.Attribute) and ast.unparse(call.func) == "super().__init__"
        own = inside is not None and any(_name(base) in fault_classes() for base in inside.bases)
        return call.args[0] if is_super and own and call.args else None

    def _take(self, message: ast.expr, call: ast.Call, within: Sequence[ast.AST]) -> None:
        place = f"{self.path}:{call.lineno}"
        found = self.templates(message)
        for template in found:
            if template != "{}":
                self.raised.messages[template].append(place)
        if not [template for template in found if template != "{}"]:
            self.raised.unread[f"{self.path}: {ast.unparse(message)}"].append(place)
        function = next((node for node in reversed(within) if isinstance(node, Function)), None)
        if function is not None and function.name != "__init__":
            self._take_fragments(function, message, place)

    def _take_fragments(self, function: Function, message: ast.expr, place: str) -> None:
        named = {node.id for node in ast.walk(message) if isinstance(node, ast.Name)}
        parameters = [
            one.arg for one in (*function.args.posonlyargs, *function.args.args) if one.arg != "self"
        ]
        for path in [self.file] if function.name.startswith("_") else self.beside:
            for call in calls(path)[function.name]:
                given = zip(parameters, call.args, strict=False)
                for parameter, value in (*given, *((one.arg, one.value) for one in call.keywords)):
                    if parameter in named:
                        self._take_fragment(value, place)

    def _take_fragment(self, value: ast.expr, place: str) -> None:
        for template in self.templates(value):
            if any(letter.isalpha() for letter in template):
                self.raised.fragments[template].append(place)

    def templates(self, node: ast.expr) -> list[str]:
        """The texts that the expression can have; nothing when that cannot be read off it."""
        if isinstance(node, ast.Constant):
            return [node.value.replace("{", "{{").replace("}", "}}")] if isinstance(node.value, str) else []
        if isinstance(node, ast.JoinedStr):
            return ["".join(self._part(part) for part in node.values).replace("{}{}", "{}")]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
            left, right = self.templates(node.left) or ["{}"], self.templates(node.right) or ["{}"]
            return [one + other for one in left for other in right if one + other != "{}{}"]
        if isinstance(node, ast.IfExp):
            return [*self.templates(node.body), *self.templates(node.orelse)]
        if isinstance(node, ast.BoolOp):
            return [text for value in node.values for text in self.templates(value)]
        if isinstance(node, ast.Name):
            return self._assigned(node.id)
        return []

    def _assigned(self, name: str) -> list[str]:
        values = self.assigned.pop(name, [])  # absent while it is read, as it may be made of itself
        found = [text for value in values for text in self.templates(value)]
        self.assigned[name] = values
        return found

    def _part(self, part: ast.expr) -> str:
        if isinstance(part, ast.FormattedValue):
            constant = isinstance(part.value, ast.Name) and part.value.id.lstrip("_").isupper()
            known = self.templates(part.value) if constant else []
            return known[0] if len(known) == 1 else "{}"
        return self.templates(part)[0]
