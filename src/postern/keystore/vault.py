"""A root key in the transit engine of HashiCorp Vault or OpenBao, over their HTTP API: it never leaves there.

What was wrapped is `version(1) ‖ root key id(8) ‖ transit's own ciphertext ("vault:v3:…")`. The label is
sealed together with the secret and compared after opening, so it binds on servers of any age.
"""

from __future__ import annotations

import base64
import os
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import quote

import httpx

from postern.errors import CannotOpen, RootKeyUnavailable, SettingsInvalid
from postern.keystore.rootfiles import bytes_of, damaged, read, text_of, write_new
from postern.sealing.framing import frame

_FORMAT = "postern-vault-root-key/1"
_VERSION = b"\x01"
_ID_END = 9
_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class AppRole:
    """How a program signs in to Vault."""

    role_id: str
    secret_id: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Transit:
    """Which transit key of which server, and how to sign in: by a token of Vault's or by AppRole."""

    address: str
    key: str
    mount: str = "transit"
    namespace: str | None = None
    authority: Path | None = None
    """A file of certificate authorities to trust instead of the system's."""
    login: str | AppRole = field(repr=False)
    seconds: float = _SECONDS


class VaultKey:
    """A root key that only Vault can use; whoever seals Vault stops the hub within half a minute."""

    def __init__(self, transit: Transit, id: bytes) -> None:
        self._transit = transit
        self._id = id
        self._trust = _trust(transit)
        self._pass: str | None = transit.login if isinstance(transit.login, str) else None

    @property
    def id(self) -> bytes:
        return self._id

    @classmethod
    async def create(cls, path: Path, transit: Transit) -> Self:
        """Begin to use the transit key under a new id, written to the new file `path`.

        The key must exist; its latest version is what everything is wrapped under from now on.
        """
        made = cls(transit, os.urandom(8))
        await made._try()
        write_new(path, {"format": _FORMAT, "id": text_of(made._id)})
        return made

    @classmethod
    async def open(cls, path: Path, transit: Transit) -> Self:
        """The root key that `path` refers to. RootKeyUnavailable when Vault does not answer or refuses."""
        try:
            made = cls(transit, bytes_of(read(path, _FORMAT), "id"))
        except (KeyError, ValueError) as fault:
            raise damaged(path) from fault
        await made._try()
        return made

    async def _try(self) -> None:
        """Say at once, and not at the first door, what is wrong with address, login, policy or key."""
        secret = os.urandom(16)
        if await self.unwrap(await self.wrap(secret, label="try"), label="try") != secret:
            raise RootKeyUnavailable("Vault does not return what it was given; check the server.")

    async def rotate(self) -> None:
        """Make a new version of the transit key, which wraps from now on; older versions still unwrap."""
        await self._ask(f"keys/{quote(self._transit.key, safe='')}/rotate", {})

    async def wrap(self, secret: bytes, *, label: str) -> bytes:
        plaintext = frame(label.encode(), secret)
        answer = await self._ask(self._of_key("encrypt"), {"plaintext": text_of(plaintext)})
        sealed = answer.get("ciphertext", "")
        if not sealed.startswith("vault:"):
            raise _odd(self._transit)
        return _VERSION + self._id + sealed.encode()

    async def unwrap(self, wrapped: bytes, *, label: str) -> bytes:
        if wrapped[:_ID_END] != _VERSION + self._id:
            raise CannotOpen("It is wrapped under another root key than this one in Vault.")
        try:
            sealed = wrapped[_ID_END:].decode("ascii")
        except UnicodeDecodeError as fault:
            raise CannotOpen("It does not unwrap: it was changed.") from fault
        answer = await self._ask(self._of_key("decrypt"), {"ciphertext": sealed})
        try:
            plaintext = base64.b64decode(answer["plaintext"], validate=True)
        except (KeyError, ValueError) as fault:
            raise _odd(self._transit) from fault
        head = frame(label.encode())
        secret = plaintext[len(head) + 4 :]
        if plaintext != head + frame(secret):
            raise CannotOpen("It was wrapped for another place.")
        return secret

    def _of_key(self, what: str) -> str:
        return f"{what}/{quote(self._transit.key, safe='')}"

    async def _ask(self, path: str, body: dict[str, str]) -> dict[str, str]:
        """POST to the transit engine; sign in first where needed, and once more when a login has ended."""
        transit = self._transit
        fresh = self._pass is None
        if fresh:
            await self._sign_in()
        answer = await self._post(f"{quote(transit.mount)}/{path}", body)
        if answer.status_code == httpx.codes.FORBIDDEN and isinstance(transit.login, AppRole) and not fresh:
            await self._sign_in()
            answer = await self._post(f"{quote(transit.mount)}/{path}", body)
        if answer.status_code == httpx.codes.BAD_REQUEST and path.startswith("decrypt/"):
            raise CannotOpen("Vault does not decrypt it: it was changed, or encrypted by another key.")
        return _data(transit, answer, path)

    async def _sign_in(self) -> None:
        login = self._transit.login
        assert isinstance(login, AppRole)  # noqa: S101 - one who signs in with a token of Vault's has it
        body = {"role_id": login.role_id, "secret_id": login.secret_id}
        answer = await self._post("auth/approle/login", body)
        if answer.status_code in (httpx.codes.BAD_REQUEST, httpx.codes.FORBIDDEN):
            raise RootKeyUnavailable(
                "Vault refuses the AppRole: check POSTERN_VAULT_ROLE_ID and POSTERN_VAULT_SECRET_ID, and "
                "whether the secret id has expired or was used up."
            )
        _refuse_unless_fine(self._transit, answer, "auth/approle/login")
        try:
            self._pass = str(answer.json()["auth"]["client_token"])
        except (ValueError, KeyError, TypeError) as fault:
            raise _odd(self._transit) from fault

    async def _post(self, path: str, body: dict[str, str]) -> httpx.Response:
        headers = {"X-Vault-Request": "true"}
        if self._pass is not None and not path.startswith("auth/"):
            headers["X-Vault-Token"] = self._pass
        if self._transit.namespace is not None:
            headers["X-Vault-Namespace"] = self._transit.namespace
        url = f"{self._transit.address.rstrip('/')}/v1/{path}"
        try:
            # A client for each call: there are a few a minute, and none is left open
            async with httpx.AsyncClient(verify=self._trust, timeout=self._transit.seconds) as client:
                return await client.post(url, json=body, headers=headers)
        except httpx.HTTPError as fault:
            raise RootKeyUnavailable(
                f"Vault at {self._transit.address} does not answer ({type(fault).__name__}): see that it "
                "runs, that this machine reaches it, and that its certificate is trusted ('ca' in "
                "POSTERN_ROOT_KEY). It is tried again by itself."
            ) from fault


def _trust(transit: Transit) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=transit.authority)
    except (OSError, ssl.SSLError) as fault:
        raise SettingsInvalid(
            f"{transit.authority} holds no certificates that can be read; correct 'ca' in POSTERN_ROOT_KEY."
        ) from fault


def _data(transit: Transit, answer: httpx.Response, path: str) -> dict[str, str]:
    _refuse_unless_fine(transit, answer, path)
    if not answer.content:
        return {}
    try:
        found = answer.json().get("data") or {}
        return {name: value for name, value in found.items() if isinstance(value, str)}
    except (ValueError, AttributeError) as fault:
        raise _odd(transit) from fault


def _refuse_unless_fine(transit: Transit, answer: httpx.Response, path: str) -> None:
    if answer.is_success:
        return
    where = f"Vault at {transit.address}"
    match answer.status_code:
        case 503:
            raise RootKeyUnavailable(f"{where} is sealed: unseal it. It is tried again by itself.")
        case 429 | 472 | 473:
            raise RootKeyUnavailable(f"{where} is a standby or asks to wait; give its active node's address.")
        case 403:
            raise RootKeyUnavailable(
                f"{where} refuses {transit.mount}/{path}: check that the login is still good "
                "(POSTERN_VAULT_TOKEN or the AppRole) and that its policy allows 'update' there."
            )
        case 400 | 404 | 405:
            raise SettingsInvalid(
                f"{where} knows no transit key '{transit.key}' at '{transit.mount}': make it "
                f"(vault write -f {transit.mount}/keys/{transit.key}), or correct POSTERN_ROOT_KEY."
            )
        case status:
            raise RootKeyUnavailable(f"{where} answers with status {status}; look into its own log.")


def _odd(transit: Transit) -> RootKeyUnavailable:
    return RootKeyUnavailable(
        f"What answers at {transit.address} is no Vault or OpenBao; correct 'address' in POSTERN_ROOT_KEY."
    )
