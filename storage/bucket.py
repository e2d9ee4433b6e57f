"""Blobs in an S3 bucket, so that gateways on several machines share them.

The bucket may be out of reach while the database is there: the door keeps raw mail in the database, and intake moves
it here. S3 answers a PUT only after the object is durable, and later reads see it. Needs the extra `s3`.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from urllib.parse import urlsplit

from config.errors import BadConfiguration, Damaged, DatabaseUnavailable
from config.storing import BlobSettings
from storage.blobs import whole

try:
    from obstore import delete, get, head, put
    from obstore.exceptions import BaseError
    from obstore.store import S3Store
except ImportError as error:
    raise BadConfiguration(
        "blobs.url names a bucket, and the extra s3 is not installed: pip install 'mail-ticket-gateway[s3]'"
    ) from error

_CONNECT_SECONDS = 5
_RETRIES = 3


@dataclass(frozen=True, slots=True)
class BucketBlobs:
    """A bucket of blobs, or the part of it below a prefix; names as in a folder."""

    store: S3Store
    url: str

    @property
    def is_remote(self) -> bool:
        """Always: see the head of this file."""
        return True

    def put(self, content: bytes, digest: str = "") -> str:
        """See Blobs. What is there already is written again: so it is younger than any collection that runs now."""
        digest = digest or sha256(content).hexdigest()
        try:
            put(self.store, _name(digest), content)
        except (BaseError, OSError) as error:
            raise DatabaseUnavailable(f"Cannot store in {self.url}: {_first_line(error)}") from error
        return digest

    def get(self, digest: str, _pack: str = "") -> bytes:
        """See Blobs."""
        try:
            content = bytes(get(self.store, _name(digest)).bytes())
        except FileNotFoundError as error:
            raise Damaged(f"Blob {digest} is not in {self.url}: restore it from the bucket's versions") from error
        except (BaseError, OSError) as error:
            raise DatabaseUnavailable(f"Blob {digest} cannot be read in {self.url}: {_first_line(error)}") from error
        return whole(content, digest, self.url)

    def has(self, digest: str, _pack: str = "") -> bool:
        """See Blobs. Raises DatabaseUnavailable when the bucket cannot be asked."""
        try:
            head(self.store, _name(digest))
        except FileNotFoundError:
            return False
        except (BaseError, OSError) as error:
            raise DatabaseUnavailable(f"Cannot look into {self.url}: {_first_line(error)}") from error
        return True

    def remove(self, digest: str, young: timedelta) -> bool:
        """See Blobs. A bucket with versions keeps the old one: its own rules end that."""
        try:
            if datetime.now(UTC) - head(self.store, _name(digest))["last_modified"] < young:
                return False
            delete(self.store, _name(digest))
        except FileNotFoundError:
            return True
        except (BaseError, OSError) as error:
            raise DatabaseUnavailable(f"Cannot remove in {self.url}: {_first_line(error)}") from error
        return True


def open_bucket(settings: BlobSettings) -> BucketBlobs:
    """The bucket of the settings; it is not asked yet."""
    url = urlsplit(settings.url)
    seconds = timedelta(seconds=settings.timeout_seconds)
    access, secret = settings.access_key.get_secret_value(), settings.secret_key.get_secret_value()
    store = S3Store(
        url.netloc,
        prefix=url.path.strip("/") or None,
        config={
            "region": settings.region,
            **({"endpoint": settings.endpoint} if settings.endpoint else {}),
            **({"access_key_id": access, "secret_access_key": secret} if access else {}),
        },
        client_options={
            "timeout": seconds,
            "connect_timeout": timedelta(seconds=_CONNECT_SECONDS),
            "allow_http": settings.endpoint.startswith("http:"),
        },
        retry_config={"max_retries": _RETRIES, "retry_timeout": seconds},
    )
    return BucketBlobs(store, settings.url)


def _name(digest: str) -> str:
    return f"{digest[:2]}/{digest[2:4]}/{digest}"


def _first_line(error: Exception) -> str:
    # The library adds its whole chain of causes, line after line.
    return str(error).split("\n", 1)[0][:300]
