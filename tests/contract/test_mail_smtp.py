"""Letters by SMTP, taken over by a real server: in the open on this machine alone, over TLS else."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword

from postern.clock import SystemClock
from postern.console_tls import Certificate
from postern.devices.mail_smtp import SmtpPost, SmtpSettings, smtp_settings
from postern.errors import Refused, SettingsInvalid, Unavailable
from postern.operations.ports import Letter
from postern.settings import Settings

LETTER = Letter(
    to="mei@example.org", subject="Your visit: Werk 北, 09:00", text="您好 Mei\n", picture=b"\x89PNG drawn"
)
SENDER = "Postern <postern@example.org>"


@dataclass
class Box:
    """What the server took over; addresses at `nowhere.example` it refuses."""

    taken: list[EmailMessage] = field(default_factory=list)
    greylisting: bool = False

    async def handle_RCPT(
        self, server: object, session: object, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.greylisting:
            return "451 try again later"
        if address.endswith("nowhere.example"):
            return "550 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: object, session: object, envelope: Envelope) -> str:
        assert isinstance(envelope.content, bytes)
        read = message_from_bytes(envelope.content, policy=policy.default)
        assert isinstance(read, EmailMessage)
        self.taken.append(read)
        return "250 taken"


@asynccontextmanager
async def server(box: Box, *, tls: ssl.SSLContext | None = None, **options: Any) -> AsyncIterator[int]:
    """On a free port of this machine."""
    loop = asyncio.get_running_loop()
    made = await loop.create_server(lambda: SMTP(box, loop=loop, **options), "127.0.0.1", 0, ssl=tls)
    try:
        yield made.sockets[0].getsockname()[1]
    finally:
        made.close()
        await made.wait_closed()


def here(port: int, **changed: Any) -> SmtpSettings:
    return SmtpSettings(**({"host": "127.0.0.1", "port": port, "sender": SENDER} | changed))


async def test_a_letter_arrives_whole_in_any_script_with_its_picture() -> None:
    box = Box()
    async with server(box) as port:
        await SmtpPost(here(port)).send(LETTER)
    (got,) = box.taken
    assert (got["To"], got["From"], got["Subject"]) == (LETTER.to, SENDER, LETTER.subject)
    text, picture = got.get_body(("plain",)), next(got.iter_attachments())
    assert text is not None
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert (picture.get_content_type(), picture.get_content()) == ("image/png", LETTER.picture)


async def test_an_address_that_is_refused_is_refused_and_one_that_waits_is_tried_again() -> None:
    box = Box()
    async with server(box) as port:
        with pytest.raises(Refused, match="address"):
            await SmtpPost(here(port)).send(Letter(to="x@nowhere.example", subject="s", text="t"))
        box.greylisting = True
        with pytest.raises(Unavailable, match="tried again"):
            await SmtpPost(here(port)).send(LETTER)
    with pytest.raises(Unavailable, match="does not answer"):
        await SmtpPost(here(port)).send(LETTER)
    assert box.taken == []


@pytest.fixture(scope="module")
async def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    """A certificate of this machine's own authority, as the console has one."""
    folder = tmp_path_factory.mktemp("smtp")
    made = Certificate(Settings(data=folder, host="0.0.0.0", public_url="https://localhost"), SystemClock())
    await made.renew()
    return made


async def test_a_login_and_the_letter_go_over_tls(certificate: Certificate) -> None:
    box, tried = Box(), []

    def let_in(_server: object, _session: object, _envelope: object, _way: str, given: object) -> AuthResult:
        assert isinstance(given, LoginPassword)
        tried.append((given.login, given.password))
        return AuthResult(success=given.password == b"right")

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    assert certificate.files is not None
    context.load_cert_chain(certificate.files.certificate, certificate.files.key)
    root = certificate.files.certificate.with_name("root.pem")
    async with server(box, tls=context, authenticator=let_in, auth_require_tls=False) as port:
        settings = here(port, host="localhost", smtps=True, login="postern", password="right", root=str(root))
        await SmtpPost(settings).send(LETTER)
        assert tried == [(b"postern", b"right")]
        with pytest.raises(Unavailable):  # somebody else's certificate
            await SmtpPost(here(port, host="localhost", smtps=True)).send(LETTER)
    assert len(box.taken) == 1


async def test_a_server_elsewhere_that_offers_no_tls_gets_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(SmtpSettings, "is_here", property(lambda _: False))
    box = Box()
    async with server(box) as port:
        with pytest.raises(Unavailable):
            await SmtpPost(here(port)).send(LETTER)
    assert box.taken == []


def test_the_address_of_the_server_says_what_is_needed() -> None:
    read = smtp_settings("smtps://post%40x:s%3Acret@mail.example.org", sender=SENDER)
    assert (read.host, read.port, read.smtps) == ("mail.example.org", 465, True)
    assert (read.login, read.password) == ("post@x", "s:cret")
    assert smtp_settings("smtp://a@m.example:2525", sender=SENDER, password="file").password == "file"
    assert "s:cret" not in repr(read)


@pytest.mark.parametrize("url", ["", "http://x", "smtp://", "mail.example.org:25", "smtp://h:port"])
def test_an_address_that_is_none_is_refused_at_the_start(url: str) -> None:
    with pytest.raises(SettingsInvalid):
        smtp_settings(url, sender=SENDER)


@pytest.mark.parametrize("sender", [None, "", "postern"])
def test_letters_need_a_sender(sender: str | None) -> None:
    with pytest.raises(SettingsInvalid, match="POSTERN_SMTP_FROM"):
        smtp_settings("smtp://mail.example.org", sender=sender)
