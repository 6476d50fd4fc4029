"""Planted values come to visit: invited, signing, asked for at a kiosk; their letters wait."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import timedelta

import numpy as np

from postern.biometrics.model import Template
from postern.errors import Unavailable
from postern.operations.ports import Letter
from postern.operations.privacy.texts import asked_at
from postern.operations.sites import access_levels, kiosks
from postern.operations.visitors import page as visit_page
from postern.operations.visitors import rules as visit_rules
from postern.operations.visitors import visits
from postern.operations.visitors import walk_up as visit_walk_up
from postern.operations.visitors.faces import GivenFace
from postern.operations.visitors.letters import send_letters
from postern.operations.visitors.walk_up import WalkUp
from postern.operations.visitors.watch import follow_visits
from postern.prove.planting import CARD, FakeRecognition, Planted
from postern.prove.world import Plan, World
from postern.sites import store as sites
from postern.sites.model import Door
from postern.spans import Span
from postern.visitors.model import VisitDetails

VISITORS = 6
TERMS = "Nobody enters the Xylothek Quappenbruch 7731 without its felt slippers."


class _Away:
    """A mail server that does not answer: every letter goes on waiting."""

    async def send(self, letter: Letter) -> None:
        raise Unavailable(f"the mail server is away, so nothing about {len(letter.text)} letters goes out")


async def by_visits(postern: World, plan: Plan, planted: Planted) -> None:
    """People of the registry are hosts; visitors have names, companies and addresses of their own."""
    recognition, actor = FakeRecognition(planted).port(), postern.actor(plan)
    services = replace(postern.services, post=_Away(), recognition=recognition)
    numbers = np.random.default_rng(7732)
    levels = await access_levels.access_levels(services, actor)
    found = await visit_rules.rules_of_site(services, actor, plan.site)
    wanted = replace(found.rules, walk_ups=True, walk_up_level=levels[0].id, faces=True)
    made = await visit_rules.change_rules(services, actor, wanted, english=TERMS, chinese="")
    assert made.terms is not None
    planted.more.append(TERMS)
    now = services.clock.now()
    drawn = Planted.drawn(7731, people=VISITORS, vehicles=0).people
    for one in drawn:
        details = VisitDetails(
            site=plan.site,
            name=one.name,
            company=one.employee_number,
            mail=f"{one.card.lower()}@quappenbruch.example",
            purpose=one.resident_id_number,
            host=await visits.find_host(services, actor, plan.site, planted.people[0].employee_number),
            level=levels[0].id,
            valid=Span(start=now, end=now + timedelta(hours=2)),
        )
        visit = await visits.invite(services, actor, details)
        secret = visit.link.partition("-")[2]
        await visit_page.sign(
            services, visit.link, number=made.terms.number, language="en", name=f"{one.name} jun."
        )
        guardian = secrets.token_hex(9)
        vector = numbers.normal(size=128).astype(np.float32)
        planted.templates.append(Template(model=CARD.id, vector=vector))
        photo = Planted.PHOTO + f"{len(planted.templates) - 1:08}".encode()
        given = GivenFace(
            wording=(await asked_at(services, actor.tenant, plan.site)).face.name,
            language="en",
            name=f"{one.name} jun.",
            photo=photo,
            minor=True,
            guardian=guardian,
        )
        answer = await visit_page.give_face(services, visit.link, given)
        assert answer.view.face is not None
        assert answer.view.face.state == "given"
        planted.more += [
            *(guardian, one.name, one.employee_number, one.resident_id_number),
            *(details.mail or "", secret, visit.visit.code, f"{one.name} jun."),
        ]
    await _walk_up(postern, plan, planted, made.terms.number)
    assert await send_letters(services, plan.tenant) == 0
    await follow_visits(services, plan.tenant, plan.site)


async def _walk_up(postern: World, plan: Plan, planted: Planted, terms: int) -> None:
    services, actor = postern.services, postern.actor(plan)
    async with services.database.transaction(plan.tenant) as tx:
        door = (await sites.parts(tx, services.keyring, plan.tenant, plan.site, Door))[0]
    kiosk = await kiosks.add_kiosk(services, actor, site=plan.site, name="Lobby 7731", door=door.id)
    code = await kiosks.new_kiosk_code(services, actor, site=plan.site, id=kiosk.id)
    known = await kiosks.known_kiosk(services, await kiosks.open_kiosk(services, code))
    name, whom = secrets.token_hex(9), secrets.token_hex(9)
    asked = WalkUp(name=name, host=whom, terms=terms, signature=name)
    await visit_walk_up.ask_to_come_in(services, known, asked)
    planted.more += [name, whom]
