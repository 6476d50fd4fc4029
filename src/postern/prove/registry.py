"""Every attack that `postern prove` makes, and which promises of the threat model it goes for."""

from __future__ import annotations

from postern.prove.attacks.faults import faults
from postern.prove.attacks.forged_rows import forged_rows
from postern.prove.attacks.insider import insider
from postern.prove.attacks.journal_tampering import journal_tampering
from postern.prove.attacks.kills import kills
from postern.prove.attacks.moved_fields import moved_fields
from postern.prove.attacks.old_backups import old_backups
from postern.prove.attacks.planted import planted
from postern.prove.attacks.policy_rows import policy_rows
from postern.prove.attacks.replays import replays
from postern.prove.attacks.roles import roles
from postern.prove.model import Attack

ATTACKS: tuple[Attack, ...] = (
    Attack(
        name="moved-fields",
        promises=("Stolen files",),
        words="bits of stored ciphertexts flipped, and each moved to other rows, columns and tenants",
        mutant="seals that are not bound to their place; deciphering without authentication",
        run=moved_fields,
    ),
    Attack(
        name="journal-tampering",
        promises=("Looking",),
        words="journal entries deleted, exchanged, changed, cut off, rolled back and forked",
        mutant="a witness that believes every signature; one that only wants more entries",
        run=journal_tampering,
    ),
    Attack(
        name="insider",
        promises=("Curious insiders and other tenants", "Looking"),
        words="an operator of an honest role opens whomever they can, by every route",
        mutant="a budget that counts searches instead of people",
        run=insider,
    ),
    Attack(
        name="roles",
        promises=("Curious insiders and other tenants",),
        words="every role at addresses that it has no line for, and another organisation's ids at every one",
        mutant="a role that is granted everything",
        run=roles,
    ),
    Attack(
        name="replays",
        promises=("Passages", "Garages", "The public side"),
        words="agents' requests and batches and providers' notices, sent again in any order",
        mutant="books that note a payment as often as they are told",
        run=replays,
    ),
    Attack(
        name="policy-rows",
        promises=("Passages",),
        words="rows of policies forged, changed and rolled back in the database, and fetched by an agent",
        mutant="an agent that checks no signature; one that forgets which version it had",
        run=policy_rows,
    ),
    Attack(
        name="forged-rows",
        promises=("Stolen files", "Looking"),
        words="logins, roles, links, keys and agents forged, changed and put back in the hub's database",
        mutant="a hub that does whatever its database says",
        run=forged_rows,
    ),
    Attack(
        name="old-backups",
        promises=("Erasure and withdrawal", "Ransom and loss"),
        words="every retained backup restored after an erasure, and all that opens searched for the erased",
        mutant="a start that applies no tombstones",
        run=old_backups,
    ),
    Attack(
        name="kills",
        promises=("Passages",),
        words="kill -9 of agent, hub and both databases under load",
        mutant="an agent that moves the door before it has written",
        run=kills,
    ),
    Attack(
        name="faults",
        promises=("Passages",),
        words="the agent's spool on a disk that fails at calls drawn from the seed",
        mutant="a spool that does not sync",
        run=faults,
    ),
    Attack(
        name="planted-values",
        promises=("Stolen files",),
        words="planted values searched for in databases, logs, spool, keystore, pictures and dumps",
        mutant="a program that writes in clear",
        run=planted,
    ),
)
"""In this order: the sweep comes last, over whatever the others have left behind."""

UNATTACKED: dict[str, str] = {
    "Hours": "not from here yet: test_hours_exactly_once.py kills the job at every statement",
    "Visitors": "rules over one visit's time and place: test_operations_visits.py holds them",
    "Leavers and payroll": "rules over a policy and a file: test_operations_personnel.py holds them",
    "The lines we do not cross": "what no operation offers cannot be tried: test_web_api.py lists them",
    "Muster and lockdown": "rules over areas and doors: test_lockdown.py walks drawn sites by property",
    "Hostile input": "not from here yet: test_hostile_pictures.py and make fuzz decode what is hostile",
    "The machine": "it is this machine's, not a throw-away hub's: postern doctor looks at it",
}
"""Sections of the threat model that no attack here goes for, and why."""
