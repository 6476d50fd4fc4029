"""`postern simulate garage`: three days of a small garage, whose books agree with what truly happened."""

from __future__ import annotations

import json
import subprocess
import sys


def test_three_days_come_out_right_to_the_cent() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "postern", "simulate", "garage", "--seed", "2", "--days", "3", "--bays", "40"],
        capture_output=True,
        text=True,
        timeout=400,
        check=True,
    )
    *words, last = done.stdout.splitlines()
    summary = json.loads(last)
    assert summary["stays"] > 100
    assert summary["wrong_charges"] == 0
    assert summary["ledger_balanced"]
    assert summary["takings"] + summary["open_cases_value"] == summary["true_takings"]
    assert summary["takings"] > 0
    assert summary["settled_without_person"] > 0.9
    assert summary["misread_share"] > 0.02
    assert "0 wrong charges" in words
