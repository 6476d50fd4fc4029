"""Addresses of devices, for whoever may see where something is but not how one signs in to it."""

from __future__ import annotations

import re

_LOGIN = re.compile(r"(?<=://)[^/\s]*@")
"""Up to the last @ before the path: passwords are typed with an @ of their own, too."""


def without_login(text: str) -> str:
    """`text` with the name and password of every URL in it left out."""
    return _LOGIN.sub("", text)


def with_login(typed: str, stored: str) -> str:
    """The stored address where it came back from a form as it was shown, without its login; else as typed."""
    return stored if typed == without_login(stored) else typed
