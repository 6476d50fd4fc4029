"""YAML as entries that know their line, so that whatever is wrong can be pointed at.

Only the tree is composed: no value is guessed from its looks, `2.10` stays the text that it is and never
becomes a float, and a key given twice is noticed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import yaml

from postern.errors import BadInput

_LONGEST_FILE = 200_000
_LONGEST_TEXT = 200
_MOST_ENTRIES = 40


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of the text, and where it stands."""

    node: yaml.Node
    name: str

    def fault(self, what: str) -> BadInput:
        """A refusal that names the line, what stands there and what to do."""
        return BadInput(f"Line {self.node.start_mark.line + 1}, {self.name}: {what}.")

    def mapping(self, needs: Sequence[str], may: Sequence[str]) -> Mapping[str, Entry]:
        """Its values by name. Refuses names that are unknown, given twice or missing."""
        if not isinstance(self.node, yaml.MappingNode):
            raise self.fault(f"write names with values here, among them {', '.join(needs)}")
        known, found = (*needs, *may), dict[str, Entry]()
        for key, value in self.node.value:
            name = str(key.value) if isinstance(key, yaml.ScalarNode) else "?"
            if name not in known:
                raise Entry(key, name[:_LONGEST_TEXT]).fault(f"not known here; known are {', '.join(known)}")
            if name in found:
                raise Entry(key, name).fault("given twice; leave one of them out")
            found[name] = Entry(value, name)
        missing = [name for name in needs if name not in found]
        if missing:
            raise self.fault(f"{missing[0]} is missing; add it")
        return found

    def items(self) -> list[Entry]:
        """The values of a list of 1 to 40."""
        if not isinstance(self.node, yaml.SequenceNode) or not self.node.value:
            raise self.fault("write a list with at least one entry")
        if len(self.node.value) > _MOST_ENTRIES:
            raise self.fault(f"a list may have {_MOST_ENTRIES} entries at most")
        return [Entry(one, f"{self.name} {number}") for number, one in enumerate(self.node.value, 1)]

    def text(self) -> str:
        """A value on one line, of at most 200 characters."""
        text = self.node.value.strip() if isinstance(self.node, yaml.ScalarNode) else ""
        if not text or len(text) > _LONGEST_TEXT or not text.isprintable():
            raise self.fault(f"write one value of 1 to {_LONGEST_TEXT} characters on one line")
        return str(text)

    @contextmanager
    def naming(self) -> Iterator[None]:
        """What is refused inside is refused with this line."""
        try:
            yield
        except BadInput as error:
            raise self.fault(str(error).rstrip(".")) from None


def read_text(text: str) -> Entry:
    """The top of the text. Raises BadInput for what is no YAML, empty or too long."""
    if len(text) > _LONGEST_FILE:
        raise BadInput(f"The tariff is longer than {_LONGEST_FILE:,} characters. Shorten it.")
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = f"Line {mark.line + 1}" if mark is not None else "The tariff"
        raise BadInput(f"{line}: {error.problem}. Check colons, dashes, quotes and indents there.") from None
    except (yaml.YAMLError, RecursionError):
        raise BadInput("This is no YAML text. Write it like the tariff of the demo.") from None
    if node is None:
        raise BadInput("The tariff is empty. Write it like that of the demo.")
    return Entry(node, "tariff")


class _Plain(yaml.SafeDumper):
    """Writes texts without quotes also where they look like numbers."""

    yaml_implicit_resolvers: dict[str, list[object]] = {}  # noqa: RUF012 - as the base class has it


def written(values: object) -> str:
    """Names, lists and texts as YAML, in the given order."""
    return yaml.dump(values, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=100)
