"""Sealed pictures in a bucket that speaks S3. Nothing there is public or presigned; all of it is sealed."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from postern.errors import BadInput, NotFound, SettingsInvalid, Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Config  # it is there for type checkers only

_NAME = re.compile(r"[0-9a-f]{32}")


class PictureBucket:
    """The `PictureStore` of a server. S3 confirms a put only once it is durable."""

    def __init__(self, url: str, *, endpoint: str | None = None) -> None:
        """`url` is `s3://bucket/folder`; keys and region come from the usual `AWS_…` variables.

        `endpoint` is the server's address where it is not Amazon's. Raises SettingsInvalid for another URL.
        """
        if not url.startswith("s3://"):
            raise SettingsInvalid("the pictures' bucket is given as s3://bucket/folder")
        config: S3Config = {"endpoint": endpoint} if endpoint else {}
        plain = bool(endpoint and endpoint.startswith("http://"))
        try:
            self._store = S3Store.from_url(url, config=config, client_options={"allow_http": plain})
        except BaseError as fault:
            raise SettingsInvalid(
                "the pictures' bucket cannot be used; check its URL and AWS_ variables"
            ) from fault

    async def put(self, name: str, sealed: bytes) -> None:
        """See `PictureStore.put`."""
        try:
            await obstore.put_async(self._store, _path(name), sealed, mode="create")
        except AlreadyExistsError:
            return
        except (BaseError, OSError) as fault:
            raise Unavailable("the pictures' bucket does not take the picture; try again later") from fault

    async def get(self, name: str) -> bytes:
        """See `PictureStore.get`."""
        try:
            found = await obstore.get_async(self._store, _path(name))
            return bytes(await found.bytes_async())
        except FileNotFoundError as fault:
            raise NotFound("this picture is not kept (any more)") from fault
        except (BaseError, OSError) as fault:
            raise Unavailable("the pictures' bucket does not answer; try again later") from fault

    async def delete(self, name: str) -> None:
        """See `PictureStore.delete`."""
        try:
            await obstore.delete_async(self._store, _path(name))
        except FileNotFoundError:
            return
        except (BaseError, OSError) as fault:
            raise Unavailable("the pictures' bucket does not answer; try again later") from fault


def _path(name: str) -> str:
    if _NAME.fullmatch(name) is None:
        raise BadInput("a picture's name is 32 hexadecimal digits")
    return f"{name[:2]}/{name}"
