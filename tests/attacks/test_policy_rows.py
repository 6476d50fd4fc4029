"""Rows of policies changed, forged or rolled back in the database: an agent opens no door by any of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from postern.access.decision import CodePresented, Granted, Request, decide
from postern.access.model import Credential, CredentialKind, Grant, Holding, SubjectKind
from postern.access.policy import Policy
from postern.agent import bundle as bundle_module
from postern.agent.bundle import BundleStore, SealedBundle
from postern.agent.files import site_key
from postern.errors import PosternError
from postern.ids import AgentId, CredentialId
from postern.operations.archive.wire import POLICY_INFO, POLICY_PURPOSE, policy_aad, policy_message
from postern.sealing import hybrid, signing
from tests.flows.agent_site import LEVEL, POLICY_PRIVATE, SITE, VAN, WAY_IN, identity, policy

TRIES = 10_000
THIEFS_CARD = "0BAD"


def with_the_thief(made: Policy) -> Policy:
    """The policy with somebody in it who was revoked since, or never was."""
    card = Credential(id=CredentialId(VAN), kind=CredentialKind.CARD, value=THIEFS_CARD)
    thief = Holding(subject=VAN, kind=SubjectKind.PERSON, credentials=(card,), grants=(Grant(level=LEVEL),))
    return replace(made, holders=(*made.holders, thief))


def bundle(made: Policy, key: bytes, agent: int = 3) -> SealedBundle:
    """As the hub writes it to the database; whoever writes there can do it too, but for the signing key."""
    who = identity(agent)
    aad = policy_aad(site=SITE, agent=who.agent, epoch=made.epoch, version=made.version)
    sealed = hybrid.seal_to(hybrid.public_of(who.hpke_private), made.to_bytes(), info=POLICY_INFO, aad=aad)
    message = policy_message(
        site=SITE, agent=who.agent, epoch=made.epoch, version=made.version, sealed=sealed
    )
    signature = signing.sign(key, message, purpose=POLICY_PURPOSE)
    return SealedBundle(epoch=made.epoch, version=made.version, sealed=sealed, signature=signature)


def attacks(random: np.random.Generator) -> Iterator[SealedBundle]:
    """For ever: forged, changed and old rows, drawn at random."""
    old = [bundle(with_the_thief(policy(version)), POLICY_PRIVATE) for version in range(1, 5)]
    of_others = bundle(with_the_thief(policy(9)), POLICY_PRIVATE, agent=4)
    forged = [bundle(with_the_thief(policy(9, epoch=epoch)), random.bytes(32)) for epoch in (1, 2, 99)]
    yield from (*old, of_others, *forged)
    while True:
        row = [*old, of_others, *forged][random.integers(8)]
        match int(random.integers(5)):
            case 0:
                yield replace(row, version=int(random.integers(6, 2**31)))
            case 1:
                yield replace(row, epoch=int(random.integers(2, 2**31)))
            case 2:
                yield replace(row, sealed=_flipped(random, row.sealed), version=6)
            case 3:
                yield replace(row, signature=_flipped(random, row.signature), version=6)
            case _:
                yield replace(row, sealed=forged[0].sealed, version=9)


def _flipped(random: np.random.Generator, data: bytes) -> bytes:
    changed = bytearray(data)
    changed[random.integers(len(changed))] ^= 1 << int(random.integers(8))
    return bytes(changed)


def opened(bundles: BundleStore, tries: int) -> int:
    """How often the thief's card opens the door after a row was offered to the agent."""
    random, doors = np.random.default_rng(17), 0
    wanted = Request(
        access_point=WAY_IN, presented=CodePresented(kind=CredentialKind.CARD, value=THIEFS_CARD)
    )
    for row in islice(attacks(random), tries):
        try:
            bundles.accept(identity(), row)
        except PosternError:
            continue
        in_force = bundles.policy
        assert in_force is not None
        doors += isinstance(decide(wanted, in_force, in_force.valid_until.replace(year=2020)), Granted)
    return doors


@pytest.fixture
def bundles(tmp_path: Path) -> BundleStore:
    """An agent's, which has version 5: the thief was in 1 to 4 and is revoked."""
    store = BundleStore(tmp_path / "policy.sealed", site_key(tmp_path / "site.key"))
    store.accept(identity(), bundle(policy(5), POLICY_PRIVATE))
    return store


def test_rows_that_were_changed_forged_or_rolled_back_open_no_door(bundles: BundleStore) -> None:
    assert opened(bundles, TRIES) == 0
    assert bundles.policy is not None
    assert bundles.policy.name == "1.5"


def test_the_attack_catches_an_agent_that_does_not_check_the_signature(
    bundles: BundleStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bundle_module, "verify", lambda *_, **__: None)
    assert opened(bundles, 8) > 0


def test_the_attack_catches_an_agent_that_forgets_which_version_it_had(tmp_path: Path) -> None:
    forgetful = BundleStore(tmp_path / "policy.sealed", site_key(tmp_path / "site.key"))
    assert opened(forgetful, 8) > 0


def test_an_agent_of_another_number_takes_no_row_of_this_one(bundles: BundleStore) -> None:
    row = bundle(policy(9), POLICY_PRIVATE)
    with pytest.raises(PosternError):
        bundles.accept(replace(identity(), agent=AgentId(4)), row)
