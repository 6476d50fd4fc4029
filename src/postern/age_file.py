"""Files sealed to a named recipient in the age format (age-encryption.org/v1), for whoever is outside.

The format and its ciphers are those of rage, the Rust implementation; nothing of our own sealing is in it.
"""

from __future__ import annotations

from pyrage import DecryptError, IdentityError, RecipientError, decrypt, encrypt, x25519

from postern.errors import BadInput, CannotOpen


def check_recipient(key: str) -> str:
    """The recipient's public key as age writes it. Raises BadInput when it is none."""
    try:
        return str(x25519.Recipient.from_str(key.strip()))
    except RecipientError as fault:
        raise BadInput(
            "this is no age recipient; ask for the line that begins with age1, which `age-keygen` prints"
        ) from fault


def seal_to_recipient(data: bytes, key: str) -> bytes:
    """The file that only the holder of the recipient's private key opens. Raises BadInput for a bad key."""
    return bytes(encrypt(data, [x25519.Recipient.from_str(check_recipient(key))]))


def new_identity() -> tuple[str, str]:
    """A fresh private key and its recipient, as age writes them."""
    made = x25519.Identity.generate()
    return str(made), str(made.to_public())


def open_with_identity(sealed: bytes, key: str) -> bytes:
    """What was sealed to this identity's recipient. Raises BadInput for no identity, CannotOpen otherwise."""
    try:
        return bytes(decrypt(sealed, [x25519.Identity.from_str(key.strip())]))
    except IdentityError as fault:
        raise BadInput("this is no age identity; it is the line that begins with AGE-SECRET-KEY-1") from fault
    except DecryptError as fault:
        raise CannotOpen("it is not sealed to this identity, or it was changed") from fault
