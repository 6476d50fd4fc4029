"""Refunds against `localstripe`, somebody else's server of Stripe's API. It has no Checkout, and gives back
more than was paid.

It is under the GPL, so it is run as a program of its own and is no dependency: `pip install localstripe`
into an environment of its own, with its program on the PATH.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import stripe

from postern.devices.payments.stripe_checkout import StripeCheckout, StripeSettings
from postern.errors import NotFound
from postern.money import Money
from tests.needs import needs

KEY = "sk_test_12345"


@pytest.fixture
async def address() -> AsyncIterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        "localstripe",
        "--port",
        str(port),
        "--from-scratch",
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        for _ in range(100):
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                break
            except OSError:
                await asyncio.sleep(0.1)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def paid_intent(address: str) -> str:
    """A payment of 6.50 EUR, made as Checkout's page would."""
    transport = stripe.HTTPXClient()
    client = stripe.StripeClient(KEY, base_addresses={"api": address}, http_client=transport)
    method = await client.v1.payment_methods.create_async(
        {
            "type": "card",
            "card": {"number": "4242424242424242", "exp_month": 12, "exp_year": 2030, "cvc": "123"},
        }
    )
    intent = await client.v1.payment_intents.create_async(
        {"amount": 650, "currency": "eur", "payment_method": method.id, "confirm": True}
    )
    assert intent.status == "succeeded"
    await transport.close_async()
    return intent.id


@needs("localstripe")
async def test_a_payment_is_refunded_in_parts(address: str) -> None:
    provider = StripeCheckout(StripeSettings(secret_key=KEY, api_base=address))
    try:
        payment = await paid_intent(address)
        await refunded_in_parts(provider, payment)
    finally:
        await provider.close()


async def refunded_in_parts(provider: StripeCheckout, payment: str) -> None:
    first = await provider.refund(payment, Money(200, "EUR"), reference="a")
    assert (first.amount, first.settled) == (Money(200, "EUR"), True)
    assert (await provider.refund(payment, Money(450, "EUR"), reference="b")).amount == Money(450, "EUR")
    with pytest.raises(NotFound):
        await provider.refund("pi_unknown", Money(1, "EUR"), reference="d")
