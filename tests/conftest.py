"""What every test may ask for."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def pictures() -> Path:
    """The folder of real pictures with ground truth that `POSTERN_TEST_PICTURES` names."""
    named = os.environ.get("POSTERN_TEST_PICTURES")
    if not named or not Path(named).is_dir():
        pytest.skip("set POSTERN_TEST_PICTURES to a folder of test pictures to run this test")
    return Path(named)
