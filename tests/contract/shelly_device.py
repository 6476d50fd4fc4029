"""A relay as Shelly's published RPC describes it, served by a real HTTP and WebSocket server on loopback.

Made from Shelly's API documentation ("RPC Protocol", "RPC Channels", "Authentication", "Switch", "Input",
"Notifications"); no device was at hand. It checks the SHA-256 digests itself, takes a nonce over HTTP only
once (as firmware before 2.0 does), closes every HTTP connection after one answer, and notifies a WebSocket
only after that has sent a call of its own.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
import secrets
import socket
from hashlib import sha256
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

REALM = "shellyplus1-a8032ab12345"


class ShellyDevice:
    """One such relay with one switch and one input, whose contact reads true while the door is closed."""

    def __init__(self, password: str | None = None) -> None:
        self.password = password
        self.releases: list[float] = []
        self.posts = 0
        self.closed_circuit = True
        self.behaviour = "well"
        self._nonces: set[str] = set()
        self._sockets: set[WebSocket] = set()
        self._serving: asyncio.Task[None] | None = None
        self._port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    async def start(self) -> None:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind(("127.0.0.1", self._port))
        self._port = bound.getsockname()[1]
        app = Starlette(
            routes=[Route("/rpc", self._http, methods=["POST"]), WebSocketRoute("/rpc", self._websocket)]
        )
        config = uvicorn.Config(
            app, ws="websockets-sansio", log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve([bound]))
        while not self._server.started:
            await asyncio.sleep(0.01)
        self._bound = bound

    async def stop(self) -> None:
        if self._serving is None:
            return
        for one in list(self._sockets):
            with contextlib.suppress(RuntimeError):
                await one.close()
        self._server.should_exit = True
        await self._serving
        self._bound.close()
        self._serving = None

    async def set_input(self, closed_circuit: bool) -> None:
        """The contact changes; everybody who has called over a WebSocket is notified."""
        self.closed_circuit = closed_circuit
        params = {"ts": 1700000000.12, "input:0": {"id": 0, "state": closed_circuit}}
        for one in list(self._sockets):
            await one.send_json({"src": REALM, "dst": "postern", "method": "NotifyStatus", "params": params})

    async def _http(self, request: Request) -> Response:
        self.posts += 1
        if self.behaviour == "hangs":
            await asyncio.sleep(60)
        if self.behaviour == "babbles":
            return Response("<html>It works!</html>", headers={"Connection": "close"})
        if self.password is not None and not self._may(request):
            nonce = secrets.token_hex(4)
            self._nonces.add(nonce)
            challenge = f'Digest qop="auth", realm="{REALM}", nonce="{nonce}", algorithm=SHA-256'
            return Response(status_code=401, headers={"WWW-Authenticate": challenge, "Connection": "close"})
        call = await request.json()
        return JSONResponse(self._answer(call), headers={"Connection": "close"})

    def _may(self, request: Request) -> bool:
        given = dict(
            (name, quoted or plain)
            for name, quoted, plain in re.findall(
                r'(\w+)=(?:"([^"]*)"|([^\s,]+))', request.headers.get("Authorization", "")
            )
        )
        if given.get("nonce") not in self._nonces or given.get("username") != "admin":
            return False
        self._nonces.discard(given["nonce"])
        ha1 = sha256(f"admin:{REALM}:{self.password}".encode()).hexdigest()
        ha2 = sha256(f"{request.method}:{given['uri']}".encode()).hexdigest()
        proof = f"{ha1}:{given['nonce']}:{given['nc']}:{given['cnonce']}:{given['qop']}:{ha2}"
        return given["response"] == sha256(proof.encode()).hexdigest()

    async def _websocket(self, websocket: WebSocket) -> None:
        await websocket.accept()
        nonce = secrets.randbits(31)
        try:
            while True:
                call = json.loads(await websocket.receive_text())
                if self.password is not None and not self._may_call(call, nonce):
                    asked = {"auth_type": "digest", "nonce": nonce, "nc": 1, "realm": REALM}
                    message = json.dumps(asked | {"algorithm": "SHA-256"})
                    refused = {"code": 401, "message": message}
                    await websocket.send_json({"id": call["id"], "src": REALM, "error": refused})
                    continue
                if call.get("src"):
                    self._sockets.add(websocket)
                if self.behaviour != "hangs":
                    await websocket.send_json(self._answer(call))
        except WebSocketDisconnect:
            pass
        finally:
            self._sockets.discard(websocket)

    def _may_call(self, call: dict[str, Any], nonce: int) -> bool:
        auth = call.get("auth")
        if auth is None or auth["nonce"] != nonce or auth["username"] != "admin":
            return False
        ha1 = sha256(f"admin:{REALM}:{self.password}".encode()).hexdigest()
        ha2 = sha256(b"dummy_method:dummy_uri").hexdigest()
        proof = sha256(f"{ha1}:{nonce}:1:{auth['cnonce']}:auth:{ha2}".encode()).hexdigest()
        return bool(auth["response"] == proof and auth["algorithm"] == "SHA-256")

    def _answer(self, call: dict[str, Any]) -> dict[str, Any]:
        params = call.get("params", {})
        frame = {"id": call["id"], "src": REALM, "dst": call.get("src")}
        match call["method"], params.get("id"):
            case "Switch.Set", 0:
                assert params["on"] is True
                self.releases.append(params["toggle_after"])
                return frame | {"result": {"was_on": False}}
            case "Input.GetStatus", 0:
                return frame | {"result": {"id": 0, "state": self.closed_circuit}}
            case "Switch.GetStatus", 0:
                return frame | {"result": {"id": 0, "source": "init", "output": False}}
            case (("Switch.Set" | "Input.GetStatus" | "Switch.GetStatus"), number):
                return frame | {
                    "error": {"code": -105, "message": f"Argument 'id', value {number} not found!"}
                }
        return frame | {"error": {"code": 404, "message": f"No handler for {call['method']}"}}
