"""Letters by SMTP: to the organisation's own mail server, or to a provider's."""

from __future__ import annotations

import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formatdate, make_msgid
from ipaddress import ip_address
from urllib.parse import unquote, urlsplit

import aiosmtplib

from postern.errors import Refused, SettingsInvalid, Unavailable
from postern.operations.ports import Letter

_SECONDS = 20.0
_PORTS = {"smtp": 587, "smtps": 465}


@dataclass(frozen=True, kw_only=True, slots=True)
class SmtpSettings:
    """Where letters go and from whom they are. `smtps`: TLS from the first byte, else STARTTLS.

    Only a server on this machine is spoken to in the open. `root`: a certificate to trust besides the usual.
    """

    host: str
    port: int
    sender: str
    smtps: bool = False
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    root: str | None = None

    @property
    def is_here(self) -> bool:
        """Whether the server is on this machine."""
        if self.host == "localhost":
            return True
        try:
            return ip_address(self.host).is_loopback
        except ValueError:
            return False


def smtp_settings(url: str, *, sender: str | None, password: str | None = None) -> SmtpSettings:
    """From `smtp://login@host:587` or `smtps://…`; a password in the address, or by itself.

    Raises SettingsInvalid with what to correct.
    """
    parts = urlsplit(url)
    try:
        port = parts.port or _PORTS.get(parts.scheme, 0)
    except ValueError:
        port = 0
    if parts.scheme not in _PORTS or not parts.hostname or not port:
        raise SettingsInvalid(
            "POSTERN_SMTP_URL looks like smtp://login@mail.example.org:587, or smtps:// for TLS at once"
        )
    if not sender or "@" not in sender:
        raise SettingsInvalid("letters need a sender: set POSTERN_SMTP_FROM to a mail address")
    return SmtpSettings(
        host=parts.hostname,
        port=port,
        sender=sender,
        smtps=parts.scheme == "smtps",
        login=unquote(parts.username) if parts.username else None,
        password=password or (unquote(parts.password) if parts.password else None),
    )


class SmtpPost:
    """A connection for each letter: few are sent, and none waits for another."""

    def __init__(self, settings: SmtpSettings) -> None:
        self._settings = settings

    async def send(self, letter: Letter) -> None:
        """See `Post`. A server that offers no TLS gets nothing, unless it is on this machine."""
        settings = self._settings
        try:
            await aiosmtplib.send(
                _message(letter, settings.sender),
                hostname=settings.host,
                port=settings.port,
                username=settings.login,
                password=settings.password,
                use_tls=settings.smtps,
                start_tls=not (settings.smtps or settings.is_here),
                tls_context=_trust(settings.root),
                timeout=_SECONDS,
            )
        except aiosmtplib.SMTPRecipientsRefused as fault:
            if all(500 <= one.code < 600 for one in fault.recipients):
                raise Refused("the mail server refuses this address; look for a typing slip") from fault
            raise Unavailable("the mail server does not take this letter now; it is tried again") from fault
        except (aiosmtplib.SMTPException, OSError) as fault:
            raise Unavailable(
                "the mail server does not answer, or not as it should; look at POSTERN_SMTP_URL"
            ) from fault


def _trust(root: str | None) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=root) if root else ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _message(letter: Letter, sender: str) -> EmailMessage:
    """Plain text, with the picture beside it."""
    message = EmailMessage(policy=SMTP)
    message["From"], message["To"], message["Subject"] = sender, letter.to, letter.subject
    message["Date"] = formatdate(localtime=False)
    message["Message-ID"] = make_msgid(domain=sender.partition("@")[2].strip(" >"))
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    if letter.picture is not None:
        message.add_attachment(letter.picture, maintype="image", subtype="png", filename="qr.png")
    return message
