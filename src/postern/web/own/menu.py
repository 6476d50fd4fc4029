"""What the person's own pages are; each has its words under `own.nav-<key>`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class OwnItem:
    """One page of the menu at /me."""

    key: str
    href: str
    icon: str


ITEMS = (
    OwnItem(key="home", href="/me", icon="person"),
    OwnItem(key="held", href="/me/held", icon="eye"),
    OwnItem(key="hours", href="/me/hours", icon="clock"),
    OwnItem(key="punch", href="/me/punch", icon="enter"),
)


def section(path: str) -> str:
    """The page of the menu to which an address belongs."""
    above = [item.href for item in ITEMS if f"{path}/".startswith(f"{item.href}/")]
    return max(above, key=len, default="/me")
