"""Sealing to a public key, and signatures: only for the one they are meant for, only for what they state."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from postern.errors import CannotOpen, CannotVerify
from postern.sealing import hybrid, signing

PRIVATE = hybrid.generate()
PUBLIC = hybrid.public_of(PRIVATE)
SIGNER = signing.generate()
KNOWN = signing.public_of(SIGNER)


@given(plaintext=st.binary(max_size=500), info=st.binary(max_size=40), aad=st.binary(max_size=40))
def test_what_is_sealed_to_the_hub_opens_at_the_hub(plaintext: bytes, info: bytes, aad: bytes) -> None:
    sealed = hybrid.seal_to(PUBLIC, plaintext, info=info, aad=aad)

    assert hybrid.open_from(PRIVATE, sealed, info=info, aad=aad) == plaintext


@pytest.mark.parametrize(
    ("info", "aad"), [(b"other", b"1|1"), (b"spool", b"1|2"), (b"spool1", b"|1"), (b"spoo", b"l1|1")]
)
def test_a_spool_entry_moved_to_another_place_does_not_open(info: bytes, aad: bytes) -> None:
    sealed = hybrid.seal_to(PUBLIC, b"a passage", info=b"spool", aad=b"1|1")

    with pytest.raises(CannotOpen):
        hybrid.open_from(PRIVATE, sealed, info=info, aad=aad)


def test_another_private_key_opens_nothing() -> None:
    sealed = hybrid.seal_to(PUBLIC, b"a passage", info=b"", aad=b"")

    with pytest.raises(CannotOpen):
        hybrid.open_from(hybrid.generate(), sealed, info=b"", aad=b"")


def test_one_flipped_bit_anywhere_does_not_open_at_the_hub() -> None:
    sealed = hybrid.seal_to(PUBLIC, b"a passage", info=b"spool", aad=b"1")
    for bit in range(len(sealed) * 8):
        changed = bytearray(sealed)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CannotOpen):
            hybrid.open_from(PRIVATE, bytes(changed), info=b"spool", aad=b"1")


@pytest.mark.parametrize("sealed", [b"", b"x", bytes(32), bytes(100)])
def test_rubbish_from_the_network_is_a_clear_fault(sealed: bytes) -> None:
    with pytest.raises(CannotOpen):
        hybrid.open_from(PRIVATE, sealed, info=b"", aad=b"")


def test_a_signature_by_a_known_signer_is_accepted() -> None:
    signing.verify(KNOWN, b"bundle", signing.sign(SIGNER, b"bundle", purpose="policy"), purpose="policy")


@pytest.mark.parametrize(
    ("public", "message", "purpose"),
    [
        (KNOWN, b"bundle!", "policy"),
        (KNOWN, b"bundle", "spool"),
        (KNOWN, b"ybundle", "polic"),
        (signing.public_of(signing.generate()), b"bundle", "policy"),
        (b"no public key", b"bundle", "policy"),
    ],
    ids=["message", "purpose", "letter moved from purpose to message", "signer", "malformed key"],
)
def test_a_signature_over_anything_else_is_refused(public: bytes, message: bytes, purpose: str) -> None:
    signature = signing.sign(SIGNER, b"bundle", purpose="policy")

    with pytest.raises(CannotVerify):
        signing.verify(public, message, signature, purpose=purpose)


@pytest.mark.parametrize("signature", [b"", b"short", bytes(64), bytes(65)])
def test_a_malformed_signature_is_refused(signature: bytes) -> None:
    with pytest.raises(CannotVerify):
        signing.verify(KNOWN, b"bundle", signature, purpose="policy")
