"""A relay that speaks Shelly's RPC (second generation and later) over HTTP and WebSocket.

Released by `Switch.Set` with `toggle_after`: the relay itself switches off again, so that neither a dead
agent nor a cut cable leaves the door open. The contact hangs on one of its inputs: `NotifyStatus` tells it.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import ssl
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

from postern.access.controller import Contact, DoorState, checked_seconds
from postern.clock import Clock
from postern.devices.controllers import shelly
from postern.devices.controllers.feed import StateFeed
from postern.ending import ended
from postern.errors import BadInput, ControllerUnavailable

# A device that has neither notified nor answered for this long is asked again, and then called offline.
ASK_AGAIN = 10.0
LONGEST_PAUSE = 10.0


@dataclass(frozen=True, kw_only=True, slots=True)
class HttpRelaySettings:
    """Where one door's relay is and how it is wired.

    `input`: the input that the door contact hangs on, None if there is none. `open_when`: what that input
    reads while the door is open; False suits the usual contact, closed while the door is closed.
    `ca`: certificates to trust for https, None for the system's. `timeout`: seconds for one exchange.
    """

    url: str
    switch: int = 0
    input: int | None = 0
    open_when: bool = False
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    timeout: float = 3.0

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
            raise BadInput("a relay's address looks like http://192.168.1.20, and its password stands apart")


class HttpRelay:
    """One channel of such a relay as a door's controller."""

    def __init__(self, settings: HttpRelaySettings, *, clock: Clock) -> None:
        self._settings = settings
        self._feed = StateFeed(clock)
        self._watching: asyncio.Task[None] | None = None
        self._ids = itertools.count(1)
        self._tls = ssl.create_default_context(cafile=settings.ca) if self._secure else None
        # These devices close every connection after one answer and allow six at once.
        self._http = httpx.AsyncClient(
            base_url=settings.url,
            timeout=settings.timeout,
            verify=self._tls or True,
            auth=httpx.DigestAuth(shelly.LOGIN, settings.password) if settings.password else None,
            limits=httpx.Limits(max_connections=2, max_keepalive_connections=0),
            trust_env=False,
        )

    @property
    def _secure(self) -> bool:
        return self._settings.url.startswith("https:")

    async def release(self, *, seconds: float) -> None:
        """See `DoorController`. Tried a second time only when the first try cannot have reached the relay."""
        params = {"id": self._settings.switch, "on": True, "toggle_after": checked_seconds(seconds)}
        try:
            async with asyncio.timeout(3 * self._settings.timeout):
                response = await self._post("Switch.Set", params)
        except TimeoutError as fault:
            raise self._unavailable("it did not answer in time; it may have opened the door") from fault
        refused = {"error": {"code": 401}} if response.status_code == 401 else None
        result = self._result(refused or _frame(response.content))
        if not isinstance(result.get("was_on"), bool):
            raise self._unavailable("its answer is not that of a Shelly switch; check the address")

    async def _post(self, method: str, params: Mapping[str, object]) -> httpx.Response:
        frame = {"id": next(self._ids), "src": "postern", "method": method, "params": params}
        for last in (False, True):
            try:
                return await self._http.post("/rpc", json=frame)
            except (httpx.ConnectError, httpx.ConnectTimeout) as fault:
                if last:
                    raise self._unavailable("no connection; check its power, cable and address") from fault
            except httpx.TimeoutException as fault:
                raise self._unavailable("it did not answer in time; it may have opened the door") from fault
            except httpx.HTTPError as fault:
                raise self._unavailable("the connection broke; it may have opened the door") from fault
        raise AssertionError("the second try returned or raised")

    def states(self) -> AsyncIterator[DoorState]:
        """See `DoorController`. The relay is watched from the first call on."""
        if self._watching is None:
            self._watching = asyncio.create_task(self._watch(), name="watch a relay")
        return self._feed.states()

    async def close(self) -> None:
        """See `DoorController`."""
        self._feed.close()
        if self._watching is not None:
            await ended(self._watching)
        await self._http.aclose()

    async def _watch(self) -> None:
        pause = 0.2
        while True:
            try:
                async with self._connected() as socket:
                    await self._follow(socket)
                    pause = 0.2
            except (OSError, WebSocketException, TimeoutError, ControllerUnavailable):
                self._feed.offline()
            await asyncio.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _connected(self) -> connect:
        url = "ws" + self._settings.url.removeprefix("http").rstrip("/") + "/rpc"
        # The relay is asked again anyway, which tells more than a ping; a proxy is never meant here.
        return connect(
            url, ssl=self._tls, open_timeout=self._settings.timeout, ping_interval=None, proxy=None
        )

    async def _follow(self, socket: ClientConnection) -> None:
        """Ask how the contact is, pass on what the relay tells, and ask again when it has been silent."""
        while True:
            self._heard(await self._ask(socket))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(ASK_AGAIN):
                    while True:
                        self._notified(_frame(await socket.recv()))

    async def _ask(self, socket: ClientConnection) -> Mapping[str, object]:
        """The status of the contact's input, or of the switch where none is fitted. Signs in when asked."""
        component = ("Switch", self._settings.switch)
        if self._settings.input is not None:
            component = ("Input", self._settings.input)
        call: dict[str, object] = {
            "src": "postern",
            "method": f"{component[0]}.GetStatus",
            "params": {"id": component[1]},
        }
        reply = await self._call(socket, call)
        error = reply.get("error")
        if isinstance(error, Mapping) and error.get("code") == 401 and self._settings.password:
            challenge = shelly.challenge_of(str(error.get("message")))
            reply = await self._call(
                socket, call | {"auth": shelly.answer(challenge, self._settings.password)}
            )
        return self._result(reply)

    async def _call(self, socket: ClientConnection, call: Mapping[str, object]) -> Mapping[str, object]:
        """Send one call and return the frame that answers it; what is notified meanwhile is passed on."""
        number = next(self._ids)
        async with asyncio.timeout(self._settings.timeout):
            await socket.send(json.dumps({"id": number, **call}))
            while (frame := _frame(await socket.recv())).get("id") != number:
                self._notified(frame)
        return frame

    def _notified(self, frame: Mapping[str, object]) -> None:
        params = frame.get("params")
        if frame.get("method") in ("NotifyStatus", "NotifyFullStatus") and isinstance(params, Mapping):
            self._heard(params.get(f"input:{self._settings.input}"))

    def _heard(self, status: object) -> None:
        contact = shelly.contact_of(status, open_when=self._settings.open_when)
        if self._settings.input is None:
            self._feed.tell(contact=Contact.UNKNOWN, online=True)
        elif contact is not None:
            self._feed.tell(contact=contact, online=True)

    def _result(self, frame: Mapping[str, object]) -> Mapping[str, object]:
        error = frame.get("error")
        if isinstance(error, Mapping) and error.get("code") == 401:
            raise self._unavailable("it refuses the password; correct it")
        if isinstance(error, Mapping):
            raise self._unavailable(f"it refused: {error.get('message')} (code {error.get('code')})")
        result = frame.get("result")
        if not isinstance(result, Mapping):
            raise self._unavailable("its answer is not that of a Shelly device; check the address")
        return result

    def _unavailable(self, what: str) -> ControllerUnavailable:
        return ControllerUnavailable(f"the relay at {self._settings.url} did not do it: {what}")


def _frame(text: str | bytes) -> Mapping[str, object]:
    """A frame of JSON; empty when it is none."""
    try:
        frame = json.loads(text)
    except ValueError:
        return {}
    return frame if isinstance(frame, Mapping) else {}
