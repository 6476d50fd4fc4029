"""A public certificate by ACME (RFC 8555) with HTTP-01, through Certbot's `acme` library.

The library is synchronous: `obtain` is run in a thread. The account's key is made once and kept.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from acme import challenges, client, crypto_util, errors, messages
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from josepy.jwa import ES256
from josepy.jwk import JWKEC

from postern.devices.certificates.challenges import expect, forget
from postern.devices.certificates.files import key_pem, new_key, write
from postern.errors import SettingsInvalid, Unavailable

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"

# The library logs whole requests; nothing of them belongs in our log.
logging.getLogger("acme").setLevel(logging.WARNING)


@dataclass(frozen=True, kw_only=True, slots=True)
class AcmeSettings:
    """Which authority to ask for which names. `ca`: what the directory's own certificate is checked against
    (a company's own authority), None for the public ones.
    """

    names: tuple[str, ...]
    directory: str = LETS_ENCRYPT
    ca: Path | None = None


def obtain(settings: AcmeSettings, folder: Path) -> None:
    """Get a certificate into `folder` (certificate.pem with its chain, key.pem). Blocks up to some minutes.

    Challenges are left in `folder` for `challenge_response` meanwhile. Raises `Unavailable` when the
    authority does not answer or does not believe, with its words; what is in `folder` stays as it was.
    """
    try:
        authority = _authority(settings, folder)
        key = new_key()
        order = authority.new_order(crypto_util.make_csr(key_pem(key), list(settings.names)))
        with _answered(authority, order, folder):
            done = authority.poll_and_finalize(order)
    except errors.ValidationError as fault:
        raise Unavailable(f"the certificate authority could not verify us: {_why(fault)}") from fault
    except (errors.Error, messages.Error, requests.RequestException, ValueError) as fault:
        raise Unavailable(f"no certificate from {settings.directory}: {fault}") from fault
    write(folder / "key.pem", key_pem(key))
    write(folder / "certificate.pem", done.fullchain_pem.encode(), mode=0o644)


def _authority(settings: AcmeSettings, folder: Path) -> client.ClientV2:
    """Signed in there; the account is made at the first time, agreeing to the authority's terms."""
    network = client.ClientNetwork(
        JWKEC(key=_account_key(folder / "account-key.pem")),
        alg=ES256,
        user_agent="Postern",
        timeout=20,
    )
    if settings.ca is not None:
        # The library hands it to requests, which takes the path of a bundle as well.
        network.verify_ssl = str(settings.ca)  # type: ignore[assignment]
    authority = client.ClientV2(client.ClientV2.get_directory(settings.directory, network), network)
    try:
        authority.new_account(messages.NewRegistration.from_data(terms_of_service_agreed=True))
    except errors.ConflictError as known:
        network.account = messages.RegistrationResource(body=messages.Registration(), uri=known.location)
    return authority


def _account_key(path: Path) -> ec.EllipticCurvePrivateKey:
    if not path.exists():
        write(path, key_pem(new_key()))
    key = load_pem_private_key(path.read_bytes(), password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise SettingsInvalid(f"{path} is no account key of ours; move it away to have a new one made")
    return key


@contextmanager
def _answered(authority: client.ClientV2, order: messages.OrderResource, folder: Path) -> Iterator[None]:
    """Lay out what the authority will fetch, tell it to come, and clear up afterwards."""
    cleanups: list[Callable[[], None]] = []
    try:
        for authorization in order.authorizations:
            if authorization.body.status == messages.STATUS_VALID:
                continue
            challenge = _http_challenge(authorization)
            response, validation = challenge.response_and_validation(authority.net.key)
            token = challenge.chall.encode("token")
            expect(folder, token, validation)
            cleanups.append(lambda token=token: forget(folder, token))  # type: ignore[misc]
            authority.answer_challenge(challenge, response)
        yield
    finally:
        for cleanup in cleanups:
            cleanup()


def _http_challenge(authorization: messages.AuthorizationResource) -> messages.ChallengeBody:
    for challenge in authorization.body.challenges:
        if isinstance(challenge.chall, challenges.HTTP01):
            return challenge
    raise errors.ClientError("it offers no HTTP-01 challenge; this name needs another way")


def _why(fault: errors.ValidationError) -> str:
    said = [
        f"{failed.body.identifier.value}: {challenge.error.detail}"
        for failed in fault.failed_authzrs
        for challenge in failed.body.challenges
        if challenge.error is not None
    ]
    return "; ".join(said) + ". Port 80 of these names must reach this machine"
