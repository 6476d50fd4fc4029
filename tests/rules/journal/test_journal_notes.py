"""Checkpoints and cosignatures in the C2SP formats, checked by an implementation that is not ours."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography.exceptions import InvalidSignature
from tlog_scales import signing as other_signing
from tlog_scales import tlog as other

from postern.errors import BadInput, CannotVerify
from postern.journal.checkpoint import Checkpoint, key_of, signed, trusted, witness_key
from postern.journal.notes import Note, NoteKey, Signature, Signer, cosign, seen_at, sign, verify
from postern.journal.tree import EMPTY_ROOT, leaf_hash
from postern.sealing import signing

VECTOR: Any = yaml.safe_load((Path(__file__).parents[2] / "vectors" / "signed-note.yaml").read_text("utf-8"))
AT = datetime(2026, 3, 1, 8, 30, 5, 700_000, tzinfo=UTC)
ROOT = leaf_hash(b"root")
PRIVATE = signing.generate()
KEY = key_of(signing.public_of(PRIVATE))


def test_the_published_note_is_verified_by_its_published_key() -> None:
    key, note = NoteKey.parse(VECTOR["key"]), Note.parse(VECTOR["note"])

    assert verify(note.text, note.signatures, key).name == "PeterNeumann"
    assert str(note) == VECTOR["note"]
    assert key.text == VECTOR["key"]
    with pytest.raises(CannotVerify):
        verify(note.text.replace("cryptography", "a journal"), note.signatures, key)


def test_the_other_implementation_reads_and_verifies_our_checkpoint() -> None:
    note = str(signed(20_852_163, ROOT, PRIVATE))
    read = other.Checkpoint.from_text(note)

    read.verify(other_signing.Vkey.from_string(KEY.text))
    assert (read.origin, read.size, read.root_hash) == (KEY.name, 20_852_163, ROOT)
    assert read.serialize() == note


def test_the_other_implementation_verifies_our_cosignature_and_reads_its_time() -> None:
    agent = signing.generate()
    key = witness_key(signing.public_of(agent))
    note = signed(7, ROOT, PRIVATE)
    line = cosign(note.text, agent, key.name, AT)
    whole = Note(text=note.text, signatures=(*note.signatures, line))

    read = other.Checkpoint.from_text(str(whole))
    read.verify(other_signing.Vkey.from_string(key.text))
    assert other_signing.Ed25519CosignatureVerifier.get_timestamp(line.value) == int(AT.timestamp())
    assert seen_at(verify(note.text, whole.signatures, key)) == AT.replace(microsecond=0)
    with pytest.raises(InvalidSignature):
        other.Checkpoint.from_text(str(whole).replace("\n7\n", "\n8\n")).verify(
            other_signing.Vkey.from_string(key.text)
        )


def test_we_trust_a_checkpoint_that_the_other_implementation_signed() -> None:
    signer = other_signing.PlainEd25519Signer(KEY.name, PRIVATE)
    made = other.Checkpoint.make_signed(KEY.name, 12, ROOT, [signer])

    assert trusted(made.serialize(), KEY) == Checkpoint(origin=KEY.name, size=12, root=ROOT)


def test_a_checkpoint_is_trusted_only_by_its_own_key_and_name() -> None:
    note = signed(7, ROOT, PRIVATE)
    stranger = key_of(signing.public_of(signing.generate()))

    with pytest.raises(CannotVerify):
        trusted(str(note), stranger)
    with pytest.raises(CannotVerify):
        trusted(str(note).replace("\n7\n", "\n8\n"), KEY)
    elsewhere = Checkpoint(origin="postern-journal/other", size=7, root=ROOT).text
    forged = Note(text=elsewhere, signatures=(sign(elsewhere, PRIVATE, KEY.name),))
    with pytest.raises(BadInput, match="a checkpoint of postern-journal/other"):
        trusted(str(forged), KEY)


def test_signatures_by_others_are_ignored_but_a_wrong_one_by_the_known_key_is_not() -> None:
    note = signed(7, ROOT, PRIVATE)
    stranger = sign(note.text, signing.generate(), "somebody")
    assert trusted(str(Note(text=note.text, signatures=(stranger, *note.signatures))), KEY).size == 7

    (good,) = note.signatures
    wrong = Signature(name=good.name, key_id=good.key_id, value=bytes(64))
    with pytest.raises(CannotVerify):
        trusted(str(Note(text=note.text, signatures=(wrong,))), KEY)


def test_a_cosignature_never_passes_for_the_log_s_own_signature() -> None:
    note = signed(7, ROOT, PRIVATE)
    line = cosign(note.text, PRIVATE, KEY.name, AT)

    with pytest.raises(CannotVerify):
        trusted(str(Note(text=note.text, signatures=(line,))), KEY)


def test_a_cosignature_with_another_time_is_not_verified() -> None:
    text = signed(7, ROOT, PRIVATE).text
    line = cosign(text, PRIVATE, KEY.name, AT)
    later = int((AT + timedelta(days=1)).timestamp()).to_bytes(8)
    moved = Signature(name=line.name, key_id=line.key_id, value=later + line.value[8:])
    key = NoteKey(name=KEY.name, signer=Signer.WITNESS, public=KEY.public)

    with pytest.raises(CannotVerify):
        verify(text, [moved], key)


def test_a_note_is_not_a_message_of_any_other_purpose_nor_the_other_way_round() -> None:
    text = signed(7, ROOT, PRIVATE).text
    bare = signing.sign(PRIVATE, text.encode(), purpose=signing.NOTE)
    with pytest.raises(CannotVerify):
        signing.verify(KEY.public, text.encode(), bare, purpose="policy")

    framed = signing.sign(PRIVATE, b"a policy", purpose="policy")
    with pytest.raises(CannotVerify):
        signing.verify(KEY.public, b"a policy", framed, purpose=signing.NOTE)


@pytest.mark.parametrize(
    "text",
    ["", "no signature\n", "text\n\n", "text\n\n- dash QUJDREVG\n", "text\n\n— name !!!!\n",
     "a\tb\n\n— n QUJDREVG\n", "text\n\n— name QUJDREVG", "text\n\n— QUJDREVG\n",
     "text\n\n" + "— n QUJDREVG\n" * 65],
)  # fmt: skip
def test_what_is_no_signed_note_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Note.parse(text)


@pytest.mark.parametrize("text", ["", "a+b", "name+00000000+AQ==", KEY.text[:-4] + "AAA=", "x" + KEY.text])
def test_what_is_no_public_key_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        NoteKey.parse(text)


@pytest.mark.parametrize(
    "text", ["", "name\n", "name\n01\nAAAA\n", "name\n-1\nAAAA\n", "name\n1\nAAAA\n", "\n1\n\n"]
)
def test_what_is_no_checkpoint_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        Checkpoint.parse(text)


def test_an_empty_journal_can_be_signed_too() -> None:
    assert trusted(str(signed(0, EMPTY_ROOT, PRIVATE)), KEY).root == EMPTY_ROOT
