"""`postern receipt`: whoever was handed a receipt checks it without the hub."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from uuid import UUID

import pytest

from postern.ids import AgentId, SiteId, TenantId
from postern.privacy.receipt import AgentProof, Deed, DestroyedKey, Kept, Receipt, Tried, signed
from postern.sealing import signing
from tests.flows.test_cli_reading import postern

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
RECEIPT = Receipt(
    id=UUID(int=1),
    tenant=TenantId(1),
    deed=Deed.ERASURE,
    subject=UUID(int=2),
    subject_kind="person",
    done_at=NOON,
    issued_at=NOON,
    destroyed=(DestroyedKey(purpose="face", key="ab" * 8), DestroyedKey(purpose="identity", key="cd" * 8)),
    removed=(),
    tried=(Tried(what="archived records", tried=12, opened=0),),
    kept=(Kept(what="hours worked", basis="tax law", until=date(2034, 12, 31)),),
    backups_turned_over=date(2026, 12, 28),
    agents=(
        AgentProof(site=SiteId(1), agent=AgentId(1), confirmed_at=NOON),
        AgentProof(site=SiteId(1), agent=AgentId(2)),
    ),
)


@pytest.fixture
def private() -> bytes:
    return signing.generate()


@pytest.fixture
def handed_out(tmp_path: Path, private: bytes) -> Path:
    path = tmp_path / "receipt.json"
    path.write_bytes(signed(RECEIPT, private))
    return path


def test_a_genuine_receipt_is_told_in_sentences(tmp_path: Path, handed_out: Path, private: bytes) -> None:
    done = postern(tmp_path, "receipt", str(handed_out), "--key", signing.public_of(private).hex())
    assert done.returncode == 0, done.stderr
    assert "Keys destroyed: 2 (face, identity)." in done.stdout
    assert "Tried afterwards with every key that is left: 12; opened: 0." in done.stdout
    assert "Kept until 2034-12-31: hours worked (tax law)." in done.stdout
    assert "Agent 2 of site 1 has not confirmed yet" in done.stdout
    assert done.stdout.endswith("The receipt is genuine.\n")


def test_a_receipt_that_was_changed_or_signed_by_another_is_not_genuine(
    tmp_path: Path, handed_out: Path, private: bytes
) -> None:
    key = signing.public_of(private).hex()
    wrong = handed_out.read_text().replace('"opened": 0', '"opened": 1')
    (tmp_path / "changed.json").write_text(wrong)
    other = signed(replace(RECEIPT, subject=UUID(int=3)), signing.generate())
    (tmp_path / "other.json").write_bytes(other)
    for name in ("changed.json", "other.json"):
        done = postern(tmp_path, "receipt", str(tmp_path / name), "--key", key)
        assert (done.returncode, done.stdout) == (1, ""), name
        assert "is not by this signer" in done.stderr


def test_what_is_no_receipt_or_no_key_is_told_in_a_line(tmp_path: Path, handed_out: Path) -> None:
    for arguments, words in (
        ((str(handed_out), "--key", "ab"), "64 hexadecimal digits"),
        ((str(tmp_path / "nowhere"), "--key", "ab" * 32), "cannot be read"),
    ):
        done = postern(tmp_path, "receipt", *arguments)
        assert (done.returncode, len(done.stderr.splitlines())) == (1, 1)
        assert words in done.stderr
