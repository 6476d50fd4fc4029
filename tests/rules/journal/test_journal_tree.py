"""The tree is RFC 6962's: by published vectors, by its definition, and by an implementation not ours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tlog_scales.tlog import ConsistencyProof, ConsistencyProofInvalid, InclusionProof, InclusionProofInvalid

from postern.journal.tree import (
    EMPTY_ROOT,
    STORED_EVERY,
    Frontier,
    Node,
    Span,
    consistency_spans,
    includes,
    inclusion_spans,
    is_consistent,
    leaf_hash,
    nodes_of,
    parent,
    run_hash,
    span_hash,
    stored_run,
)

VECTORS: Any = yaml.safe_load((Path(__file__).parents[2] / "vectors" / "rfc6962.yaml").read_text("utf-8"))
LEAVES = [leaf_hash(bytes.fromhex(text)) for text in VECTORS["leaves"]]
ROOTS = [bytes.fromhex(text) for text in VECTORS["roots"]]
MANY = [leaf_hash(n.to_bytes(4)) for n in range(1200)]
SIZES = st.integers(0, len(MANY))


@cache
def definition(begin: int, end: int) -> bytes:
    """MTH of RFC 6962, 2.1, word by word."""
    if begin == end:
        return EMPTY_ROOT
    if end - begin == 1:
        return MANY[begin]
    half = 1
    while half * 2 < end - begin:
        half *= 2
    return parent(definition(begin, begin + half), definition(begin + half, end))


def unhex(texts: list[str]) -> list[bytes]:
    return [bytes.fromhex(text) for text in texts]


def proof(spans: list[Span]) -> list[bytes]:
    return [definition(span.begin, span.end) for span in spans]


def test_an_empty_tree_has_the_published_root() -> None:
    assert EMPTY_ROOT.hex() == VECTORS["empty_root"]
    assert Frontier().root == EMPTY_ROOT


def test_hashes_are_the_published_ones() -> None:
    for one in VECTORS["hashes"]["leaf"]:
        assert leaf_hash(bytes.fromhex(one["content"])).hex() == one["hash"]
    for one in VECTORS["hashes"]["parent"]:
        assert parent(bytes.fromhex(one["left"]), bytes.fromhex(one["right"])).hex() == one["hash"]


def test_roots_are_the_published_ones() -> None:
    assert [Frontier().grow(LEAVES[: n + 1]).frontier.root for n in range(8)] == ROOTS


@pytest.mark.parametrize("case", VECTORS["inclusion"], ids=lambda case: f"{case['index']} in {case['size']}")
def test_published_inclusion_proofs_are_made_and_accepted(case: dict[str, Any]) -> None:
    index, size, path = case["index"], case["size"], unhex(case["proof"])
    made = [
        Frontier().grow(LEAVES[span.begin : span.end]).frontier.root for span in inclusion_spans(index, size)
    ]
    assert made == path
    assert includes(ROOTS[size - 1], size, index=index, leaf=LEAVES[index], proof=path)


@pytest.mark.parametrize("case", VECTORS["consistency"], ids=lambda case: f"{case['old']} to {case['new']}")
def test_published_consistency_proofs_are_made_and_accepted(case: dict[str, Any]) -> None:
    old, new, path = case["old"], case["new"], unhex(case["proof"])
    made = [
        Frontier().grow(LEAVES[span.begin : span.end]).frontier.root for span in consistency_spans(old, new)
    ]
    assert made == path
    assert is_consistent(old, ROOTS[old - 1], new, ROOTS[new - 1], path)


def test_a_proof_from_a_log_in_service_is_accepted_and_any_change_to_it_is_not() -> None:
    one = VECTORS["real_log"]
    root, leaf, path = bytes.fromhex(one["root"]), bytes.fromhex(one["leaf"]), unhex(one["proof"])
    size, index = one["size"], one["index"]

    assert includes(root, size, index=index, leaf=leaf, proof=path)
    for other in (index - 1, index + 1, index ^ 2, -1, size):
        assert not includes(root, size, index=other, leaf=leaf, proof=path)
    assert not includes(root, size // 2, index=index, leaf=leaf, proof=path)
    assert not includes(root, size, index=index, leaf=leaf, proof=path[:-1])
    assert not includes(root, size, index=index, leaf=leaf, proof=[*path, root])
    for at in range(len(path)):
        flipped = bytes([path[at][0] ^ 8]) + path[at][1:]
        assert not includes(root, size, index=index, leaf=leaf, proof=[*path[:at], flipped, *path[at + 1 :]])


@given(first=SIZES, second=SIZES)
def test_growing_in_any_steps_gives_the_defined_root_and_the_same_stored_nodes(
    first: int, second: int
) -> None:
    size, step = max(first, second), min(first, second)
    once = Frontier().grow(MANY[:size])
    begun = Frontier().grow(MANY[:step])
    then = begun.frontier.grow(MANY[step:size])

    assert once.frontier == then.frontier
    assert once.frontier.root == definition(0, size)
    assert once.completed == {**begun.completed, **then.completed}
    assert all(node.level % STORED_EVERY == 0 for node in once.completed)


@given(size=SIZES.filter(bool), data=st.data())
def test_every_inclusion_proof_convinces_us_and_the_other_implementation(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = proof(inclusion_spans(index, size))

    assert includes(definition(0, size), size, index=index, leaf=MANY[index], proof=path)
    InclusionProof(index, size, path).check(MANY[index], definition(0, size))


@given(one=SIZES, two=SIZES)
def test_every_consistency_proof_convinces_us_and_the_other_implementation(one: int, two: int) -> None:
    old, new = min(one, two), max(one, two)
    path = proof(consistency_spans(old, new))

    assert is_consistent(old, definition(0, old), new, definition(0, new), path)
    ConsistencyProof(old, new, path).check(definition(0, old), definition(0, new))


@given(one=st.integers(1, 300), two=st.integers(1, 300), data=st.data())
def test_we_and_the_other_implementation_agree_on_spoilt_consistency_proofs(
    one: int, two: int, data: st.DataObject
) -> None:
    old, new = min(one, two), max(one, two)
    path = data.draw(spoilt(proof(consistency_spans(old, new))))
    claimed = data.draw(st.sampled_from([old, old + 1, old - 1, old ^ 2]))
    roots = definition(0, old), definition(0, new)

    def other() -> bool:
        try:
            ConsistencyProof(claimed, new, list(path)).check(*roots)
        except (ConsistencyProofInvalid, IndexError):
            return False
        return True

    assert is_consistent(claimed, roots[0], new, roots[1], path) == other()


@given(size=st.integers(1, 300), data=st.data())
def test_we_and_the_other_implementation_agree_on_spoilt_inclusion_proofs(
    size: int, data: st.DataObject
) -> None:
    index = data.draw(st.integers(0, size - 1))
    path = data.draw(spoilt(proof(inclusion_spans(index, size))))
    claimed = data.draw(st.sampled_from([index, index + 1, index ^ 1]))

    def other() -> bool:
        try:
            InclusionProof(claimed, size, list(path)).check(MANY[index], definition(0, size))
        except InclusionProofInvalid:
            return False
        return True

    assert includes(definition(0, size), size, index=claimed, leaf=MANY[index], proof=path) == other()


@st.composite
def spoilt(draw: st.DrawFn, path: list[bytes]) -> list[bytes]:
    """A proof as it is, or with a hash removed, added, exchanged or changed."""
    path = list(path)
    change = draw(st.sampled_from(["none", "remove", "add", "change", "reverse"]))
    at = draw(st.integers(0, max(len(path) - 1, 0)))
    if change == "remove" and path:
        path.pop(at)
    elif change == "add":
        path.insert(at, draw(st.sampled_from(MANY[:5])))
    elif change == "change" and path:
        path[at] = MANY[-1]
    elif change == "reverse":
        path.reverse()
    return path


@given(one=SIZES, two=SIZES)
def test_a_tree_with_another_leaf_before_is_never_consistent(one: int, two: int) -> None:
    old, new = min(one, two), max(one, two)
    if old == 0:
        return
    other = Frontier().grow([leaf_hash(b"another"), *MANY[1:old]]).frontier.root
    path = proof(consistency_spans(old, new))

    assert not is_consistent(old, other, new, definition(0, new), path)


@given(size=SIZES, data=st.data())
def test_any_span_of_a_proof_comes_from_the_stored_levels(size: int, data: st.DataObject) -> None:
    stored = {Node(0, n): leaf for n, leaf in enumerate(MANY[:size])}
    stored |= Frontier().grow(MANY[:size]).completed
    old = data.draw(st.integers(0, size))
    spans = [*consistency_spans(old, size), *([Span(0, size)] if size else [])]

    hashes, read = {}, 0
    for node in (node for span in spans for node in nodes_of(span)):
        run = stored_run(node)
        read += run.count
        hashes[node] = run_hash([stored[Node(run.level, run.first + n)] for n in range(run.count)])

    assert [span_hash(span, hashes) for span in spans] == proof(spans)
    assert read <= 2 * 255 * 2  # two proofs' worth of at most 255 hashes on each of two stored levels


def test_a_proof_of_ten_million_reads_hundreds_of_hashes_not_millions() -> None:
    ten_million = 10_000_000
    for index in (0, 5_432_101, ten_million - 1):
        runs = [stored_run(node) for span in inclusion_spans(index, ten_million) for node in nodes_of(span)]
        assert len(inclusion_spans(index, ten_million)) <= 24
        assert sum(run.count for run in runs) <= 2 * 3 * 255  # each level at most once beside and once below
