"""The counter: a plate alone tells nothing; a proof shows one session's price; guessing is limited."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import httpx
import pytest

from postern import documents
from postern.clock import SetClock
from postern.errors import BadInput, NotFound, PosternError, Refused, TooMany
from postern.money import Money
from postern.operations.parking import payment_attempts, proof
from postern.operations.parking.books import PublicGarage
from postern.operations.public import counter_wire as wire
from postern.operations.public.counter import TRIES, Counter
from postern.operations.services import Services
from postern.web.counter import LARGEST, create_counter_app, questions
from tests.contract.stripe_server import StripeServer
from tests.flows.public.books import DrawnBooks, DrawnCar

PHONE = "192.0.2.7"


async def visit_of(counter: Counter, code: str, plate: str, client: str = PHONE) -> str:
    return (await counter.begin(wire.AskVisit(garage=code, plate=plate, client=client))).visit


async def shown(counter: Counter, visit: str) -> wire.VisitView:
    return await counter.visit(wire.AskAboutVisit(visit=visit, client=PHONE))


def right_choice(view: wire.VisitView, car: DrawnCar) -> str:
    return next(one.id for one in view.choices if one.moment == proof.quarter_of(car.entered))


async def proven(counter: Counter, code: str, car: DrawnCar) -> str:
    visit = await visit_of(counter, code, car.plate)
    choice = right_choice(await shown(counter, visit), car)
    await counter.prove(wire.GiveProof(visit=visit, client=PHONE, choice=choice))
    return visit


async def test_no_garage_is_found_by_counting(counter: Counter, code: str, garage: PublicGarage) -> None:
    found = await counter.garage(wire.AskGarage(garage=code.lower(), client=PHONE))
    assert found.name == garage.name
    for wrong in (
        "",
        "1",
        f"{garage.site}-",
        f"{garage.site}-AAAAAA",
        f"{garage.site + 1}-{code[2:]}",
        "x-y",
    ):
        with pytest.raises(NotFound):
            await counter.garage(wire.AskGarage(garage=wrong, client=PHONE))


async def test_a_plate_that_is_not_inside_looks_like_one_that_is(
    counter: Counter, code: str, car: DrawnCar
) -> None:
    inside = await shown(counter, await visit_of(counter, code, car.plate))
    nowhere = await shown(counter, await visit_of(counter, code, "ELSE 9"))
    for view in (inside, nowhere):
        assert view.price is None
        assert (len(view.choices), view.tries_left, view.over) == (proof.CHOICES, TRIES, False)
        assert [one.moment for one in view.choices] == sorted(
            one.moment for one in view.choices if one.moment
        )
        assert all(one.picture is None and one.moment is not None for one in view.choices)


async def test_asking_again_shows_the_same_moments_so_that_the_right_one_does_not_stand_out(
    counter: Counter, code: str, car: DrawnCar
) -> None:
    for plate in (car.plate, "ELSE 9"):
        views = [await shown(counter, await visit_of(counter, code, plate)) for _ in range(3)]
        assert len({tuple(one.moment for one in view.choices) for view in views}) == 1


async def test_the_right_moment_shows_the_price(counter: Counter, code: str, car: DrawnCar) -> None:
    view = await shown(counter, await proven(counter, code, car))
    assert view.price is not None
    assert (view.price.owed, view.price.entered) == (Money(750, "EUR"), car.entered)
    assert view.price.lines[0].label == "Each started hour"


@pytest.mark.parametrize("typed", [None, "ELSE 9"])
async def test_the_code_that_the_kiosk_showed_to_a_car_read_badly_shows_its_price_whatever_plate_is_typed(
    hub: Services, counter: Counter, code: str, car: DrawnCar, garage: PublicGarage, typed: str | None
) -> None:
    key = await hub.keyring.purpose_key(garage.tenant, "ticket")
    car.ticket = uuid4()
    ticket = proof.ticket_code(key, car.ticket)
    visit = await visit_of(counter, code, typed or car.plate)
    given = wire.GiveProof(visit=visit, client=PHONE, ticket=f" {ticket[:4]}-{ticket[4:].lower()} ")
    assert (await counter.prove(given)).price is not None


async def test_a_code_of_no_ticket_shows_nothing_and_counts_as_a_wrong_proof(
    hub: Services, counter: Counter, code: str, car: DrawnCar, garage: PublicGarage
) -> None:
    key = await hub.keyring.purpose_key(garage.tenant, "ticket")
    for ticket in (proof.ticket_code(key, car.session), ""):
        visit = await visit_of(counter, code, car.plate)
        view = await counter.prove(wire.GiveProof(visit=visit, client=PHONE, ticket=ticket))
        assert view.price is None
    assert view.over


async def test_two_wrong_proofs_end_the_guessing_for_this_plate_whatever_the_phone(
    counter: Counter, code: str, car: DrawnCar, clock: SetClock
) -> None:
    for left in (1, 0):
        visit = await visit_of(counter, code, car.plate, client=f"192.0.2.{left}")
        view = await shown(counter, visit)
        wrong = next(one.id for one in view.choices if one.id != right_choice(view, car))
        answer = await counter.prove(wire.GiveProof(visit=visit, client=PHONE, choice=wrong))
        assert (answer.price, answer.tries_left, answer.over) == (None, left, left == 0)
    visit = await visit_of(counter, code, car.plate, client="198.51.100.1")
    view = await shown(counter, visit)
    assert view.over
    assert view.choices == ()
    with pytest.raises(TooMany):
        await counter.prove(wire.GiveProof(visit=visit, client=PHONE, choice="any"))
    clock.advance(timedelta(hours=7))
    assert (await shown(counter, await visit_of(counter, code, car.plate))).tries_left == TRIES


async def test_without_the_proof_nothing_is_paid_validated_or_shown(
    counter: Counter, code: str, car: DrawnCar
) -> None:
    visit = await visit_of(counter, code, car.plate)
    asked = wire.AskAboutVisit(visit=visit, client=PHONE, merchant="bakery")
    for ask in (counter.checkout, counter.validation):
        with pytest.raises(Refused):
            await ask(asked)


async def test_a_visit_ends_and_an_invented_one_is_none(
    counter: Counter, code: str, car: DrawnCar, clock: SetClock
) -> None:
    visit = await proven(counter, code, car)
    clock.advance(timedelta(minutes=21))
    for gone in (visit, "invented"):
        with pytest.raises(NotFound):
            await shown(counter, gone)


async def test_a_driver_pays_and_has_a_receipt(
    counter: Counter, code: str, car: DrawnCar, stripe_server: StripeServer, books: DrawnBooks
) -> None:
    visit = await proven(counter, code, car)
    started = await counter.checkout(wire.AskAboutVisit(visit=visit, client=PHONE, language="zh"))
    (id,) = stripe_server.sessions
    session = stripe_server.sessions[id]
    assert started.url == session["url"]
    assert session["locale"] == "zh"
    assert session["cancel_url"] == f"https://pay.example.org/pay/visit/{visit}"
    reference = session["client_reference_id"]
    asked = wire.AskReceipt(reference=reference, client=PHONE)
    assert (await counter.receipt(asked)).state == "asked"
    stripe_server.pay(id)
    receipt = await counter.receipt(asked)  # no webhook came: the counter asks
    assert (receipt.state, receipt.amount, receipt.garage) == ("paid", Money(750, "EUR"), code)
    assert receipt.price.vat == Money(119, "EUR")
    assert len(books.paid) == 1
    assert car.plate.encode() not in documents.to_bytes(receipt)
    with pytest.raises(NotFound):
        await counter.receipt(wire.AskReceipt(reference=f"1-{uuid4().hex}", client=PHONE))
    with pytest.raises(NotFound):
        await counter.receipt(wire.AskReceipt(reference="../etc", client=PHONE))


async def test_a_merchants_code_takes_something_off_once(counter: Counter, code: str, car: DrawnCar) -> None:
    visit = await proven(counter, code, car)
    asked = wire.AskAboutVisit(visit=visit, client=PHONE, merchant="bakery")
    assert (await counter.validation(asked)).merchant == "Drawn Bakery"
    view = await shown(counter, visit)
    assert view.price is not None
    assert view.price.owed == Money(500, "EUR")
    with pytest.raises(PosternError):
        await counter.validation(asked)


async def test_a_link_needs_no_proof_and_shows_one_session(
    hub: Services, counter: Counter, garage: PublicGarage, car: DrawnCar, clock: SetClock
) -> None:
    async with hub.database.transaction(garage.tenant) as tx:
        link = await payment_attempts.new_link(
            tx, hub.keyring, garage.tenant, garage.site, session=car.session, at=clock.now()
        )
    visit = (await counter.begin(wire.AskVisit(client=PHONE, link=link))).visit
    assert (await shown(counter, visit)).price is not None
    for wrong in (link[:-1], "1-", "x", "99-abc"):
        with pytest.raises(NotFound):
            await counter.begin(wire.AskVisit(client=PHONE, link=wrong))


async def test_help_opens_a_case_for_the_session_that_was_proven(
    counter: Counter, code: str, car: DrawnCar, books: DrawnBooks
) -> None:
    visit = await proven(counter, code, car)
    coming = await counter.help(wire.AskHelp(garage=code, client=PHONE, visit=visit, words="It stays shut"))
    assert len(coming.number) == 6
    await counter.help(wire.AskHelp(garage=code, client=PHONE))
    assert books.helped == [(car.session, "It stays shut"), (None, "")]
    for _ in range(3):
        await counter.help(wire.AskHelp(garage=code, client=PHONE))
    with pytest.raises(TooMany):
        await counter.help(wire.AskHelp(garage=code, client=PHONE))


async def test_a_plate_has_to_be_one(counter: Counter, code: str) -> None:
    for plate in ("", "  ", "-", "A" * 17):
        with pytest.raises(BadInput):
            await visit_of(counter, code, plate)


async def test_the_socket_answers_the_listed_questions_and_nothing_else(counter: Counter, code: str) -> None:
    app = create_counter_app(counter)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app=app, raise_app_exceptions=False), base_url="http://counter"
    ) as client:
        good = documents.to_bytes(wire.AskGarage(garage=code, client=PHONE))
        assert (await client.post("/garage", content=good)).status_code == 200
        assert sorted(questions(counter)) == sorted(
            [
                "answer",
                "begin",
                "checkout",
                "face",
                "faceless",
                "free",
                "garage",
                "help",
                "invitation",
                "proof",
                "receipt",
                "sign",
                "validation",
                "visit",
                "waiting",
                "webhook",
            ]
        )
        assert (await client.get("/garage")).status_code == 405
        for path in ("/people", "/api/v1/sites", "/garage/x", "/", "/sign-in", "/__class__"):
            assert (await client.post(path, content=good)).status_code in (404, 405)
        for body in (b"", b"[]", b"null", b'{"garage": 1}', b'{"garage":"x","client":"y","also":1}', b"\xff"):
            assert (await client.post("/garage", content=body)).status_code == 422
        assert (await client.post("/garage", content=b" " * (LARGEST + 1))).status_code == 413
        forged = documents.to_bytes(wire.TellWebhook(body=b"{}", signature="t=1,v1=0"))
        assert (await client.post("/webhook", content=forged)).status_code == 401
