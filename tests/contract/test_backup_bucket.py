"""A bucket that speaks S3: the hub adds to it and writes nothing over; a locked version is not deleted."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError
from moto.server import ThreadedMotoServer

from postern.backup.targets import Bucket
from postern.errors import Conflict, NotFound

NAME, OTHER = "20260301T120000Z-0a1b2c3d/data/wal/one", "20260301T120000Z-0a1b2c3d/data/wal/two"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture(scope="module")
def client(server: str) -> Iterator[object]:
    made = boto3.client(
        "s3",
        endpoint_url=server,
        region_name="us-east-1",
        aws_access_key_id="drawn",
        aws_secret_access_key="drawn",
    )
    made.create_bucket(Bucket="backups", ObjectLockEnabledForBucket=True)
    yield made
    made.close()


def test_objects_are_added_once_and_stay(
    server: str, client: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    bucket = Bucket("s3://backups/hub", endpoint=server, key_id="drawn", secret="drawn")
    bucket.put(NAME, b"first")
    with pytest.raises(Conflict, match="already"):
        bucket.put(NAME, b"second")
    assert bucket.get(NAME) == b"first"
    assert bucket.names() == [NAME]
    with pytest.raises(NotFound):
        bucket.get(OTHER)
    _is_locked(client)


def _is_locked(client: Any) -> None:
    """The bucket's own lock, put on each object here; a real bucket does it by its default retention."""
    (version,) = client.list_object_versions(Bucket="backups")["Versions"]
    which = {"Bucket": "backups", "Key": version["Key"], "VersionId": version["VersionId"]}
    until = datetime.now(UTC) + timedelta(days=35)
    client.put_object_retention(Retention={"Mode": "COMPLIANCE", "RetainUntilDate": until}, **which)
    with pytest.raises(ClientError, match=r"Access ?Denied"):
        client.delete_object(**which)
