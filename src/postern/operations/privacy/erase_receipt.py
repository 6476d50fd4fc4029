"""What the receipt of an erasure says: what went, what was tried, and what is kept on which ground."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from postern.clock import utc_day
from postern.operations.privacy.theirs import Theirs
from postern.privacy.erasure_store import Erasure
from postern.privacy.receipt import Count, Deed, Kept, Receipt, Tried

BACKUPS_TURN_OVER = timedelta(days=35)
"""By then the keystore's backups hold no destroyed key any more."""

_JOURNAL = Kept(
    what="journal entries of who looked at and changed this subject's data, under its random id",
    basis="accountability: GDPR art. 5 (2) and 17 (3) (b), (e); PIPL art. 9 and 54",
)
_NAMED = Kept(
    what="copies, in older backups of the data, of sightings of this plate while it was nobody's",
    basis="sealed under the site's key of their day, which retention destroys; here they are closed",
)
_PERMITS = Kept(
    what="copies, in older backups of the data, of garages' permits for this plate",
    basis="sealed under a key of the organisation; they end with those backups, and here they are closed",
)
_REGISTER = Kept(
    what="lines of the register of authorities' requests, under this subject's random id",
    basis="accountability: GDPR art. 5 (2) and 17 (3) (b), (e); PIPL art. 9 and 54",
)
_PASSAGES = Kept(
    what="passages without subject, plate and picture",
    basis="they tell of nobody any more; the site's retention ends them",
)


def receipt_of(erasure: Erasure, held: Theirs, tried: Sequence[Tried], *, now: datetime) -> Receipt:
    """The receipt of an erasure or a withdrawal that is done."""
    keeps = erasure.keeps
    law = () if keeps is None else (Kept(what=keeps.what, basis=keeps.basis, until=keeps.until),)
    named = (_NAMED,) if any(one.named for one in held.records) else ()
    permits = (_PERMITS,) if held.on_a_permit else ()
    register = (_REGISTER,) if held.in_the_register else ()
    copies = Counter(copy.what for copy in held.copies)
    counts = [Count(what=what, count=count) for what, count in sorted(copies.items())]
    return Receipt(
        id=erasure.id,
        tenant=erasure.tenant,
        deed=Deed.WITHDRAWAL if erasure.is_withdrawal else Deed.ERASURE,
        subject=erasure.subject,
        subject_kind=erasure.subject_kind,
        done_at=now,
        issued_at=now,
        destroyed=erasure.destroyed,
        removed=(
            *counts,
            Count(what="picture", count=len(erasure.pictures)),
            Count(what="record closed", count=len(held.records)),
        ),
        tried=tuple(tried),
        kept=(_JOURNAL,)
        if erasure.is_withdrawal
        else (*law, *named, *permits, *register, _PASSAGES, _JOURNAL),
        backups_turned_over=utc_day(now) + BACKUPS_TURN_OVER,
    )
