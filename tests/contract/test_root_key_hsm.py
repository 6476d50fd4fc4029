"""What is particular to PKCS#11: PINs, labels, drivers, and keys that never leave the device."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pkcs11
import pytest

from postern.errors import CannotOpen, RootKeyUnavailable, SettingsInvalid
from postern.keystore.hsm import Device, HsmKey
from tests.contract.root_key_holders import MODULE, PIN, SoftHsm
from tests.needs import needs

pytestmark = needs("softhsm2-util")


@pytest.fixture
def device(softhsm: SoftHsm) -> Device:
    label = f"device-{uuid4().hex[:8]}"
    softhsm.add(label)
    return Device(module=MODULE, label=label, key="root", pin=PIN)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "pkcs11.key"


def _other(device: Device, **changed: str) -> Device:
    same = {"module": device.module, "label": device.label, "key": device.key, "pin": device.pin}
    return Device(**(same | changed))


async def test_a_wrong_pin_is_named_and_tried_once(device: Device, path: Path) -> None:
    await HsmKey.create(path, device)

    with pytest.raises(SettingsInvalid, match="refuses the PIN: correct POSTERN_PKCS11_PIN"):
        await HsmKey.open(path, _other(device, pin="99999"))

    held = pkcs11.lib(MODULE).get_token(token_label=device.label)
    assert not held.flags & pkcs11.TokenFlag.USER_PIN_FINAL_TRY
    await HsmKey.open(path, device)


async def test_a_device_that_is_not_there_is_named(device: Device, path: Path) -> None:
    with pytest.raises(RootKeyUnavailable, match="There is no device 'elsewhere'"):
        await HsmKey.create(path, _other(device, label="elsewhere"))
    assert not path.exists()


async def test_a_key_that_is_not_in_the_device_is_named_and_none_is_made(device: Device, path: Path) -> None:
    await HsmKey.create(path, device)

    with pytest.raises(SettingsInvalid, match="holds no AES key 'other'"):
        await HsmKey.open(path, _other(device, key="other"))
    with pytest.raises(SettingsInvalid, match="holds no AES key 'other'"):
        await HsmKey.open(path, _other(device, key="other"))


async def test_another_key_of_the_device_opens_nothing(device: Device, path: Path, tmp_path: Path) -> None:
    await HsmKey.create(path, device)
    await HsmKey.create(tmp_path / "second.key", _other(device, key="second"))

    with pytest.raises(CannotOpen, match="is not the one that this root key is wrapped under"):
        await HsmKey.open(path, _other(device, key="second"))


async def test_a_driver_that_is_not_there_is_named(device: Device, path: Path) -> None:
    with pytest.raises(SettingsInvalid, match="There is no PKCS#11 library /nowhere/driver"):
        await HsmKey.create(path, _other(device, module="/nowhere/driver.so"))


async def test_no_key_leaves_the_device(device: Device, path: Path) -> None:
    root = await HsmKey.create(path, device)
    await root.wrap(b"secret", label="hub")

    from postern.keystore import hsm

    session = hsm._session(device)
    keys = list(session.get_objects({pkcs11.Attribute.CLASS: pkcs11.ObjectClass.SECRET_KEY}))
    assert keys
    for key in keys:
        assert not key[pkcs11.Attribute.EXTRACTABLE]
        with pytest.raises(pkcs11.PKCS11Error):
            _ = key[pkcs11.Attribute.VALUE]


async def test_a_session_that_ended_is_opened_again_by_itself(device: Device, path: Path) -> None:
    root = await HsmKey.create(path, device)
    wrapped = await root.wrap(b"secret", label="hub")

    pkcs11.lib(MODULE).reinitialize()  # every session of this process ends

    assert await root.unwrap(wrapped, label="hub") == b"secret"


async def test_two_root_keys_of_one_device_work_side_by_side(
    device: Device, path: Path, tmp_path: Path
) -> None:
    """As while a root key is rotated within the device."""
    old = await HsmKey.create(path, device)
    wrapped = await old.wrap(b"secret", label="hub")
    new = await HsmKey.create(tmp_path / "next.key", device)

    for _ in range(2):
        rewrapped = await new.wrap(await old.unwrap(wrapped, label="hub"), label="hub")
        assert await new.unwrap(rewrapped, label="hub") == b"secret"
