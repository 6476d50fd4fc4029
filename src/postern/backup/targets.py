"""Where backups lie: a folder that another host empties, or a bucket whose objects are locked.

The hub only ever adds. A name is taken once and for all; nothing here can delete.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import obstore
from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import S3Store

from postern.backup.objects import NAME
from postern.errors import BadInput, Conflict, NotFound, SettingsInvalid, StorageFull, Unavailable

if TYPE_CHECKING:
    from obstore.store import S3Config  # it is there for type checkers only


class Target(Protocol):
    """A place that can be added to and read."""

    def put(self, name: str, data: bytes) -> None:
        """Durable on return. Raises Conflict when the name is taken, Unavailable or StorageFull."""

    def get(self, name: str) -> bytes:
        """The object's bytes. Raises NotFound or Unavailable."""

    def names(self) -> list[str]:
        """Every object's name, sorted. What has no such name is passed over."""


def target_at(
    where: str, *, endpoint: str | None = None, key_id: str | None = None, secret: str | None = None
) -> Target:
    """The target that a setting names: s3://bucket/folder, or a folder."""
    if where.startswith("s3://"):
        return Bucket(where, endpoint=endpoint, key_id=key_id, secret=secret)
    if "://" in where:
        raise SettingsInvalid("a backup's target is a folder or s3://bucket/folder")
    return Folder(Path(where).expanduser().absolute())


class Folder:
    """Objects as files that are never opened for writing again."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def put(self, name: str, data: bytes) -> None:
        """See `Target.put`."""
        place = self._place(name)
        draft = place.with_name(f".{place.name}.new")
        try:
            place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o400), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.link(draft, place)  # unlike a rename, it never replaces
            _settle(place.parent)
        except FileExistsError:
            raise Conflict(f"{name} is in the backups already; nothing was changed") from None
        except OSError as fault:
            raise StorageFull(f"{self.path} takes no backup ({fault.strerror}); look at its disk") from fault
        finally:
            draft.unlink(missing_ok=True)

    def get(self, name: str) -> bytes:
        """See `Target.get`."""
        try:
            return self._place(name).read_bytes()
        except FileNotFoundError:
            raise NotFound(f"{name} is missing among the backups") from None
        except OSError as fault:
            raise Unavailable(f"{name} cannot be read ({fault.strerror}); look at its disk") from fault

    def names(self) -> list[str]:
        """See `Target.names`."""
        if not self.path.is_dir():
            raise NotFound(f"there are no backups at {self.path}")
        found = (str(one.relative_to(self.path)) for one in self.path.rglob("*") if one.is_file())
        return sorted(one for one in found if NAME.fullmatch(one))

    def _place(self, name: str) -> Path:
        if NAME.fullmatch(name) is None:
            raise BadInput("this is no name of a backup's object")
        return self.path / name


class Bucket:
    """A bucket that speaks S3. What keeps it from deleting is the bucket's: docs/backup.md."""

    def __init__(
        self, url: str, *, endpoint: str | None = None, key_id: str | None = None, secret: str | None = None
    ) -> None:
        """Without `key_id` and `secret` the keys come from the usual `AWS_…` variables."""
        # Buckets with object lock take no object without a checksum.
        config: S3Config = {"checksum_algorithm": "SHA256"}
        if endpoint:
            config["endpoint"] = endpoint
        if key_id and secret:
            config["access_key_id"], config["secret_access_key"] = key_id, secret
        plain = bool(endpoint and endpoint.startswith("http://"))
        try:
            self._store = S3Store.from_url(url, config=config, client_options={"allow_http": plain})
        except BaseError as fault:
            raise SettingsInvalid("the backups' bucket cannot be used; check its URL and keys") from fault

    def put(self, name: str, data: bytes) -> None:
        """See `Target.put`."""
        try:
            obstore.put(self._store, name, data, mode="create", use_multipart=False)
        except AlreadyExistsError:
            raise Conflict(f"{name} is in the backups already; nothing was changed") from None
        except (BaseError, OSError) as fault:
            raise Unavailable("the backups' bucket does not take the object; look at its rights") from fault

    def get(self, name: str) -> bytes:
        """See `Target.get`."""
        try:
            return bytes(obstore.get(self._store, name).bytes())
        except FileNotFoundError:
            raise NotFound(f"{name} is missing among the backups") from None
        except (BaseError, OSError) as fault:
            raise Unavailable("the backups' bucket does not answer; try again later") from fault

    def names(self) -> list[str]:
        """See `Target.names`."""
        try:
            found = [str(one["path"]) for page in obstore.list(self._store) for one in page]
        except (BaseError, OSError) as fault:
            raise Unavailable("the backups' bucket does not answer; try again later") from fault
        return sorted(one for one in found if NAME.fullmatch(one))


def _settle(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
