"""The public pages over the socket, without a browser: what they show, refuse, and carry."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
import uvicorn

from postern.errors import HubUnavailable
from postern.operations.parking import proof
from postern.operations.parking.books import PublicGarage
from postern.operations.public import counter_wire as wire
from postern.operations.public.counter import Counter
from postern.web.counter import create_counter_app
from postern.web.public.app import create_public_app
from postern.web.public.ask import Counter as Asked
from postern.web.public.shell import Shell
from tests.contract.stripe_server import StripeServer, signature
from tests.flows.public.books import DrawnBooks, DrawnCar

OWN = {"Sec-Fetch-Site": "same-origin"}


@pytest.fixture
async def socket(counter: Counter, tmp_path: Path) -> AsyncIterator[Path]:
    path = tmp_path / "counter.sock"
    config = uvicorn.Config(create_counter_app(counter), uds=str(path), log_level="critical", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    yield path
    server.should_exit = True
    await serving


@pytest.fixture
async def asked(socket: Path) -> AsyncIterator[Asked]:
    made = Asked(socket)
    yield made
    await made.close()


@pytest.fixture
async def phone(asked: Asked, stripe_server: StripeServer) -> AsyncIterator[httpx.AsyncClient]:
    app = create_public_app(asked, Shell(checkout_origins=(stripe_server.address,)))
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="https://pay.example.org") as client:
        yield client


def choice_of(page: str, car: DrawnCar) -> str:
    moment = re.escape(proof.quarter_of(car.entered).isoformat())
    found = re.search(rf'value="([0-9a-f]+)">\s*<time datetime="{moment}"', page)
    assert found is not None, page
    return found.group(1)


async def to_price(phone: httpx.AsyncClient, code: str, car: DrawnCar) -> str:
    """The address of the page with the price."""
    answer = await phone.post("/pay", data={"g": code, "plate": car.plate}, headers=OWN)
    assert answer.status_code == 303
    place = answer.headers["location"]
    page = (await phone.get(place)).text
    proved = await phone.post(f"{place}/proof", data={"choice": choice_of(page, car)}, headers=OWN)
    assert (proved.status_code, proved.headers["location"]) == (303, place)
    return str(place)


async def test_a_driver_goes_from_the_poster_to_the_receipt(
    phone: httpx.AsyncClient,
    code: str,
    car: DrawnCar,
    stripe_server: StripeServer,
    books: DrawnBooks,
) -> None:
    poster = await phone.get("/pay", params={"g": code})
    assert 'name="plate"' in poster.text
    place = await to_price(phone, code, car)
    priced = (await phone.get(place)).text
    assert "€7.50" in priced
    assert "Each started hour, 3 × 60 min" in priced
    leaving = await phone.post(f"{place}/checkout", headers=OWN)
    assert leaving.status_code == 303
    (id,) = stripe_server.sessions
    assert leaving.headers["location"] == f"{stripe_server.address}/c/pay/{id}"
    back = stripe_server.sessions[id]["success_url"].removeprefix("https://pay.example.org")
    assert "public.js" in (await phone.get(back)).text
    body = stripe_server.said("checkout.session.completed", stripe_server.pay(id))
    told = await phone.post("/webhooks/stripe", content=body, headers={"Stripe-Signature": signature(body)})
    assert (told.status_code, told.json()) == (200, {"taken": True})
    assert len(books.paid) == 1
    assert (await phone.get(f"{back}/state")).json() == {"state": "paid"}
    receipt = (await phone.get(back)).text
    assert "€1.19" in receipt
    assert car.plate not in receipt
    pdf = await phone.get(f"{back}.pdf")
    assert pdf.headers["content-type"] == "application/pdf"
    assert pdf.content.startswith(b"%PDF")


async def test_chinese_is_spoken_to_who_prefers_it_and_to_who_chooses_it(
    phone: httpx.AsyncClient, code: str, car: DrawnCar, stripe_server: StripeServer
) -> None:
    preferring = await phone.get("/pay", params={"g": code}, headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert "停车缴费" in preferring.text
    assert '<html lang="zh-CN"' in preferring.text
    back = f"/pay?g={code}"
    chosen = await phone.post("/preferences", data={"language": "zh", "back": back}, headers=OWN)
    assert (chosen.status_code, chosen.headers["location"]) == (303, back)
    place = await to_price(phone, code, car)
    assert "应付" in (await phone.get(place)).text
    await phone.post(f"{place}/checkout", headers=OWN)
    (id,) = stripe_server.sessions
    stripe_server.pay(id)
    paid = stripe_server.sessions[id]["success_url"].removeprefix("https://pay.example.org")
    assert "收据" in (await phone.get(paid)).text
    assert (await phone.get(f"{paid}.pdf")).content.startswith(b"%PDF")


async def test_the_picture_at_the_kiosk_leads_from_the_plate_straight_to_the_price(
    phone: httpx.AsyncClient, counter: Counter, code: str, car: DrawnCar, garage: PublicGarage
) -> None:
    car.ticket = uuid4()
    key = await counter.services.keyring.purpose_key(garage.tenant, "ticket")
    ticket = proof.ticket_code(key, car.ticket)
    await phone.get("/pay", params={"g": code, "t": ticket})
    begun = await phone.post("/pay", data={"g": code, "plate": "else 9"}, headers=OWN)
    assert "€7.50" in (await phone.get(begun.headers["location"])).text
    again = await phone.post("/pay", data={"g": code, "plate": "else 9"}, headers=OWN)
    assert "€7.50" not in (await phone.get(again.headers["location"])).text


async def test_a_wrong_code_in_a_picture_leads_to_the_question_of_proof(
    phone: httpx.AsyncClient, code: str, car: DrawnCar
) -> None:
    await phone.get("/pay", params={"g": code, "t": "A" * 200})
    begun = await phone.post("/pay", data={"g": code, "plate": car.plate}, headers=OWN)
    assert choice_of((await phone.get(begun.headers["location"])).text, car)


async def test_no_page_redirects_elsewhere(phone: httpx.AsyncClient) -> None:
    for back in ("https://evil.example", "//evil.example", "/\\evil.example"):
        answer = await phone.post("/preferences", data={"language": "en", "back": back}, headers=OWN)
        assert answer.headers["location"] == "/pay"


async def test_a_merchants_code_is_applied_on_the_price(
    phone: httpx.AsyncClient, code: str, car: DrawnCar
) -> None:
    scanned = await phone.get("/validate", params={"g": code, "m": "bakery"})
    assert scanned.headers["location"] == f"/pay?g={code}"
    place = await to_price(phone, code, car)
    page = (await phone.get(place)).text
    assert 'name="merchant" value="bakery"' in page
    applied = await phone.post(f"{place}/validation", data={"merchant": "bakery"}, headers=OWN)
    assert applied.status_code == 303
    assert "€5.00" in (await phone.get(place)).text
    again = await phone.post(f"{place}/validation", data={"merchant": "bakery"}, headers=OWN)
    assert "used for this car already" in again.text
    rescanned = await phone.get("/validate", params={"g": code, "m": "else"})
    assert rescanned.headers["location"] == place


async def test_a_wrong_answer_is_told_and_the_third_is_not_taken(
    phone: httpx.AsyncClient, code: str, car: DrawnCar
) -> None:
    place = (await phone.post("/pay", data={"g": code, "plate": car.plate}, headers=OWN)).headers["location"]
    for _ in range(2):
        wrong = await phone.post(f"{place}/proof", data={"choice": "0"}, headers=OWN)
        assert wrong.status_code == 422
    right = choice_of_any(wrong.text)
    assert right is None
    assert "No more tries" in (await phone.post(f"{place}/proof", data={"choice": "0"}, headers=OWN)).text


def choice_of_any(page: str) -> str | None:
    found = re.search(r'name="choice" value="([0-9a-f]+)"', page)
    return found.group(1) if found else None


async def test_help_gives_a_number(phone: httpx.AsyncClient, code: str, books: DrawnBooks) -> None:
    assert 'name="words"' in (await phone.get("/help", params={"g": code})).text
    answer = await phone.post("/help", data={"g": code, "words": "stuck"}, headers=OWN)
    assert "Your number" in answer.text
    assert books.helped == [(None, "stuck")]


async def test_every_answer_is_guarded_and_forms_are_taken_from_own_pages_only(
    phone: httpx.AsyncClient, code: str, stripe_server: StripeServer
) -> None:
    for path in (f"/pay?g={code}", "/pay", "/nowhere", "/help", "/notices/stripe", "/assets/console.css"):
        answer = await phone.get(path)
        policy = answer.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert f"form-action 'self' {stripe_server.address}" in policy
        assert "unsafe" not in policy
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["strict-transport-security"]
    for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
        answer = await phone.post("/pay", data={"g": code, "plate": "X"}, headers=headers)
        assert answer.status_code == 403
    assert (await phone.post("/pay", content=b" " * 200_000, headers=OWN)).status_code == 413


async def test_a_forged_webhook_and_an_unknown_address_are_refused(phone: httpx.AsyncClient) -> None:
    forged = await phone.post("/webhooks/stripe", content=b"{}", headers={"Stripe-Signature": "t=1,v1=00"})
    assert forged.status_code == 401
    for path in ("/pay?g=1-WRONG", "/pay/visit/invented", "/pay/r/1-x", "/pay/l/1-x", "/sign-in", "/people"):
        assert (await phone.get(path)).status_code == 404


async def test_without_the_hub_the_driver_is_told_so(tmp_path: Path) -> None:
    asked = Asked(tmp_path / "nobody.sock")
    with pytest.raises(HubUnavailable):
        await asked.ask("garage", wire.AskGarage(garage="1-X", client=""), wire.GarageView)
    app = create_public_app(asked, Shell())
    transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        answer = await client.get("/pay?g=1-X")
        assert answer.status_code == 503
        assert "does not answer now" in answer.text
    await asked.close()
