"""What came in a form, kept so that a page can show it again beside its errors."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from math import isfinite
from types import TracebackType
from typing import TypeVar
from uuid import UUID

from starlette.datastructures import FormData, UploadFile

from postern.errors import BadInput, NotFound, PosternError

T = TypeVar("T")
LARGEST_UPLOAD = 32 * 1024 * 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Form:
    """The values as typed, and the errors beside them: message keys, or a fault that speaks for itself."""

    values: Mapping[str, str] = field(default_factory=dict)
    chosen: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    errors: Mapping[str, str] = field(default_factory=dict)
    fault: PosternError | None = None

    def get(self, name: str) -> str:
        """What was typed in `name`, or nothing."""
        return self.values.get(name, "")

    def has(self, name: str, value: str) -> bool:
        """Whether `value` was among those chosen in `name`."""
        return value in self.chosen.get(name, ())

    @property
    def wrong(self) -> bool:
        """Whether anything has to be said about it."""
        return bool(self.errors) or self.fault is not None


EMPTY = Form()


def _finite(text: str) -> float:
    """Raises ValueError for nan and infinity too, which no field of ours means."""
    value = float(text)
    if not isfinite(value):
        raise ValueError(text)
    return value


def filled(**values: object) -> Form:
    """A form that starts from what is stored."""
    return Form(values={name: "" if value is None else str(value) for name, value in values.items()})


class FormReader:
    """Reads fields one by one and remembers every error, so that all of them are shown at once."""

    def __init__(self, data: FormData) -> None:
        texts = [(name, value) for name, value in data.multi_items() if isinstance(value, str)]
        self.values = {name: value.strip() for name, value in texts}
        self.chosen: dict[str, tuple[str, ...]] = {}
        for name, value in texts:
            self.chosen[name] = (*self.chosen.get(name, ()), value)
        self.files = {
            name: [one for one in data.getlist(name) if isinstance(one, UploadFile) and one.filename]
            for name in data
        }
        self.errors: dict[str, str] = {}
        self.fault: PosternError | None = None

    def text(self, name: str) -> str:
        """The text of `name`, trimmed; empty when absent."""
        return self.values.get(name, "")

    def maybe(self, name: str) -> str | None:
        """The text of `name`, or None when nothing was typed."""
        return self.text(name) or None

    def needed(self, name: str, error: str = "form.needed") -> str:
        """The text of `name`; an empty one is an error."""
        if not self.text(name):
            self.errors.setdefault(name, error)
        return self.text(name)

    def secret(self, name: str) -> str:
        """A password, untrimmed; it is never shown again."""
        self.values.pop(name, None)
        return self.chosen.get(name, ("",))[0]

    def parsed(self, name: str, parse: Callable[[str], T], error: str) -> T | None:
        """`name` read by `parse`; None when empty; whatever `parse` refuses is the error."""
        if not self.text(name):
            return None
        try:
            return parse(self.text(name))
        except (ValueError, BadInput):
            self.errors.setdefault(name, error)
            return None

    def day(self, name: str) -> date | None:
        """A date field."""
        return self.parsed(name, date.fromisoformat, "form.not-a-day")

    def id(self, name: str) -> UUID | None:
        """A choice from a list of ours."""
        return self.parsed(name, UUID, "form.not-in-list")

    def ids(self, name: str) -> tuple[UUID, ...]:
        """Several choices from a list of ours."""
        try:
            return tuple(UUID(one) for one in self.chosen.get(name, ()) if one)
        except ValueError:
            self.errors.setdefault(name, "form.not-in-list")
            return ()

    def number(self, name: str, otherwise: float = 0.0) -> float:
        """A number; `otherwise` when empty."""
        value = self.parsed(name, _finite, "form.not-a-number")
        return otherwise if value is None else value

    def ticked(self, name: str) -> bool:
        """Whether the box is ticked."""
        return name in self.chosen

    async def uploads(self, name: str) -> Sequence[bytes]:
        """The files given in `name`. Raises BadInput when one is larger than 32 MiB."""
        found = []
        for upload in self.files.get(name, ()):
            if (upload.size or 0) > LARGEST_UPLOAD:
                raise BadInput("the file is larger than 32 MiB; give a smaller one")
            found.append(await upload.read())
        return found

    def result(self, fault: PosternError | None = None, **errors: str) -> Form:
        """All of it, for the page to show again."""
        said = fault if fault is not None else self.fault
        return Form(values=self.values, chosen=self.chosen, errors=self.errors | errors, fault=said)

    def refusals(self) -> _Refusals:
        """What is refused within ends the block and is kept for the form; what is not there stays a fault."""
        return _Refusals(self)


class _Refusals:
    def __init__(self, fields: FormReader) -> None:
        self._fields = fields

    def __enter__(self) -> None:
        """Nothing has been refused."""

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> bool:
        if not isinstance(fault, PosternError) or isinstance(fault, NotFound):
            return False
        self._fields.fault = fault
        return True
