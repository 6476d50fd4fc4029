"""What a stranger on the network is shown: pages for developers, old TLS, a bucket that anybody may list."""

from __future__ import annotations

import asyncio
import ssl
import warnings
from collections.abc import Collection, Mapping
from urllib.parse import urlsplit

import httpx

from postern.console_tls import is_any, needs_tls, public_side
from postern.doctor.finding import Finding, danger, ok
from postern.settings import Settings

NAME = "outside"
DEVELOPERS_PAGES = (
    "/docs",
    "/redoc",
    "/openapi.json",
    "/metrics",
    "/debug",
    "/admin",
    "/.env",
    "/.git/config",
)
OLD = ("TLSv1", "TLSv1.1")
_PATIENCE = 3.0


def judge_pages(answers: Mapping[str, int], where: str) -> list[Finding]:
    """`answers`: the status with which each address was answered, asked without a login."""
    return [
        danger(
            NAME,
            f"{where} shows {path} to anybody",
            "update Postern, or find out what answers in its place (a proxy, another program)",
        )
        for path, status in answers.items()
        if 200 <= status < 300
    ]


def judge_tls(agreed: Collection[str], where: str) -> list[Finding]:
    """`agreed`: the old versions in which a conversation came about."""
    return [
        danger(
            NAME, f"{where} still speaks {version}", "allow TLS 1.2 and newer only, in the proxy before it"
        )
        for version in agreed
        if version in OLD
    ]


def judge_bucket(status: int | None, bucket: str) -> list[Finding]:
    """`status`: how the bucket answered a stranger's wish to list it; None: not at all."""
    if status is not None and 200 <= status < 300:
        cure = "block public access in the bucket's policy, and find out since when it was open"
        return [danger(NAME, f"the bucket {bucket} lets anybody list it", cure)]
    return []


def judge_url(endpoint: str | None) -> list[Finding]:
    """A bucket is reached in clear only on this machine."""
    parts = urlsplit(endpoint or "")
    if parts.scheme == "http" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        return [
            danger(
                NAME, f"the bucket's server {parts.hostname} is spoken to without TLS", "give its https URL"
            )
        ]
    return []


async def examine(settings: Settings, *, running: bool) -> list[Finding]:
    """The bucket, and where Postern runs its console and the drivers' pages."""
    findings = judge_url(settings.pictures_endpoint)
    if settings.pictures_url is not None:
        findings += judge_bucket(await bucket_status(settings), settings.pictures_url)
    sides = ((settings, "the console"), (public_side(settings), "the drivers' listener")) if running else ()
    for side, where in sides:
        findings += judge_pages(await pages_of(side), where)
        if needs_tls(side):
            findings += judge_tls(await old_versions(_host(side), side.port), where)
    return findings or [ok(NAME, "no page for developers, no old TLS, no open bucket")]


async def bucket_status(settings: Settings) -> int | None:
    """How the bucket answers to somebody without keys."""
    bucket = urlsplit(settings.pictures_url or "").netloc
    base = settings.pictures_endpoint
    url = f"{base.rstrip('/')}/{bucket}" if base else f"https://{bucket}.s3.amazonaws.com"
    try:
        async with httpx.AsyncClient(timeout=_PATIENCE, trust_env=False) as http:
            return (await http.get(f"{url}/?list-type=2&max-keys=1")).status_code
    except httpx.HTTPError:
        return None


async def pages_of(side: Settings) -> dict[str, int]:
    """The developers' pages as this listener answers them; nothing where it does not answer."""
    scheme, host = "https" if needs_tls(side) else "http", _host(side)
    named = f"[{host}]" if ":" in host else host
    found = {}
    # What is asked is whether anything answers there at all: whose certificate it shows does not matter.
    async with httpx.AsyncClient(timeout=_PATIENCE, verify=False, trust_env=False) as http:  # noqa: S501
        for path in DEVELOPERS_PAGES:
            try:
                found[path] = (await http.get(f"{scheme}://{named}:{side.port}{path}")).status_code
            except httpx.HTTPError:
                break
    return found


async def old_versions(host: str, port: int) -> list[str]:
    """The old versions of TLS in which the listener there agrees to speak."""
    agreed = []
    for name, version in zip(OLD, (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1), strict=True):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        try:
            async with asyncio.timeout(_PATIENCE):
                _, writer = await asyncio.open_connection(host, port, ssl=context)
        except (OSError, TimeoutError):
            continue
        writer.close()
        agreed.append(name)
    return agreed


def _host(side: Settings) -> str:
    return "127.0.0.1" if is_any(side.host) else side.host
