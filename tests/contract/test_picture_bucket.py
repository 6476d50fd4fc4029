"""The same that the local picture folder must do, held against a bucket that speaks S3."""

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from moto.server import ThreadedMotoServer

from postern.devices.picture_bucket import PictureBucket
from postern.errors import BadInput, NotFound, SettingsInvalid, Unavailable

NAME = "0123456789abcdef0123456789abcdef"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    running = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    running.start()
    host, port = running.get_host_and_port()
    yield f"http://{host}:{port}"
    running.stop()


@pytest.fixture
def bucket(server: str, monkeypatch: pytest.MonkeyPatch) -> PictureBucket:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "drawn")
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    client = boto3.client("s3", endpoint_url=server, region_name="us-east-1")
    client.create_bucket(Bucket="pictures")
    for found in client.list_objects_v2(Bucket="pictures").get("Contents", []):
        client.delete_object(Bucket="pictures", Key=found["Key"])
    client.close()
    return PictureBucket("s3://pictures/sealed", endpoint=server)


async def test_what_was_put_is_got(bucket: PictureBucket) -> None:
    await bucket.put(NAME, b"sealed")
    assert await bucket.get(NAME) == b"sealed"


async def test_putting_a_name_again_replaces_nothing(bucket: PictureBucket) -> None:
    await bucket.put(NAME, b"sealed")
    await bucket.put(NAME, b"sealed otherwise")
    assert await bucket.get(NAME) == b"sealed"


async def test_a_deleted_picture_is_gone_and_deleting_again_is_no_fault(bucket: PictureBucket) -> None:
    await bucket.put(NAME, b"sealed")
    await bucket.delete(NAME)
    await bucket.delete(NAME)
    with pytest.raises(NotFound):
        await bucket.get(NAME)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", NAME.upper(), NAME + "0", "a/b"])
async def test_a_name_that_is_no_random_name_reaches_nothing(bucket: PictureBucket, name: str) -> None:
    with pytest.raises(BadInput):
        await bucket.get(name)


async def test_a_bucket_that_is_not_there_is_told(server: str, bucket: PictureBucket) -> None:
    missing = PictureBucket("s3://no-such-bucket/sealed", endpoint=server)
    with pytest.raises(Unavailable):
        await missing.put(NAME, b"sealed")


def test_a_url_that_is_no_buckets_is_refused() -> None:
    with pytest.raises(SettingsInvalid, match="s3://"):
        PictureBucket("https://example.org/pictures")
