"""The part of HashiCorp Vault's and OpenBao's published HTTP API that Postern uses, as a real HTTPS server.

Made from the documentation of the transit secrets engine (encrypt, decrypt, rotate), of AppRole and of the
sealed state; neither product was at hand. Ciphertexts are real: AES-256-GCM under a random key per version,
"vault:v2:" and base64 as there. It listens on loopback only, for the tests.
"""

from __future__ import annotations

import asyncio
import base64
import datetime
import os
import secrets
import socket
import ssl
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from cryptography import x509
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

ROLE_ID, SECRET_ID = "postern-role", "postern-secret"
Body = dict[str, Any]


class VaultServer:
    """One server with transit keys, logins by a fixed pass or by AppRole, and a switch for being sealed."""

    def __init__(self, folder: Path) -> None:
        self.keys: dict[str, list[bytes]] = {"postern": [os.urandom(32)]}
        self.passes = {"s.fixed"}
        self.may_rotate = True
        self.sealed = False
        self.asked: list[str] = []
        self.logins = 0
        self.port = 0
        self.authority = folder / "vault-ca.pem"
        self._pair = folder / "vault-pair.pem"
        _certify(self.authority, self._pair)
        self._serving: asyncio.Task[None] | None = None

    @property
    def address(self) -> str:
        return f"https://127.0.0.1:{self.port}"

    @property
    def root_key(self) -> str:
        """What an installer writes into POSTERN_ROOT_KEY."""
        return f"vault:address={self.address};key=postern;ca={self.authority}"

    async def start(self) -> None:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self.port))
        self.port = bound.getsockname()[1]
        app = Starlette(
            routes=[
                Route("/v1/auth/approle/login", self._login, methods=["POST"]),
                Route("/v1/{mount}/encrypt/{key}", self._checked(self._encrypt), methods=["POST"]),
                Route("/v1/{mount}/decrypt/{key}", self._checked(self._decrypt), methods=["POST"]),
                Route("/v1/{mount}/keys/{key}/rotate", self._checked(self._rotate), methods=["POST"]),
            ]
        )
        config = uvicorn.Config(
            app,
            log_level="critical",
            lifespan="off",
            timeout_graceful_shutdown=1,
            ssl_certfile=str(self._pair),
            ssl_cert_reqs=ssl.CERT_NONE,
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve([bound]))
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    def end_logins(self) -> None:
        """As if every lease had run out."""
        self.passes = {"s.fixed"}

    async def _login(self, request: Request) -> Response:
        if self.sealed:
            return _errors(503, "Vault is sealed")
        body = await request.json()
        if (body.get("role_id"), body.get("secret_id")) != (ROLE_ID, SECRET_ID):
            return _errors(400, "invalid role or secret ID")
        self.logins += 1
        made = f"hvs.{secrets.token_urlsafe(24)}"
        self.passes.add(made)
        return JSONResponse({"auth": {"client_token": made, "lease_duration": 3600, "renewable": True}})

    def _checked(self, work: Callable[[str, Body], Response]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            key = request.path_params["key"]
            self.asked.append(request.url.path)
            if self.sealed:
                return _errors(503, "Vault is sealed")
            if request.headers.get("x-vault-token") not in self.passes:
                return _errors(403, "permission denied")
            if request.path_params["mount"] != "transit":
                return _errors(404, "no handler for route")
            if key not in self.keys:  # the policy allows no 'create'
                return _errors(400, "encryption key not found")
            return work(key, await request.json())

        return answer

    def _encrypt(self, key: str, body: Body) -> Response:
        versions = self.keys[key]
        nonce = os.urandom(12)
        sealed = nonce + AESGCM(versions[-1]).encrypt(nonce, base64.b64decode(body["plaintext"]), None)
        text = f"vault:v{len(versions)}:{base64.b64encode(sealed).decode()}"
        return JSONResponse({"data": {"ciphertext": text, "key_version": len(versions)}})

    def _decrypt(self, key: str, body: Body) -> Response:
        try:
            name, version, text = body["ciphertext"].split(":")
            sealed, number = base64.b64decode(text, validate=True), int(version.removeprefix("v"))
            if name != "vault" or not 1 <= number <= len(self.keys[key]):
                return _errors(400, "invalid ciphertext")
            plain = AESGCM(self.keys[key][number - 1]).decrypt(sealed[:12], sealed[12:], None)
        except (ValueError, InvalidTag):
            return _errors(400, "cipher: message authentication failed")
        return JSONResponse({"data": {"plaintext": base64.b64encode(plain).decode()}})

    def _rotate(self, key: str, _body: Body) -> Response:
        if not self.may_rotate:
            return _errors(403, "permission denied")
        self.keys[key].append(os.urandom(32))
        return Response(status_code=204)


def _errors(status: int, *words: str) -> Response:
    return JSONResponse({"errors": list(words)}, status_code=status)


def _certify(authority: Path, pair: Path) -> None:
    """A self-signed certificate for 127.0.0.1, which is its own authority."""
    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "vault for tests")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    text = made.public_bytes(serialization.Encoding.PEM)
    authority.write_bytes(text)
    pair.write_bytes(
        text
        + private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
