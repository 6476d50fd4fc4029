"""The part of Stripe's published API that Postern uses, as a real HTTP server on loopback, for the tests.

Made from https://docs.stripe.com/api (Checkout Sessions, Refunds, errors, idempotent requests,
versioning) and https://docs.stripe.com/webhooks (signatures); Stripe's own servers were not asked. It has
Checkout's page too, on which a browser "pays". What it lacks: cards, other ways of paying, expansion, lists.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import html
import json
import re
import secrets
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

Body = dict[str, Any]
SECRET_KEY = "sk_test_" + "p" * 24
WEBHOOK_SECRET = "whsec_" + "w" * 32
HALF_AN_HOUR, A_DAY = 30 * 60, 24 * 60 * 60
THREE_DECIMALS = frozenset(["bhd", "jod", "kwd", "omr", "tnd"])


class ApiFault(Exception):
    def __init__(self, status: int, type_: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status = status
        self.body = {"error": {"type": type_, "message": message, **more}}


def invalid(message: str, param: str, code: str = "parameter_invalid", status: int = 400) -> ApiFault:
    return ApiFault(status, "invalid_request_error", message, param=param, code=code)


def nested(pairs: list[tuple[str, str]]) -> Body:
    """`a[b][0][c]=d` as the dictionary that it stands for; indexes stay text."""
    made: Body = {}
    for name, value in pairs:
        parts = re.findall(r"[^\[\]]+", name)
        at = made
        for part in parts[:-1]:
            at = at.setdefault(part, {})
        at[parts[-1]] = value
    return made


class StripeServer:
    """Sessions, intents and refunds in memory; `webhook_url` is where it sends what happens."""

    def __init__(self) -> None:
        self.sessions: dict[str, Body] = {}
        self.intents: dict[str, Body] = {}
        self.refunds: dict[str, Body] = {}
        self.asked: list[tuple[str, str, Body]] = []
        self.headers: list[dict[str, str]] = []
        self.sent: list[tuple[str, bytes, int]] = []
        self.webhook_url: str | None = None
        self.fail_next = 0
        self.lose_next = 0
        self.port = 0
        self._answers: dict[str, tuple[str, int, Body]] = {}
        self._serving: asyncio.Task[None] | None = None
        self._sending: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def start(self) -> None:
        bound = socket.socket()
        bound.bind(("127.0.0.1", self.port))
        self.port = bound.getsockname()[1]
        routes = [
            Route("/v1/checkout/sessions", self._api(self._create), methods=["POST"]),
            Route("/v1/checkout/sessions/{id}", self._api(self._retrieve), methods=["GET"]),
            Route("/v1/checkout/sessions/{id}/expire", self._api(self._expire), methods=["POST"]),
            Route("/v1/refunds", self._api(self._refund), methods=["POST"]),
            Route("/c/pay/{id}", self._page, methods=["GET"]),
            Route("/c/pay/{id}", self._pay_on_page, methods=["POST"]),
        ]
        config = uvicorn.Config(
            Starlette(routes=routes), log_level="critical", lifespan="off", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._serving = asyncio.create_task(self._server.serve([bound]))
        while not self._server.started:
            await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._server.should_exit = True
        if self._serving is not None:
            await self._serving

    # What the tests do in the driver's and in Stripe's place.

    def pay(self, id: str) -> Body:
        """The driver has paid on Checkout's page."""
        session = self.sessions[id]
        intent = f"pi_{secrets.token_hex(12)}"
        metadata = session["_intent_metadata"]
        self.intents[intent] = {
            "id": intent,
            "object": "payment_intent",
            "amount": session["amount_total"],
            "currency": session["currency"],
            "metadata": metadata,
            "refunded": 0,
        }
        session.update(status="complete", payment_status="paid", payment_intent=intent, url=None)
        return session

    def said(self, type_: str, about: Body) -> bytes:
        """The body of a webhook."""
        shown = {name: value for name, value in about.items() if not name.startswith("_")}
        return json.dumps(
            {
                "id": f"evt_{secrets.token_hex(12)}",
                "object": "event",
                "api_version": "2026-10-28.endive",
                "created": int(time.time()),
                "livemode": False,
                "pending_webhooks": 1,
                "request": {"id": None, "idempotency_key": None},
                "type": type_,
                "data": {"object": shown},
            }
        ).encode()

    def charge(self, intent: str) -> Body:
        """The charge of an intent, as `charge.refunded` shows it."""
        known = self.intents[intent]
        return {
            "id": "ch_" + intent[3:],
            "object": "charge",
            "amount": known["amount"],
            "amount_refunded": known["refunded"],
            "currency": known["currency"],
            "metadata": known["metadata"],
            "payment_intent": intent,
            "refunded": known["refunded"] == known["amount"],
        }

    async def send(self, body: bytes, *, url: str | None = None) -> int:
        """Send a webhook, signed; the receiver's status."""
        async with httpx.AsyncClient(timeout=10) as client:
            answer = await client.post(
                url or self.webhook_url or "",
                content=body,
                headers={"Stripe-Signature": signature(body), "Content-Type": "application/json"},
            )
        self.sent.append((url or self.webhook_url or "", body, answer.status_code))
        return answer.status_code

    # The API.

    def _api(self, handle: Callable[[Request, Body], Body]) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            id = f"req_{secrets.token_hex(7)}"
            try:
                status, body, replayed = await self._once(request, handle)
            except ApiFault as fault:
                status, body, replayed = fault.status, fault.body, False
            headers = {"Request-Id": id, "Stripe-Version": request.headers.get("stripe-version", "")}
            if replayed:
                headers["Idempotent-Replayed"] = "true"
            if self.lose_next:
                self.lose_next -= 1
                return Response(status_code=503, headers={"Stripe-Should-Retry": "true"})
            return JSONResponse(body, status, headers)

        return answer

    async def _once(
        self, request: Request, handle: Callable[[Request, Body], Body]
    ) -> tuple[int, Body, bool]:
        if request.headers.get("authorization") != f"Bearer {SECRET_KEY}":
            raise ApiFault(401, "invalid_request_error", "Invalid API Key provided")
        if self.fail_next:
            self.fail_next -= 1
            raise ApiFault(500, "api_error", "Something went wrong on our end")
        raw = (await request.body()).decode()
        if raw and not request.headers["content-type"].startswith("application/x-www-form-urlencoded"):
            raise invalid("The body is form-encoded", "body")
        params = nested(parse_qsl(raw, keep_blank_values=True, strict_parsing=bool(raw)))
        self.asked.append((request.method, request.url.path, params))
        self.headers.append(dict(request.headers))
        key = request.headers.get("idempotency-key") if request.method == "POST" else None
        digest = hashlib.sha256(f"{request.url.path}\n{raw}".encode()).hexdigest()
        if key is not None and key in self._answers:
            known, status, body = self._answers[key]
            if known != digest:
                message = "Keys for idempotent requests can only be used with the same parameters."
                raise ApiFault(400, "idempotency_error", message)
            return status, body, True
        body = {name: value for name, value in handle(request, params).items() if name[0] != "_"}
        if key is not None:
            self._answers[key] = (digest, 200, body)
        return 200, body, False

    def _create(self, request: Request, params: Body) -> Body:
        lines = [self._checked_line(index, one) for index, one in params.get("line_items", {}).items()]
        if params.get("mode") != "payment" or not lines:
            raise invalid("Missing required param: line_items.", "line_items", "parameter_missing")
        currencies = {currency for currency, _ in lines}
        if len(currencies) != 1:
            raise invalid("All line items use the same currency.", "line_items")
        now = int(time.time())
        expires = int(params.get("expires_at", now + A_DAY))
        if not now + HALF_AN_HOUR - 60 <= expires <= now + A_DAY:
            raise invalid("expires_at is 30 minutes to 24 hours from now.", "expires_at")
        if len(params.get("client_reference_id", "")) > 200:
            raise invalid("At most 200 characters.", "client_reference_id")
        id = f"cs_test_{secrets.token_hex(16)}"
        session = {
            "id": id,
            "object": "checkout.session",
            "amount_total": sum(amount for _, amount in lines),
            "currency": currencies.pop(),
            "client_reference_id": params.get("client_reference_id"),
            "status": "open",
            "payment_status": "unpaid",
            "payment_intent": None,
            "metadata": {},
            "url": f"{self.address}/c/pay/{id}",
            "success_url": params["success_url"],
            "cancel_url": params.get("cancel_url"),
            "locale": params.get("locale"),
            "expires_at": expires,
            "_intent_metadata": params.get("payment_intent_data", {}).get("metadata", {}),
            "_lines": params["line_items"],
        }
        self.sessions[id] = session
        return session

    def _checked_line(self, index: str, line: Body) -> tuple[str, int]:
        price = line.get("price_data", {})
        currency, amount = price.get("currency", ""), price.get("unit_amount", "")
        where = f"line_items[{index}][price_data][unit_amount]"
        if not re.fullmatch("[a-z]{3}", currency) or not price.get("product_data", {}).get("name"):
            raise invalid("Missing required param.", where, "parameter_missing")
        if not re.fullmatch(r"\d{1,8}", amount) or int(amount) == 0:
            raise invalid("Invalid positive integer", where, "parameter_invalid_integer")
        if currency in THREE_DECIMALS and int(amount) % 10:
            raise invalid("The last digit is 0 in this currency", where)
        return currency, int(amount) * int(line.get("quantity", 1))

    def _known(self, id: str) -> Body:
        if id not in self.sessions:
            raise invalid(f"No such checkout.session: {id}", "id", "resource_missing", 404)
        return self.sessions[id]

    def _retrieve(self, request: Request, params: Body) -> Body:
        return self._known(request.path_params["id"])

    def _expire(self, request: Request, params: Body) -> Body:
        session = self._known(request.path_params["id"])
        if session["status"] != "open":
            raise invalid("Only open Checkout Sessions can be expired.", "id")
        session.update(status="expired", url=None)
        return session

    def _refund(self, request: Request, params: Body) -> Body:
        intent = self.intents.get(params.get("payment_intent", ""))
        if intent is None:
            raise invalid("No such payment_intent", "payment_intent", "resource_missing", 404)
        amount = int(params.get("amount", intent["amount"] - intent["refunded"]))
        if intent["refunded"] == intent["amount"]:
            raise ApiFault(
                400, "invalid_request_error", "Charge has been refunded.", code="charge_already_refunded"
            )
        if amount > intent["amount"] - intent["refunded"]:
            raise invalid("Refund amount is greater than unrefunded amount on charge", "amount")
        intent["refunded"] += amount
        made = {
            "id": f"re_{secrets.token_hex(12)}",
            "object": "refund",
            "amount": amount,
            "currency": intent["currency"],
            "payment_intent": intent["id"],
            "status": "succeeded",
            "metadata": {},
        }
        self.refunds[made["id"]] = made
        return made

    # Checkout's page.

    async def _page(self, request: Request) -> Response:
        session = self.sessions.get(request.path_params["id"])
        if session is None or session["status"] != "open":
            return HTMLResponse("<h1>This page has expired</h1>", 404)
        names = [one["price_data"]["product_data"]["name"] for one in session["_lines"].values()]
        lines = "".join(f"<li>{html.escape(name)}</li>" for name in names)
        back = html.escape(session["cancel_url"] or "")
        return HTMLResponse(
            "<!doctype html><html lang=en><title>Checkout</title>"
            "<meta name=viewport content='width=device-width'>"
            f"<h1>{session['amount_total']} {session['currency']}</h1><ul>{lines}</ul>"
            f"<form method=post><button>Pay</button></form><a href='{back}'>Back</a>"
        )

    async def _pay_on_page(self, request: Request) -> Response:
        session = self.sessions[request.path_params["id"]]
        if session["status"] == "open":
            body = self.said("checkout.session.completed", self.pay(session["id"]))
            if self.webhook_url is not None:
                task = asyncio.create_task(self._send_quietly(body))
                self._sending.add(task)
                task.add_done_callback(self._sending.discard)
        return RedirectResponse(session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"]), 303)

    async def _send_quietly(self, body: bytes) -> None:
        await self.send(body)


def signature(body: bytes, *, secret: str = WEBHOOK_SECRET, at: int | None = None) -> str:
    """`Stripe-Signature`: t=time,v1=HMAC-SHA256 of "time.body"."""
    moment = int(time.time()) if at is None else at
    mac = hmac.new(secret.encode(), f"{moment}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={moment},v1={mac}"
