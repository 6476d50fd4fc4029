"""Check an exported journal without the hub, its database or any of its keys: one pass, in little memory.

    1. Every entry is the next one, and has the leaf hash of what it says.
    2. Every checkpoint is signed by the key that was given, over the very entries that precede it.
    3. The newest checkpoint covers no more than is there.
    4. Every checkpoint that a witness saw is one of this journal, too.

Steps 1 to 3 catch whoever lacks the signing key. Whoever holds it can sign another history, or a shorter one:
only step 4 catches them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from postern import documents
from postern.errors import BadInput, CannotVerify, PosternError
from postern.ids import TenantId
from postern.journal.checkpoint import Checkpoint, trusted
from postern.journal.export import FORMAT, ExportedJournal, Line
from postern.journal.findings import Finding, What
from postern.journal.leaves import Row
from postern.journal.notes import Note, NoteKey, verify
from postern.journal.order import Order
from postern.journal.tree import Frontier
from postern.journal.witness import Seen

_MOST_WAITING = 10_000


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """What was found. Without findings, the first `covered` of `entries` entries are those that were signed.

    `newest` is the largest checkpoint, `note` the same as signed. `cosigned`: how many entries each witness
    key that was asked for has seen, by its signature in the export.
    """

    findings: tuple[Finding, ...]
    entries: int
    checkpoints: int
    covered: int
    newest: Checkpoint | None
    note: str | None
    cosigned: dict[str, int]

    @property
    def is_whole(self) -> bool:
        """Whether nothing was found."""
        return not self.findings


def check(
    lines: Iterable[bytes], key: NoteKey, *, seen: Sequence[Seen] = (), cosigners: Sequence[NoteKey] = ()
) -> Report:
    """Check the export's lines against the journal's public key and what witnesses saw.

    Raises BadInput when it is no export at all, or not of this journal's format.
    """
    reader = iter(lines)
    head = _head(next(reader, b""))
    order = Order(tenant=TenantId(head.tenant))
    pass_ = _Pass(order=order, key=key, seen=_by_size(seen, key), cosigners=tuple(cosigners))
    for number, data in enumerate(reader, start=2):
        pass_.take(_line(data, number))
    return pass_.report()


def _head(data: bytes) -> ExportedJournal:
    try:
        head = documents.from_bytes(Line, data).journal
    except BadInput:
        head = None
    if head is None or head.format != FORMAT:
        raise BadInput("this is no journal export of this release; make one with `postern journal export`")
    return head


def _line(data: bytes, number: int) -> Line:
    try:
        return documents.from_bytes(Line, data)
    except BadInput as fault:
        raise BadInput(
            f"line {number} of the export cannot be read: it was cut or changed. Take a new export, and keep "
            "this one as evidence when the new one differs."
        ) from fault


def _by_size(seen: Sequence[Seen], key: NoteKey) -> dict[int, list[tuple[Seen, Checkpoint]]]:
    found: dict[int, list[tuple[Seen, Checkpoint]]] = {}
    for one in seen:
        head = one.head
        if head.origin != key.name:
            raise BadInput(f"the witness's file is about {head.origin}, not about {key.name}")
        found.setdefault(head.size, []).append((one, head))
    return found


def _time(one: Seen) -> str:
    return f"{one.at:%Y-%m-%d %H:%M:%S} UTC"


@dataclass(kw_only=True)
class _Pass:
    """One reading of the file, from the first line to the last."""

    order: Order
    key: NoteKey
    seen: dict[int, list[tuple[Seen, Checkpoint]]]
    cosigners: tuple[NoteKey, ...]
    findings: list[Finding] = field(default_factory=list)
    tree: Frontier = field(default_factory=Frontier)
    waiting: list[bytes] = field(default_factory=list)
    """Leaf hashes that the tree has yet to take in."""
    checkpoints: int = 0
    signed: Checkpoint | None = None
    """The largest checkpoint whose signature is good, and its note."""
    note: str | None = None
    covered: int = 0
    agreed: int = 0
    """Up to where a witness agrees, and from where on one does not."""
    contradicted: Seen | None = None
    broken: bool = False
    """The entries are known not to be the signed ones from here on: comparing more roots tells nothing."""
    cosigned: dict[str, int] = field(default_factory=dict)

    @property
    def entries(self) -> int:
        return self.order.next

    def take(self, line: Line) -> None:
        if line.entry is not None:
            self._entry(line.entry.row)
        elif line.checkpoint is not None:
            self._checkpoint(line.checkpoint.note)

    # 1. Entries.

    def _entry(self, row: Row) -> None:
        self._compare_with_witnesses()
        self.waiting.append(self.order.take(row))
        if len(self.waiting) >= _MOST_WAITING:
            self._root()

    # 2. Checkpoints.

    def _checkpoint(self, text: str) -> None:
        try:
            head = trusted(text, self.key)
        except PosternError as fault:
            self._find(What.NOT_SIGNED, f"A checkpoint near entry {self.entries} cannot be trusted: {fault}.")
            return
        self.checkpoints += 1
        if self.signed is None or head.size > self.signed.size:
            self.signed, self.note = head, text
        self._note_cosigners(text, head)
        if self.broken or not self.order.is_sound or head.size > self.entries:
            return  # what is missing is told at the end
        if head.size < self.entries:
            self._find(What.UNREADABLE, f"The checkpoint over {head.size} entries is not in its place.")
        elif self._root() == head.root:
            self.covered = head.size
            self.order.proven(head.size)
        elif self.covered == head.size:
            self._find(What.FORKED, f"Two different histories of {head.size} entries were signed.")
        else:
            self._differs(head)

    def _note_cosigners(self, text: str, head: Checkpoint) -> None:
        note = Note.parse(text)
        for key in self.cosigners:
            try:
                verify(note.text, note.signatures, key)
            except CannotVerify:
                continue
            self.cosigned[key.name] = max(head.size, self.cosigned.get(key.name, 0))

    def _differs(self, head: Checkpoint) -> None:
        self.broken = True
        if not self.order.is_explained:
            self._find(
                What.CHANGED,
                f"Entries {self.covered} to {head.size - 1} are not those that were signed: some were "
                "changed, exchanged, removed with the later ones renumbered, or put in.",
            )

    # 4. Witnesses.

    def _compare_with_witnesses(self) -> None:
        """After the last entry that a witness saw, and after the checkpoint over it."""
        is_lost = self.broken or not self.order.is_sound or self.order.is_explained
        if is_lost or self.contradicted is not None:
            return
        for one, head in self.seen.get(self.entries, ()):
            if self._root() == head.root:
                self.agreed = self.entries
            else:
                self.contradicted = one

    def _tell_contradiction(self, one: Seen) -> None:
        size = one.head.size
        words = f"On {_time(one)} a witness saw other first {size} entries than these."
        if self.agreed:
            words += f" They agree up to entry {self.agreed - 1}."
        if self.covered >= size:
            words += " Both were signed: whoever holds the signing key has rewritten the journal."
        self._find(What.FORKED if self.covered >= size else What.CHANGED, words)

    # 3. The end, and all that is told only there.

    def report(self) -> Report:
        self._compare_with_witnesses()
        self.findings += self.order.findings()
        if self.contradicted is not None and not self.broken:
            self._tell_contradiction(self.contradicted)
        self._compare_end()
        if self.signed is None and self.entries:
            self._find(
                What.NOT_SIGNED, "No checkpoint here is signed by the key given: nothing vouches for it."
            )
        for key in self.cosigners:
            if key.name not in self.cosigned:
                self._find(What.NOT_SIGNED, f"No checkpoint here bears the signature of {key.name}.")
        return Report(
            findings=tuple(self.findings),
            entries=self.entries,
            checkpoints=self.checkpoints,
            covered=self.covered,
            newest=self.signed,
            note=self.note,
            cosigned=self.cosigned,
        )

    def _compare_end(self) -> None:
        signed = self.signed.size if self.signed is not None else 0
        if signed > self.entries:
            self._find(
                What.TRUNCATED,
                f"The journal ends after {self.entries} entries, but {signed} were signed: the last "
                f"{signed - self.entries} were cut off.",
            )
        for size in sorted(self.seen):
            if size > max(self.entries, signed):
                (one, _), *_more = self.seen[size]
                self._find(
                    What.ROLLED_BACK,
                    f"On {_time(one)} a witness saw {size} entries; here are {self.entries}, and no "
                    "checkpoint of the later ones: the end was cut off, or an older copy was put back.",
                )
                return

    def _root(self) -> bytes:
        self.tree = self.tree.grow(self.waiting).frontier
        self.waiting.clear()
        return self.tree.root

    def _find(self, what: What, words: str) -> None:
        self.findings.append(Finding(what=what, words=words))
