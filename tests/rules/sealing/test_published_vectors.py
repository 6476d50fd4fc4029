"""Our ciphers give what their specifications publish."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from postern.sealing import derive, hybrid, signing, xaes
from postern.sealing.framing import frame
from tests.rules.sealing.published import hpke_key_and_nonce, hpke_open, hpke_shared_secret, vectors

XAES = vectors("xaes-256-gcm")
HPKE = {name: bytes.fromhex(value) for name, value in vectors("hpke").items() if name != "source"}


def _named(cases: list[dict[str, Any]]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=[case["name"] for case in cases])


@_named(XAES["single"])
def test_xaes_gives_the_published_ciphertext(case: dict[str, str]) -> None:
    key, nonce, associated = (bytes.fromhex(case[name]) for name in ("key", "nonce", "associated"))
    plaintext, ciphertext = bytes.fromhex(case["plaintext"]), bytes.fromhex(case["ciphertext"])

    assert xaes.Xaes(key).encrypt(nonce, plaintext, associated) == ciphertext
    assert xaes.Xaes(key).decrypt(nonce, ciphertext, associated) == plaintext


def test_xaes_gives_the_published_digest_of_ten_thousand_random_messages() -> None:
    iterations = XAES["accumulated"]["iterations"]
    # 32 + 24 + two lengths and twice at most 255 bytes for each message
    stream = hashlib.shake_128(b"").digest(iterations * 568)
    assert stream.startswith(bytes.fromhex(XAES["accumulated"]["stream_starts"]))
    at = 0

    def read(count: int) -> bytes:
        nonlocal at
        at += count
        return stream[at - count : at]

    digest = hashlib.shake_128()
    for _ in range(iterations):
        key, nonce = read(32), read(24)
        plaintext = read(read(1)[0])
        associated = read(read(1)[0])
        ciphertext = xaes.Xaes(key).encrypt(nonce, plaintext, associated)
        assert xaes.Xaes(key).decrypt(nonce, ciphertext, associated) == plaintext
        digest.update(ciphertext)
    assert digest.hexdigest(32) == XAES["accumulated"]["digest"]


@_named(vectors("hkdf-sha256")["cases"])
def test_hkdf_gives_the_published_output(case: dict[str, str]) -> None:
    ikm, salt, info, okm = (bytes.fromhex(case[name]) for name in ("ikm", "salt", "info", "okm"))

    assert derive.hkdf(ikm, salt=salt or None, info=info, length=len(okm)) == okm


@_named(vectors("ed25519")["cases"])
def test_ed25519_gives_the_published_keys_and_signatures(case: dict[str, str]) -> None:
    private, message = bytes.fromhex(case["private"]), bytes.fromhex(case["message"])

    assert signing.public_of(private).hex() == case["public"]
    assert Ed25519PrivateKey.from_private_bytes(private).sign(message).hex() == case["signature"]


def test_the_hpke_receiver_written_out_from_the_rfc_opens_the_published_message() -> None:
    shared = hpke_shared_secret(HPKE["private"], HPKE["enc"])

    assert shared == HPKE["shared_secret"]
    assert hpke_key_and_nonce(shared, HPKE["info"]) == (HPKE["key"], HPKE["base_nonce"])
    sealed = HPKE["enc"] + HPKE["ciphertext"]
    assert hpke_open(HPKE["private"], sealed, info=HPKE["info"], aad=HPKE["aad"]) == HPKE["plaintext"]
    assert hybrid.public_of(HPKE["private"]) == HPKE["public"]


def test_what_we_seal_to_a_public_key_opens_for_that_receiver() -> None:
    sealed = hybrid.seal_to(HPKE["public"], b"a passage", info=b"postern/v1/spool", aad=b"1|1|1")

    bound = frame(b"postern/v1/spool", b"1|1|1")
    assert hpke_open(HPKE["private"], sealed, info=bound, aad=b"") == b"a passage"
