"""Faults, grouped by what a caller would catch. Outcomes (Denied, NoMatch, …) are values, not these.

Every message says what happened and what to do about it, in one or two sentences, and never carries a
name, a number or a picture of a person recorded.
"""

from __future__ import annotations


class PosternError(Exception):
    """Base of every fault that Postern raises on purpose. `status` is its HTTP status in the API."""

    status = 500
    code = "fault"


class BadInput(PosternError):
    """What was given cannot be used; nothing was changed."""

    status = 422
    code = "bad-input"


class NotFound(PosternError):
    """There is no such thing, or not for this caller."""

    status = 404
    code = "not-found"


class Conflict(PosternError):
    """It contradicts what is already there (a plate twice, a stale version); nothing was changed."""

    status = 409
    code = "conflict"


class Refused(PosternError):
    """The caller may not do this."""

    status = 403
    code = "refused"


class NotSignedIn(PosternError):
    """A login is needed first."""

    status = 401
    code = "not-signed-in"


class TooMany(PosternError):
    """A limit on attempts or amounts is reached; try again later."""

    status = 429
    code = "too-many"


class BadPicture(BadInput):
    """The file is no picture that can be used."""

    code = "bad-picture"


class SettingsInvalid(PosternError):
    """The configuration cannot be used as it is."""

    code = "settings-invalid"


class Unavailable(PosternError):
    """Something outside this process does not answer now; trying again may help."""

    status = 503
    code = "unavailable"


class SourceUnavailable(Unavailable):
    """A picture, video or camera stream cannot be read."""

    code = "source-unavailable"


class ControllerUnavailable(Unavailable):
    """A door controller did not do, or did not confirm, what it was told."""

    code = "controller-unavailable"


class HubUnavailable(Unavailable):
    """The agent cannot reach its hub; it decides alone and sends its records later."""

    code = "hub-unavailable"


class RootKeyUnavailable(Unavailable):
    """The TPM, the PKCS#11 device or the Vault that holds the root key does not answer, or not to us."""

    code = "root-key-unavailable"


class DatabaseUnavailable(Unavailable):
    """PostgreSQL cannot be started or reached."""

    code = "database-unavailable"


class StorageFull(Unavailable):
    """The disk took no more; what was not confirmed was not done."""

    status = 507
    code = "storage-full"


class SealingError(PosternError):
    """A sealed thing cannot be opened or trusted."""

    code = "sealing"


class CannotOpen(SealingError):
    """Wrong key, wrong place or changed bytes: nothing is returned."""

    code = "cannot-open"


class KeyDestroyed(SealingError):
    """The key was destroyed by erasure or withdrawal; what it sealed is gone for good."""

    status = 410
    code = "key-destroyed"


class NotInForce(SealingError):
    """A row is not as it was written here last: it was put back, or somebody else wrote it."""

    status = 409
    code = "not-in-force"


class CannotVerify(SealingError):
    """A signature does not belong to this message and signer."""

    status = 401
    code = "cannot-verify"
