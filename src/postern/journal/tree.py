"""The Merkle tree of RFC 6962, section 2: roots, proofs of inclusion and of consistency, and their checks.

Leaves are numbered from 0. Every hash that a root or a proof consists of is that of a `Span` of leaves, and a
span falls into perfect subtrees (`Node`), whose hashes never change again. So a journal that stores the
hashes of some perfect subtrees, here those of every eighth level, can answer for any size it ever had.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256().digest()
STORED_EVERY = 8
"""Levels of the tree whose hashes are stored: 8, 16, 24; level 0 are the leaves, which the entries carry."""


@dataclass(frozen=True, slots=True)
class Node:
    """A perfect subtree: the 2^`level` leaves from `position` * 2^`level` on."""

    level: int
    position: int


@dataclass(frozen=True, slots=True)
class Span:
    """The leaves from `begin` up to but not including `end`."""

    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Run:
    """`count` neighbouring nodes of one stored level, from the position `first` on."""

    level: int
    first: int
    count: int


def leaf_hash(content: bytes) -> bytes:
    """SHA-256(0x00 ‖ content)."""
    return hashlib.sha256(b"\x00" + content).digest()


def parent(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 ‖ left ‖ right): no inner hash can be taken for a leaf's."""
    return hashlib.sha256(b"\x01" + left + right).digest()


# Which spans a root or a proof consists of.


def inclusion_spans(index: int, size: int) -> list[Span]:
    """PATH of RFC 6962, 2.1.1: whose hashes lead from the leaf `index` to the root of `size` leaves."""
    begin, end = 0, size
    spans = []
    while end - begin > 1:
        middle = begin + _split(end - begin)
        if index < middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    return spans[::-1]


def consistency_spans(old: int, new: int) -> list[Span]:
    """PROOF of RFC 6962, 2.1.2: whose hashes show that the first `old` of `new` leaves are unchanged."""
    if old in (0, new):
        return []
    begin, end = 0, new
    spans = []
    while old < end:
        middle = begin + _split(end - begin)
        if old <= middle:
            spans.append(Span(middle, end))
            end = middle
        else:
            spans.append(Span(begin, middle))
            begin = middle
    if begin > 0:  # else it is the whole old tree, whose root the verifier has
        spans.append(Span(begin, end))
    return spans[::-1]


def _split(leaves: int) -> int:
    """The largest power of two below `leaves`."""
    return 1 << ((leaves - 1).bit_length() - 1)


# Hashes of spans.


def nodes_of(span: Span) -> list[Node]:
    """The perfect subtrees of a span that begins where a subtree of its size may, left to right."""
    begin, nodes = span.begin, []
    while begin < span.end:
        level = (span.end - begin).bit_length() - 1
        nodes.append(Node(level, begin >> level))
        begin += 1 << level
    return nodes


def span_hash(span: Span, hashes: Mapping[Node, bytes]) -> bytes:
    """The Merkle tree hash of a span, from the hashes of its nodes."""
    return _fold([hashes[node] for node in nodes_of(span)])


def _fold(hashes: Sequence[bytes]) -> bytes:
    """Perfect subtrees of falling size under one root."""
    if not hashes:
        return EMPTY_ROOT
    root = hashes[-1]
    for left in reversed(hashes[:-1]):
        root = parent(left, root)
    return root


def stored_run(node: Node) -> Run:
    """The stored hashes that `node` is computed from; its own alone when its level is stored."""
    above = node.level % STORED_EVERY
    return Run(level=node.level - above, first=node.position << above, count=1 << above)


def run_hash(hashes: Sequence[bytes]) -> bytes:
    """The hash of the node above a run of 1, 2, 4, … neighbouring nodes."""
    while len(hashes) > 1:
        hashes = [parent(*pair) for pair in zip(hashes[::2], hashes[1::2], strict=True)]
    return hashes[0]


# Growing.


@dataclass(frozen=True, kw_only=True, slots=True)
class Frontier:
    """All that growing a tree of `size` leaves needs: the hashes of its perfect subtrees, left to right."""

    size: int = 0
    hashes: tuple[bytes, ...] = ()

    @property
    def root(self) -> bytes:
        """The Merkle tree hash of all leaves."""
        return _fold(self.hashes)

    def grow(self, leaves: Iterable[bytes]) -> Growth:
        """The frontier with these leaf hashes appended."""
        size, hashes, completed = self.size, list(self.hashes), {}
        for leaf in leaves:
            level, position = 0, size
            while position & 1:
                leaf = parent(hashes.pop(), leaf)  # noqa: PLW2901 - it climbs
                level, position = level + 1, position >> 1
                if level % STORED_EVERY == 0:
                    completed[Node(level, position)] = leaf
            hashes.append(leaf)
            size += 1
        return Growth(frontier=Frontier(size=size, hashes=tuple(hashes)), completed=completed)


@dataclass(frozen=True, kw_only=True, slots=True)
class Growth:
    """A grown tree; `completed` are the nodes of stored levels that became perfect on the way."""

    frontier: Frontier
    completed: Mapping[Node, bytes]


# Checking.


def includes(root: bytes, size: int, *, index: int, leaf: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that `leaf` is the hash of leaf `index` in the tree of that root and size."""
    if not 0 <= index < size:
        return False
    spans = inclusion_spans(index, size)
    if len(spans) != len(proof):
        return False
    for span, beside in zip(spans, proof, strict=True):
        leaf = parent(beside, leaf) if span.end <= index else parent(leaf, beside)
    return leaf == root


def is_consistent(old: int, old_root: bytes, new: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """Whether `proof` shows that the tree of `new` leaves begins with the leaves of that of `old`."""
    if not 0 <= old <= new:
        return False
    if old == 0:
        return not proof and old_root == EMPTY_ROOT
    if old == new:
        return not proof and old_root == new_root
    spans = consistency_spans(old, new)
    if len(spans) != len(proof):
        return False
    hashes = list(proof)
    # The innermost subtree that both have: the proof names it, unless it is the whole old tree.
    first = hashes.pop(0) if spans[0].end == old else old_root
    from_old = from_new = first
    for span, beside in zip(spans[len(spans) - len(hashes) :], hashes, strict=True):
        if span.end <= old:
            from_old, from_new = parent(beside, from_old), parent(beside, from_new)
        else:
            from_new = parent(from_new, beside)
    return from_old == old_root and from_new == new_root
