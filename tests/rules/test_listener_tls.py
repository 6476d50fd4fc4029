"""What listeners agree to speak, and that there is one place that says so."""

from __future__ import annotations

import ssl
from pathlib import Path

from postern.listener_tls import listener_context


def test_only_ciphers_with_forward_secrecy_and_authentication_are_spoken() -> None:
    context = listener_context()
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    older = [one for one in context.get_ciphers() if one["protocol"] == "TLSv1.2"]
    assert older
    assert all(one["aead"] and one["name"].startswith("ECDHE-") for one in older)
    assert any(not one["aead"] for one in ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).get_ciphers())


def test_no_listener_has_tls_settings_of_its_own() -> None:
    """House rule: uvicorn's own, and Python's usual ones for servers, are weaker."""
    root = Path(__file__).parents[2] / "src" / "postern"
    weaker = ("ssl_certfile", "Purpose.CLIENT_AUTH", "PROTOCOL_TLS_SERVER")
    found = {
        path.name for path in root.rglob("*.py") if any(one in path.read_text("utf-8") for one in weaker)
    }
    assert found == {"listener_tls.py"}
