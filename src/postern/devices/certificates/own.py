"""The installer's own certificate: looked over at start, so that a fault shows here and not in a browser."""

from __future__ import annotations

import stat
from datetime import datetime
from pathlib import Path

from postern.devices.certificates.files import read_pair
from postern.devices.certificates.model import Source, TlsFiles, is_valid, missing_names
from postern.errors import SettingsInvalid


def own_certificate(certificate: Path, key: Path, names: tuple[str, ...], at: datetime) -> TlsFiles:
    """The given files, if they can be served. Raises `SettingsInvalid` with what is wrong with them.

    One that lacks some of `names` is served all the same (a proxy may stand before us), with a `fault`.
    """
    pair = read_pair(certificate, key)
    if not pair.matches:
        raise SettingsInvalid(f"the key {key} does not belong to the certificate {certificate}")
    if not is_valid(pair.facts, at):
        raise SettingsInvalid(
            f"the certificate {certificate} is valid from {pair.facts.not_before:%Y-%m-%d} to "
            f"{pair.facts.not_after:%Y-%m-%d}, not today; replace it, or set the clock right"
        )
    if key.stat().st_mode & stat.S_IROTH:
        raise SettingsInvalid(f"everybody on this machine can read the key {key}; run: chmod o-r {key}")
    lacking = missing_names(pair.facts, names)
    fault = f"the certificate {certificate} does not vouch for {', '.join(lacking)}; browsers refuse it there"
    return TlsFiles(source=Source.OWN, certificate=certificate, key=key, fault=fault if lacking else None)
