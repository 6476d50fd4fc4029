"""A sealed field opens only with its key, unchanged, at its own place."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from hypothesis import given
from hypothesis import strategies as st

from postern.errors import CannotOpen
from postern.sealing import xaes
from postern.sealing.envelope import STEP, Context, Key, key_id, new_key, open_sealed, seal

HERE = Context(tenant=1, table="person", column="sealed", row=b"row-one-16-bytes", schema=1)
ELSEWHERE = {
    "tenant": HERE._replace(tenant=2),
    "table": HERE._replace(table="vehicle"),
    "column": HERE._replace(column="photo"),
    "row": HERE._replace(row=b"row-two-16-bytes"),
    "schema": HERE._replace(schema=2),
    "a letter moved from table to column": HERE._replace(table="perso", column="nsealed"),
    "a letter moved from column to row": HERE._replace(column="seale", row=b"drow-one-16-bytes"),
}
OVERHEAD = 1 + 8 + 24 + 16

Seal = Callable[[Key, bytes, Context], bytes]
Open = Callable[[Key, bytes, Context], bytes]


def _padded(plaintext: bytes) -> bytes:
    return plaintext + b"\x80" + bytes(-(len(plaintext) + 1) % STEP)


def _mutant(associated: Callable[[Key, Context], bytes]) -> tuple[Seal, Open]:
    """A seal that is like ours in everything but what it binds."""

    def mutant_seal(key: Key, plaintext: bytes, context: Context) -> bytes:
        nonce = os.urandom(24)
        sealed = key.cipher.encrypt(nonce, _padded(plaintext), associated(key, context))
        return b"\x01" + key.id + nonce + sealed

    def mutant_open(key: Key, sealed: bytes, context: Context) -> bytes:
        padded = key.cipher.decrypt(sealed[9:33], sealed[33:], associated(key, context))
        return padded.rpartition(b"\x80")[0]

    return mutant_seal, mutant_open


def _without_lengths(key: Key, context: Context) -> bytes:
    numbers = f"{context.tenant}{context.schema}".encode()
    return numbers + context.table.encode() + context.column.encode() + context.row + key.id


NO_CONTEXT = _mutant(lambda _key, _context: b"")
NO_LENGTHS = _mutant(_without_lengths)


def _places_where_it_opens(pair: tuple[Seal, Open]) -> set[str]:
    """Sealed here, tried at every other place: the names of those where it opened."""
    seal_it, open_it = pair
    key = new_key()
    sealed = seal_it(key, b"Anna Example", HERE)
    assert open_it(key, sealed, HERE) == b"Anna Example"
    opened = set()
    for name, place in ELSEWHERE.items():
        try:
            open_it(key, sealed, place)
        except CannotOpen:
            continue
        opened.add(name)
    return opened


def test_a_ciphertext_moved_to_another_place_does_not_open() -> None:
    assert _places_where_it_opens((seal, open_sealed)) == set()


def test_the_moved_ciphertext_test_catches_a_seal_without_associated_data() -> None:
    assert _places_where_it_opens(NO_CONTEXT) == set(ELSEWHERE)


def test_the_moved_ciphertext_test_catches_associated_data_without_lengths() -> None:
    assert _places_where_it_opens(NO_LENGTHS) == {
        "a letter moved from table to column",
        "a letter moved from column to row",
    }


@given(
    plaintext=st.binary(max_size=300),
    tenant=st.integers(0, 2**63 - 1),
    table=st.text(max_size=20),
    row=st.binary(max_size=40),
    schema=st.integers(0, 2**31 - 1),
)
def test_what_is_sealed_opens_to_the_same_bytes(
    plaintext: bytes, tenant: int, table: str, row: bytes, schema: int
) -> None:
    key = new_key()
    context = Context(tenant=tenant, table=table, column="sealed", row=row, schema=schema)

    assert open_sealed(key, seal(key, plaintext, context), context) == plaintext


def _ctr(key: Key, nonce: bytes, text: bytes) -> bytes:
    return Cipher(algorithms.AES(key.secret), modes.CTR(nonce[:16])).encryptor().update(text)


def _unauthenticated() -> tuple[Seal, Open]:
    """A seal that hides its content and notices nothing."""

    def mutant_seal(key: Key, plaintext: bytes, _context: Context) -> bytes:
        nonce = os.urandom(24)
        return b"\x01" + key.id + nonce + _ctr(key, nonce, _padded(plaintext))

    def mutant_open(key: Key, sealed: bytes, _context: Context) -> bytes:
        return _ctr(key, sealed[9:33], sealed[33:]).rpartition(b"\x80")[0]

    return mutant_seal, mutant_open


def _flipped_bits_that_open(pair: tuple[Seal, Open], plaintext: bytes) -> int:
    """Every single bit of a sealed field is turned over once: how many of these still opened."""
    seal_it, open_it = pair
    key = new_key()
    sealed = seal_it(key, plaintext, HERE)
    opened = 0
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        try:
            open_it(key, bytes(changed), HERE)
        except CannotOpen:
            continue
        opened += 1
    return opened


@pytest.mark.parametrize("plaintext", [b"", b"Anna Example", bytes(64)])
def test_one_flipped_bit_anywhere_does_not_open(plaintext: bytes) -> None:
    assert _flipped_bits_that_open((seal, open_sealed), plaintext) == 0


def test_the_flipped_bit_test_catches_a_seal_without_a_tag() -> None:
    assert _flipped_bits_that_open(_unauthenticated(), b"Anna Example") > 0


@given(plaintext=st.binary(max_size=200), data=st.data())
def test_a_shortened_or_lengthened_field_does_not_open(plaintext: bytes, data: st.DataObject) -> None:
    key = new_key()
    sealed = seal(key, plaintext, HERE)
    cut = data.draw(st.integers(0, len(sealed) - 1))

    for changed in (sealed[:cut], sealed + b"\0", sealed + sealed):
        with pytest.raises(CannotOpen):
            open_sealed(key, changed, HERE)


def test_another_key_does_not_open_it() -> None:
    key = new_key()
    sealed = seal(key, b"Anna Example", HERE)

    with pytest.raises(CannotOpen):
        open_sealed(new_key(), sealed, HERE)
    with pytest.raises(CannotOpen):  # the same id on another secret
        open_sealed(replace(new_key(), id=key.id), sealed, HERE)
    other = replace(key, id=b"another!")
    with pytest.raises(CannotOpen):  # another id on the same secret
        open_sealed(other, sealed[:1] + other.id + sealed[9:], HERE)


def test_a_length_shows_only_in_steps_of_64_bytes() -> None:
    key = new_key()
    lengths = {n: len(seal(key, bytes(n), HERE)) - OVERHEAD for n in (0, 1, 63, 64, 65, 127, 128)}

    assert lengths == {0: 64, 1: 64, 63: 64, 64: 128, 65: 128, 127: 128, 128: 192}


@given(zeros=st.integers(0, 130), marks=st.integers(0, 3))
def test_content_that_looks_like_padding_comes_back_whole(zeros: int, marks: int) -> None:
    key = new_key()
    plaintext = b"x" + b"\x80" * marks + bytes(zeros)

    assert open_sealed(key, seal(key, plaintext, HERE), HERE) == plaintext


def test_a_field_whose_padding_we_never_write_does_not_open() -> None:
    key = new_key()
    nonce = bytes(24)
    bound = xaes_associated(key)
    for padded in (bytes(64), b"no mark at all".ljust(64, b"x"), b"name\x80".ljust(63, b"\0") + b"x"):
        sealed = b"\x01" + key.id + nonce + key.cipher.encrypt(nonce, padded, bound)
        with pytest.raises(CannotOpen):
            open_sealed(key, sealed, HERE)


def xaes_associated(key: Key) -> bytes:
    """The documented associated data of HERE, written out once more by hand."""
    parts = [
        (1).to_bytes(8), b"person", b"sealed", b"row-one-16-bytes", key.id, (1).to_bytes(4),
    ]  # fmt: skip
    return b"\x01" + b"".join(len(part).to_bytes(4) + part for part in parts)


def test_the_format_is_the_documented_one() -> None:
    key = new_key()
    sealed = seal(key, b"Anna Example", HERE)

    assert sealed[0] == 1
    assert sealed[1:9] == key.id == key_id(sealed)
    padded = key.cipher.decrypt(sealed[9:33], sealed[33:], xaes_associated(key))
    assert padded == b"Anna Example\x80" + bytes(51)


def test_sealing_twice_never_gives_the_same_bytes() -> None:
    key = new_key()

    assert len({seal(key, b"Anna Example", HERE) for _ in range(100)}) == 100


def test_an_unknown_version_is_refused_with_what_to_do() -> None:
    key = new_key()
    sealed = b"\x02" + seal(key, b"Anna Example", HERE)[1:]

    with pytest.raises(CannotOpen, match="use the release that wrote it"):
        open_sealed(key, sealed, HERE)


def test_a_secret_is_never_printed() -> None:
    key = new_key()

    assert key.secret.hex() not in repr(key)
    assert repr(key.secret) not in f"{key} {key!r}"


@pytest.mark.parametrize(("key_bytes", "nonce_bytes"), [(16, 24), (32, 12), (0, 24)])
def test_a_short_key_or_nonce_is_refused(key_bytes: int, nonce_bytes: int) -> None:
    with pytest.raises(ValueError, match=r"takes a (key of 32|nonce of 24) bytes"):
        xaes.Xaes(bytes(key_bytes)).encrypt(bytes(nonce_bytes), b"", b"")
