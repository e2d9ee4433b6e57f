"""Blobs in a bucket of a real S3 server: as in a folder, and its troubles are ours in plain words."""

import secrets
from hashlib import sha256

import obstore
import pytest
from peers.ports import free_port
from peers.s3 import S3Server

from config.errors import Damaged, DatabaseUnavailable
from config.storing import BlobSettings
from storage.bucket import BucketBlobs, open_bucket

CONTENT = bytes(range(256)) * 300
DIGEST = sha256(CONTENT).hexdigest()


@pytest.fixture
def told(s3: S3Server) -> dict[str, str]:
    """The settings of a part of the bucket that is the test's own."""
    return s3.settings(f"test-{secrets.token_hex(6)}")


@pytest.fixture
def blobs(told: dict[str, str]) -> BucketBlobs:
    """An empty bucket."""
    return open_bucket(BlobSettings.model_validate(told))


@pytest.mark.parametrize("content", [CONTENT, b"", secrets.token_bytes(9_000_000)], ids=["small", "empty", "large"])
def test_blob_comes_back_from_a_bucket_as_it_was_put(blobs: BucketBlobs, content: bytes) -> None:
    """Bytes of any size are found by their SHA-256, however often they were put."""
    digest = blobs.put(content)
    assert digest == blobs.put(content, digest) == sha256(content).hexdigest()
    assert blobs.has(digest)
    assert blobs.get(digest) == content


def test_missing_blob_of_a_bucket_raises(blobs: BucketBlobs) -> None:
    """A digest that nobody put is not there, and asking for it is an error that names it."""
    blobs.put(b"something else")
    assert not blobs.has(DIGEST)
    with pytest.raises(Damaged, match=DIGEST):
        blobs.get(DIGEST)


def test_damaged_blob_of_a_bucket_raises(blobs: BucketBlobs) -> None:
    """An object that was cut is never handed out."""
    blobs.put(CONTENT)
    obstore.put(blobs.store, f"{DIGEST[:2]}/{DIGEST[2:4]}/{DIGEST}", CONTENT[:-1])
    with pytest.raises(Damaged, match="damaged"):
        blobs.get(DIGEST)


def test_wrong_key_is_unavailable_and_never_told(blobs: BucketBlobs, told: dict[str, str]) -> None:
    """A bucket that refuses us is trouble of ours for the time being; the key stands in no error and in no repr."""
    blobs.put(CONTENT)
    settings = BlobSettings.model_validate({**told, "secret_key": "open-sesame"})
    stranger = open_bucket(settings)
    for attempt in (lambda: stranger.put(CONTENT), lambda: stranger.get(DIGEST), lambda: stranger.has(DIGEST)):
        with pytest.raises(DatabaseUnavailable) as caught:
            attempt()
        assert "open-sesame" not in f"{caught.value}{caught.value.__cause__}{stranger}{settings}"


def test_bucket_out_of_reach_is_unavailable_in_time(told: dict[str, str]) -> None:
    """With nobody at the endpoint storing and reading raise within the time of the settings."""
    nobody = {**told, "endpoint": f"http://127.0.0.1:{free_port()}", "timeout_seconds": 3}
    blobs = open_bucket(BlobSettings.model_validate(nobody))
    with pytest.raises(DatabaseUnavailable, match="Cannot store in s3://gateway/test-"):
        blobs.put(CONTENT)
    with pytest.raises(DatabaseUnavailable, match="cannot be read"):
        blobs.get(DIGEST)
