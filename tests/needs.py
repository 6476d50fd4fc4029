"""Skip a test, with the reason, where this machine lacks a program; continuous integration lacks none."""

from __future__ import annotations

import shutil

import pytest


def needs(*programs: str) -> pytest.MarkDecorator:
    """Run the test only where every one of `programs` is on the PATH."""
    missing = [name for name in programs if shutil.which(name) is None]
    reason = f"needs {', '.join(missing)}: install it to run this test"
    return pytest.mark.skipif(bool(missing), reason=reason)
