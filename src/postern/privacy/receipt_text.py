"""A receipt's content in sentences, for whoever checks it at a command line."""

from __future__ import annotations

from collections.abc import Iterator

from postern.privacy.receipt import AgentProof, Deed, Kept, Receipt

_DEEDS = {Deed.ERASURE: "erased for good", Deed.WITHDRAWAL: "the consent to face recognition withdrawn"}


def sentences(receipt: Receipt) -> Iterator[str]:
    """What is certified, one sentence a line. It names nobody: the subject is its random id."""
    yield f"Receipt {receipt.id}: {receipt.subject_kind} {receipt.subject}, {_DEEDS[receipt.deed]}."
    yield f"Done {receipt.done_at:%Y-%m-%d %H:%M} UTC, handed out {receipt.issued_at:%Y-%m-%d %H:%M} UTC."
    purposes = ", ".join(one.purpose for one in receipt.destroyed) or "none"
    yield f"Keys destroyed: {len(receipt.destroyed)} ({purposes})."
    yield from (f"Removed: {one.count} of {one.what}." for one in receipt.removed)
    tried, opened = receipt.tried_in_all, receipt.opened_in_all
    yield f"Tried afterwards with every key that is left: {tried}; opened: {opened}."
    yield from map(_kept, receipt.kept)
    yield from map(_agent, receipt.agents)
    yield f"Backups of the keys are overwritten by {receipt.backups_turned_over}."


def _kept(one: Kept) -> str:
    until = f" until {one.until}" if one.until else ""
    return f"Kept{until}: {one.what} ({one.basis})."


def _agent(one: AgentProof) -> str:
    whose = f"Agent {one.agent} of site {one.site}"
    if one.confirmed_at is None:
        return f"{whose} has not confirmed yet; ask for a newer copy of this receipt later."
    return f"{whose} confirmed {one.confirmed_at:%Y-%m-%d %H:%M} UTC that nothing is left with it."
