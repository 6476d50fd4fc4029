"""A root key in a PKCS#11 device: a smart card, a USB key, a network HSM, SoftHSM.

    key of the device (AES-256, never leaves it) ─ wraps ─ root key, as wrapped in the file pkcs11.key

The device unwraps the root key once into a session object, which never leaves it either, and everything
else is wrapped under that with AES-256-GCM: keys stored in a device are slow (measured: 174 wraps a
second against 24,000). What was wrapped is `version(1) ‖ root key id(8) ‖ nonce(12) ‖ ciphertext ‖ tag(16)`.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, TypeVar

from postern.errors import CannotOpen, RootKeyUnavailable, SettingsInvalid
from postern.keystore.rootfiles import bytes_of, damaged, read, text_of, write_new
from postern.sealing.framing import frame

if TYPE_CHECKING:
    import pkcs11

SecretKey = Any
"""python-pkcs11 gives a key its abilities at run time, so its types do not tell of them."""

_FORMAT = "postern-pkcs11-root-key/1"
_VERSION = b"\x01"
_ID_END = 9
_NONCE_END = _ID_END + 12

Result = TypeVar("Result")

_AWAY = frozenset(
    """
    CryptokiNotInitialized DeviceError DeviceMemory DeviceRemoved KeyHandleInvalid ObjectHandleInvalid
    SessionClosed SessionHandleInvalid SlotIDInvalid TokenNotPresent TokenNotRecognised UserNotLoggedIn
    """.split()  # noqa: SIM905 - a list of words reads better as words
)
"""Faults by which a device says that the session with it is over; a new one may be opened."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Device:
    """Which key of which device: the driver's library, the device's label, the key's label, the PIN."""

    module: str
    label: str
    key: str
    pin: str


class HsmKey:
    """A root key that only a PKCS#11 device can use. Its calls run in a thread, one at a time."""

    def __init__(self, device: Device, id: bytes, wrapped: bytes) -> None:
        self._device = device
        self._id = id
        self._wrapped = wrapped
        self._key: SecretKey | None = None

    @property
    def id(self) -> bytes:
        return self._id

    @classmethod
    async def create(cls, path: Path, device: Device) -> Self:
        """Make a root key in the device, under its key of that label (made too, when missing), and write
        the wrapped root key to `path`. FileExistsError when there is one already."""
        id, wrapped = os.urandom(8), await asyncio.to_thread(_make, device)
        write_new(path, {"format": _FORMAT, "id": text_of(id), "wrapped": text_of(wrapped)})
        return await cls.open(path, device)

    @classmethod
    async def open(cls, path: Path, device: Device) -> Self:
        """The root key in `path`. RootKeyUnavailable without the device; SettingsInvalid for a wrong PIN,
        a missing key or a bad file."""
        content = read(path, _FORMAT)
        try:
            id, wrapped = bytes_of(content, "id"), bytes_of(content, "wrapped")
        except (KeyError, ValueError) as fault:
            raise damaged(path) from fault
        made = cls(device, id, wrapped)
        await asyncio.to_thread(made._use, lambda _: None)
        return made

    async def wrap(self, secret: bytes, *, label: str) -> bytes:
        nonce = os.urandom(12)
        bound = self._bound(label)
        sealed = await asyncio.to_thread(self._use, lambda key: _encrypt(key, nonce, secret, bound))
        return _VERSION + self._id + nonce + sealed

    async def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        if wrapped[:_ID_END] != _VERSION + self._id or len(wrapped) < _NONCE_END + 16:
            raise CannotOpen("It is wrapped under another root key than this device's.")
        nonce, sealed = wrapped[_ID_END:_NONCE_END], wrapped[_NONCE_END:]
        bound = self._bound(label)
        return await asyncio.to_thread(self._use, lambda key: _decrypt(key, nonce, sealed, bound))

    def _bound(self, label: str) -> bytes:
        return frame(_VERSION, self._id, label.encode())

    def _use(self, work: Callable[[SecretKey], Result]) -> Result:
        """Do `work` with the root key; once more in a new session when the old one has ended."""
        with _lock:
            for _ in range(2):
                try:
                    if self._key is None:
                        self._key = self._unwrapped()
                    return work(self._key)
                except _Ended as fault:
                    ended = fault
                    self._key = None
                    _end(self._device)
            raise _away(self._device) from ended

    def _unwrapped(self) -> SecretKey:
        """The root key as an object of the session, which the device never hands out."""
        from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass, PKCS11Error

        session, may = _session(self._device), (Attribute.SENSITIVE, Attribute.ENCRYPT, Attribute.DECRYPT)
        try:
            return _keeper(session, self._device).unwrap_key(
                ObjectClass.SECRET_KEY,
                KeyType.AES,
                self._wrapped,
                mechanism=Mechanism.AES_KEY_WRAP,
                store=False,
                template=dict.fromkeys(may, True) | {Attribute.EXTRACTABLE: False},
            )
        except PKCS11Error as fault:
            if type(fault).__name__ in _AWAY:
                raise _Ended from fault
            raise CannotOpen(
                f"The key '{self._device.key}' of the device '{self._device.label}' is not the one that this "
                "root key is wrapped under. Use that device and key, or restore the keys folder that belongs "
                "to them."
            ) from fault


_lock = threading.Lock()
_sessions: dict[tuple[str, str], tuple[str, pkcs11.Session]] = {}
"""By module and label: the PIN and the one session of this process, because PKCS#11 signs a whole process in
and out, not a session."""


class _Ended(Exception):
    """The session with the device is over."""


def _encrypt(key: SecretKey, nonce: bytes, secret: bytes, bound: bytes) -> bytes:
    from pkcs11 import GCMParams, Mechanism, PKCS11Error

    try:
        sealed = key.encrypt(
            secret, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, bound, 128)
        )
    except PKCS11Error as fault:
        raise _Ended from fault
    return bytes(sealed)


def _decrypt(key: SecretKey, nonce: bytes, sealed: bytes, bound: bytes) -> bytes:
    from pkcs11 import GCMParams, Mechanism, PKCS11Error

    try:
        opened = key.decrypt(
            sealed, mechanism=Mechanism.AES_GCM, mechanism_param=GCMParams(nonce, bound, 128)
        )
    except PKCS11Error as fault:
        if type(fault).__name__ in _AWAY:
            raise _Ended from fault
        # Devices name a failed authentication differently; SoftHSM says "general error".
        raise CannotOpen("It does not unwrap: it was changed, or wrapped for another place.") from fault
    return bytes(opened)


def _make(device: Device) -> bytes:
    """A new root key, wrapped under the device's key."""
    from pkcs11 import Attribute, KeyType, Mechanism, PKCS11Error

    with _lock:
        try:
            session = _session(device)
            keeper = _keeper(session, device, make=True)
            may = (Attribute.SENSITIVE, Attribute.EXTRACTABLE)  # extractable only to be wrapped here, once
            root = session.generate_key(KeyType.AES, 256, store=False, template=dict.fromkeys(may, True))
            return bytes(keeper.wrap_key(root, mechanism=Mechanism.AES_KEY_WRAP))
        except PKCS11Error as fault:
            raise SettingsInvalid(
                f"The device '{device.label}' made no root key ({type(fault).__name__}): it must allow this "
                "PIN to make AES-256 keys, and know AES key wrap and AES-GCM."
            ) from fault
        finally:
            _end(device)  # with it goes the extractable one


def _keeper(session: pkcs11.Session, device: Device, *, make: bool = False) -> SecretKey:
    """The device's own key, under which the root key is wrapped."""
    from pkcs11 import Attribute, KeyType, MultipleObjectsReturned, NoSuchKey, ObjectClass

    try:
        found = session.get_key(object_class=ObjectClass.SECRET_KEY, key_type=KeyType.AES, label=device.key)
    except NoSuchKey as fault:
        if not make:
            raise SettingsInvalid(
                f"The device '{device.label}' holds no AES key '{device.key}': correct 'object' in "
                "POSTERN_ROOT_KEY, or restore the device from its backup. No new key was made."
            ) from fault
    except MultipleObjectsReturned as fault:
        raise SettingsInvalid(
            f"The device '{device.label}' holds several AES keys '{device.key}'; give each its own label."
        ) from fault
    else:
        return found
    may = (Attribute.SENSITIVE, Attribute.WRAP, Attribute.UNWRAP)
    may_not = (Attribute.EXTRACTABLE, Attribute.ENCRYPT, Attribute.DECRYPT, Attribute.SIGN, Attribute.VERIFY)
    template = dict.fromkeys(may, True) | dict.fromkeys(may_not, False)
    return session.generate_key(KeyType.AES, 256, label=device.key, store=True, template=template)


def _session(device: Device) -> pkcs11.Session:
    """This process's session with the device, signed in; a new one where it has ended."""
    pin, kept = _sessions.get((device.module, device.label), ("", None))
    if kept is not None and pin == device.pin and _lives(kept):
        return kept
    _end(device)
    made = _signed_in(device)
    _sessions[device.module, device.label] = (device.pin, made)
    return made


def _lives(session: pkcs11.Session) -> bool:
    from pkcs11 import PKCS11Error

    try:
        session.generate_random(64)
    except PKCS11Error:
        return False
    return True


def _signed_in(device: Device) -> pkcs11.Session:
    """A new session. A wrong PIN is never tried twice: devices lock themselves after a few."""
    try:
        import pkcs11
    except ImportError as fault:
        raise SettingsInvalid(
            "PKCS#11 needs the package python-pkcs11: install Postern as postern[pkcs11]."
        ) from fault
    try:
        return _holder(device).open(rw=True, user_pin=device.pin)
    except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as fault:
        raise SettingsInvalid(
            f"The device '{device.label}' refuses the PIN: correct POSTERN_PKCS11_PIN before you start "
            "again, because most devices lock themselves after a few wrong ones."
        ) from fault
    except pkcs11.PinLocked as fault:
        raise SettingsInvalid(
            f"The device '{device.label}' has locked itself after wrong PINs: unlock it with its own tool "
            "and its security officer's PIN."
        ) from fault
    except (pkcs11.NoSuchToken, pkcs11.MultipleTokensReturned) as fault:
        raise RootKeyUnavailable(
            f"There is no device '{device.label}', or more than one: plug it in, or correct 'token' in "
            "POSTERN_ROOT_KEY."
        ) from fault
    except pkcs11.PKCS11Error as fault:
        if not Path(device.module).exists():
            raise SettingsInvalid(
                f"There is no PKCS#11 library {device.module}: install the device's driver, or correct "
                "'module-path' in POSTERN_ROOT_KEY."
            ) from fault
        raise _away(device) from fault


def _holder(device: Device) -> pkcs11.Token:
    """The device, also where it was plugged in after its driver was started."""
    import pkcs11

    driver = pkcs11.lib(device.module)
    try:
        return driver.get_token(token_label=device.label)
    except pkcs11.NoSuchToken:
        for module, label in [name for name in _sessions if name[0] == device.module]:
            del _sessions[module, label]  # starting the driver anew ends them; who uses them opens new ones
        driver.reinitialize()
        return driver.get_token(token_label=device.label)


def _end(device: Device) -> None:
    from pkcs11 import PKCS11Error

    kept = _sessions.pop((device.module, device.label), None)
    if kept is not None:
        with contextlib.suppress(PKCS11Error):  # it may have ended by itself
            kept[1].close()


def _away(device: Device) -> RootKeyUnavailable:
    return RootKeyUnavailable(
        f"The device '{device.label}' that holds the root key does not answer: see that it is plugged in, or "
        "that this machine reaches it. It is tried again by itself."
    )
