"""`/.well-known/security.txt` (RFC 9116): whom to tell of a hole in this installation."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from starlette.responses import PlainTextResponse, Response

PATH = "/.well-known/security.txt"
LASTS = timedelta(days=30)


def security_txt(contact: str | None, at: datetime, *, canonical: str | None = None) -> Response:
    """The file as of now, with the operator's contact; 404 while none is set."""
    if contact is None:
        return PlainTextResponse("No contact is set here (POSTERN_SECURITY_CONTACT).", 404)
    ends = datetime.combine((at + LASTS).date(), time.min, UTC)
    lines = [f"Contact: {contact}", f"Expires: {ends:%Y-%m-%dT%H:%M:%SZ}", "Preferred-Languages: en, zh"]
    if canonical is not None:
        lines.append(f"Canonical: {canonical}{PATH}")
    return PlainTextResponse("\n".join(lines) + "\n")
