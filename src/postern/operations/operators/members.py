"""Members: people sign in for themselves at /me, first by a one-time link, then as they chose.

Whoever holds a person's link can become that person here. So it is good once and for a day, giving it out is
written down about the person, and they are told of it on their own page.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo

from postern.errors import BadInput, NotFound, NotSignedIn, Refused
from postern.ids import PersonId
from postern.journal.model import Act
from postern.operations.operators.sign_in import FORGOTTEN_AFTER, HASHING, refuse_if_locked
from postern.operations.ports import Letter
from postern.operations.services import Services
from postern.operations.trace import trace, trace_as
from postern.operators import store as attempts
from postern.operators.model import Actor
from postern.operators.passwords import hash_password, password_matches
from postern.operators.roles import Duty, require
from postern.people import store as people
from postern.postgres.pool import Transaction, confine
from postern.privacy import member_store as store
from postern.privacy.member import JOURNAL_NAME, Member, MemberLogin, MemberSecrets
from postern.privacy.member_store import KnownMember
from postern.sites import store as sites
from postern.sites.model import zone_of

LINK_GOOD_FOR = timedelta(hours=24)
IDLE = timedelta(days=14)
ABSOLUTE = timedelta(days=90)
NAME_LETTERS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""Without those that are taken for one another."""
NAME_LENGTH = 10
_TOUCH_EVERY = timedelta(hours=1)
WRONG = "the sign-in name or the passphrase is wrong"
_SPENT = "this link is not good (any more); ask for a new one"


@dataclass(frozen=True, kw_only=True, slots=True)
class SignedInMember:
    """A fresh login. `secret` goes into the browser's cookie and is shown to nobody else."""

    member: Member
    secret: str


async def new_member_link(services: Services, actor: Actor, person: PersonId) -> str:
    """A one-time link to the person's own page, good for a day; an earlier one is void. Raises NotFound."""
    require(actor, Duty.GIVE_OWN_PAGE)
    secret = secrets.token_urlsafe(32)
    async with services.database.transaction(actor.tenant) as tx:
        await people.get(tx, services.keyring, actor.tenant, person)
        member = Member(tenant=actor.tenant, person=person, name="")
        until = services.clock.now() + LINK_GOOD_FOR
        await store.add_link(tx, services.keyring, member, _digest(secret), until)
        await trace(services, tx, actor, Act.ADDED, purpose="link to their own page", subjects=[person])
    return f"{services.public_url}/me/first/{secret}"


async def mail_member_link(services: Services, actor: Actor, person: PersonId) -> None:
    """Send the person their one-time link. Raises Refused or Unavailable when it cannot be delivered, and
    BadInput for somebody without a mail address."""
    require(actor, Duty.GIVE_OWN_PAGE)
    if services.post is None:
        raise Refused("no mail is set up; show the link instead")
    async with services.database.transaction(actor.tenant) as tx:
        to = (await people.get(tx, services.keyring, actor.tenant, person)).details.mail
    if to is None:
        raise BadInput("this person has no mail address; write it down first, or show the link")
    link = await new_member_link(services, actor, person)
    await services.post.send(Letter(to=to, subject=_SUBJECT, text=_LETTER.format(link=link)))


_SUBJECT = "Your own page · 您的个人页面"
_LETTER = """This link lets you see what is held about you and who looked. It works once, within 24 hours.
Give it to nobody: whoever opens it signs in as you.

您可凭此链接查看本组织保存了您的哪些信息、谁查看过。链接仅可使用一次，24 小时内有效。
请勿转交他人：打开链接者即以您的身份登录。

{link}
"""


async def link_owner(services: Services, tx: Transaction, link: str) -> KnownMember:
    """Whose link it is, as part of `tx`, which is theirs from here on. NotFound when it is not good."""
    found = await store.link_owner(tx, services.keyring, _digest(link), services.clock.now())
    if found is None:
        raise NotFound(_SPENT)
    tenant, person = found
    await confine(tx, tenant)
    known = await store.get(tx, services.keyring, tenant, person)
    if known is not None:
        return known
    fresh = Member(tenant=tenant, person=person, name=_new_name())
    return KnownMember(member=fresh, secrets=MemberSecrets(), version=0)


async def look_at_link(services: Services, link: str) -> None:
    """Whether the link is good; looking spends nothing. Raises NotFound."""
    async with services.database.transaction() as tx:
        await link_owner(services, tx, link)


async def spend_link(services: Services, link: str, *, passphrase: str) -> SignedInMember:
    """Choose a passphrase, end every earlier way and login, sign in. Raises NotFound or BadInput."""
    await look_at_link(services, link)
    async with HASHING:
        hashed = await asyncio.to_thread(hash_password, passphrase, "")
    async with services.database.transaction() as tx:
        known = await link_owner(services, tx, link)
        return await set_up(services, tx, known, link, MemberSecrets(passphrase_hash=hashed))


async def set_up(
    services: Services, tx: Transaction, known: KnownMember, link: str, chosen: MemberSecrets
) -> SignedInMember:
    """The link is spent for this way to sign in, and for no other from now on."""
    member = known.member
    await store.put(tx, services.keyring, known, chosen)
    await store.end_logins(tx, member.tenant, member.person)
    await store.spend_link(tx, _digest(link))
    return await start_login(services, tx, member, detail="one-time link")


async def sign_in(services: Services, *, name: str, passphrase: str) -> SignedInMember:
    """Sign in with name and passphrase. Raises NotSignedIn, and TooMany after too many failures in a row."""
    name = normal_name(name)
    async with services.database.transaction() as tx:
        await refuse_if_locked(services, tx, _tried(name))
        known = await store.by_name(tx, services.keyring, name)
    hashed = known.secrets.passphrase_hash if known is not None else None
    async with HASHING:
        right = await asyncio.to_thread(password_matches, hashed, passphrase)
    async with services.database.transaction() as tx:
        await refuse_if_locked(services, tx, _tried(name))  # of many at once, only the free ones count
        now = await store.by_name(tx, services.keyring, name)
        if now is not None and right and now.secrets.passphrase_hash == hashed:
            before = services.clock.now() - FORGOTTEN_AFTER
            await attempts.forget_failures(tx, _tried(name), before=before)
            await confine(tx, now.member.tenant)
            return await start_login(services, tx, now.member, detail="passphrase")
        await attempts.count_failure(tx, _tried(name), services.clock.now())
        if now is not None:
            await confine(tx, now.member.tenant)
            await trace_own(
                services, tx, now.member, Act.REFUSED, purpose="sign in", detail="wrong passphrase"
            )
    raise NotSignedIn(WRONG)


async def start_login(services: Services, tx: Transaction, member: Member, *, detail: str) -> SignedInMember:
    """A login for a member who proved who they are, as part of `tx`."""
    secret, now = secrets.token_urlsafe(32), services.clock.now()
    login = MemberLogin(started_at=now, last_used_at=now)
    id = await store.add_login(tx, services.keyring, member, _digest(secret), login)
    await trace_own(services, tx, member, Act.SIGNED_IN, purpose="sign in", detail=detail)
    return SignedInMember(member=replace(member, login=id), secret=secret)


async def who(services: Services, secret: str) -> Member:
    """Whose login it is. Raises NotSignedIn after 14 idle days, 90 days, a sign-out or an erasure."""
    now = services.clock.now()
    async with services.database.transaction() as tx:
        known = await store.login_of(tx, services.keyring, _digest(secret))
        if known is None or is_over(known.login, now):
            raise NotSignedIn("sign in first; a login ends after 14 idle days and after 90 days")
        if now - known.login.last_used_at >= _TOUCH_EVERY:
            await confine(tx, known.member.tenant)
            used = replace(known.login, last_used_at=now)
            await store.change_login(tx, services.keyring, known.member, used)
    return known.member


def is_over(login: MemberLogin, now: datetime) -> bool:
    """Whether it ended by its age, or by lying idle."""
    return now - login.last_used_at >= IDLE or now - login.started_at >= ABSOLUTE


async def sign_out(services: Services, member: Member) -> None:
    """End this login."""
    async with services.database.transaction(member.tenant) as tx:
        if member.login is not None:
            await store.end_login(tx, member.tenant, member.login)
        await trace_own(services, tx, member, Act.SIGNED_OUT, purpose="sign out")


async def sign_out_everywhere(services: Services, member: Member) -> int:
    """End all of the person's logins; how many there were."""
    async with services.database.transaction(member.tenant) as tx:
        ended = await store.end_logins(tx, member.tenant, member.person)
        await trace_own(services, tx, member, Act.SIGNED_OUT, purpose="sign out everywhere")
    return ended


async def own_name(services: Services, member: Member) -> str:
    """The person's name, for their own pages. Raises NotFound."""
    async with services.database.transaction(member.tenant) as tx:
        return (await people.get(tx, services.keyring, member.tenant, member.person)).details.name


async def own_zone(services: Services, member: Member) -> tzinfo:
    """The clock on the wall where the person works: their home site's, else the first site's, else UTC."""
    async with services.database.transaction(member.tenant) as tx:
        person = await people.get(tx, services.keyring, member.tenant, member.person)
        every = await sites.sites(tx, services.keyring, member.tenant)
    home = [one for one in every if one.id == person.details.home_site] or every
    return zone_of(home[0].time_zone) if home else UTC


def normal_name(name: str) -> str:
    """The letters of a sign-in name as somebody types it."""
    return "".join(letter for letter in name.upper() if letter.isalnum())[: 2 * NAME_LENGTH]


def shown_name(name: str) -> str:
    """A sign-in name in two halves, easier to read."""
    half = NAME_LENGTH // 2
    return f"{name[:half]}-{name[half:]}"


def _new_name() -> str:
    return "".join(secrets.choice(NAME_LETTERS) for _ in range(NAME_LENGTH))


async def trace_own(
    services: Services, tx: Transaction, member: Member, act: Act, *, purpose: str, detail: str = ""
) -> None:
    """What a person did about themself, in the journal: who that is, is sealed."""
    await trace_as(
        services,
        tx,
        member.tenant,
        JOURNAL_NAME,
        act,
        purpose=purpose,
        subjects=[member.person],
        detail=detail,
    )


def _tried(name: str) -> bytes:
    return hashlib.sha256(b"member|" + name.encode()).digest()


def _digest(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()
