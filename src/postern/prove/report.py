"""What `postern prove` found, as a table and as a signed JSON document that anybody can check."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import datetime

from postern import documents
from postern.errors import BadInput
from postern.prove.model import Outcome, Size
from postern.sealing import signing

SIGNATURE_PURPOSE = "prove"
_COLUMNS = ("attack", "tries", "leaks", "losses", "mutant", "seconds")


@dataclass(frozen=True, kw_only=True, slots=True)
class Line:
    """One attack. `mutant`: what it had to catch; `fault`: what broke it off, so that it proved nothing."""

    attack: str
    promises: tuple[str, ...]
    mutant: str
    tries: int
    leaks: int
    losses: int
    mutant_caught: bool
    seconds: float
    notes: tuple[str, ...] = ()
    fault: str | None = None

    @property
    def is_held(self) -> bool:
        """Tried, nothing found, the mutant caught, and nothing broke it off."""
        return self.fault is None and self.outcome.is_held

    @property
    def outcome(self) -> Outcome:
        """As the attack gave it."""
        return Outcome(
            tries=self.tries, leaks=self.leaks, losses=self.losses, mutant_caught=self.mutant_caught
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Report:
    """A whole run; the same version, size and seed make the same choices again."""

    version: str
    size: Size
    seed: int
    begun_at: datetime
    lines: tuple[Line, ...]

    @property
    def is_held(self) -> bool:
        """Every promise that was attacked held."""
        return bool(self.lines) and all(line.is_held for line in self.lines)


def row(line: Line) -> str:
    """One line of the table."""
    caught = "broken off" if line.fault is not None else "caught" if line.mutant_caught else "MISSED"
    counted = f"{line.tries:>9} {line.leaks:>6} {line.losses:>7}"
    return f"{line.attack:<20} {counted}  {caught:<10} {line.seconds:>7.1f}  {line.mutant}"


def heading() -> str:
    """Above the table."""
    attack, tries, leaks, losses, mutant, seconds = _COLUMNS
    return f"{attack:<20} {tries:>9} {leaks:>6} {losses:>7}  {mutant:<10} {seconds:>7}  which mutant"


def signed(report: Report, private: bytes) -> bytes:
    """The report as a JSON document with its signature and the public key that checks it."""
    plain = documents.to_bytes(report)
    document = {
        "report": json.loads(plain),
        "signature": base64.b64encode(signing.sign(private, plain, purpose=SIGNATURE_PURPOSE)).decode(),
        "public_key": signing.public_of(private).hex(),
    }
    return json.dumps(document, ensure_ascii=False, indent=2).encode() + b"\n"


def verified(document: bytes, public: bytes | None) -> tuple[Report, bytes]:
    """The report and the key that signed it, which must be `public` if that is given.

    Raises BadInput or CannotVerify.
    """
    try:
        fields = json.loads(document)
        plain = json.dumps(fields["report"], ensure_ascii=False, separators=(",", ":")).encode()
        signature = base64.b64decode(fields["signature"], validate=True)
        named = bytes.fromhex(fields["public_key"])
    except (ValueError, KeyError, TypeError):
        raise BadInput("this is no report of postern prove") from None
    signing.verify(public or named, plain, signature, purpose=SIGNATURE_PURPOSE)
    return documents.from_bytes(Report, plain), public or named
