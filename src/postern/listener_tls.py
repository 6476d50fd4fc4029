"""TLS as every listener of ours speaks it: 1.2 with forward secrecy and authenticated ciphers, and 1.3."""

from __future__ import annotations

import ssl

_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
"""Of TLS 1.2; all of 1.3's are as good. Python's own choice keeps CBC, which Lucky 13 tells apart by time."""


def listener_context() -> ssl.SSLContext:
    """Without a certificate yet: whoever listens loads it, and loads it anew when it is renewed."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(_CIPHERS)
    return context
