"""Model artifacts: from S3 into a directory, within bounds."""

import io
import re
import sys
import zlib
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

if sys.version_info >= (3, 12):
    import tarfile
else:
    from backports import tarfile

_S3_HOST = re.compile(
    r"(?:(?P<bucket>[a-z0-9][a-z0-9.-]+)\.)?s3[.-](?:[a-z0-9-]+\.)?amazonaws\.com(?:\.cn)?"
)
"""https://docs.aws.amazon.com/AmazonS3/latest/userguide/VirtualHosting.html"""

MAXIMUM_UNPACKED_BYTES = 4 * 1024**3
MAXIMUM_MEMBERS = 10_000


UNREADABLE = (
    *(tarfile.TarError, zlib.error, EOFError, OSError, ValueError),
    *(ArithmeticError, LookupError, RecursionError),
)
"""What tarfile raises for archives: of the last line for links to nothing or to themselves."""


class ArtifactError(Exception):
    """An archive that is damaged, too large, or would write outside its directory."""


@dataclass(frozen=True)
class S3Location:
    """A bucket and a key or prefix."""

    bucket: str
    key: str

    @classmethod
    def parse(cls, url: str) -> "S3Location":
        """Read ``s3://bucket/key`` or the https URL of an object.

        Both are what the API takes (``(https|s3)://``); the CDK's constructs write the second form.

        Raises
        ------
        ValueError
            For anything else.
        """
        parts = urlsplit(url)
        if parts.scheme == "s3" and parts.netloc:
            return cls(parts.netloc, url[len(f"s3://{parts.netloc}/") :])
        if parts.scheme == "https" and (host := _S3_HOST.fullmatch(parts.netloc)) is not None:
            path = unquote(parts.path.removeprefix("/"))
            bucket, key = (host["bucket"], path) if host["bucket"] else _first_of(path)
            if bucket:
                return cls(bucket, key)
        raise ValueError(
            f"{url!r} is not of the form s3://bucket/key or https://s3.REGION.amazonaws.com/bucket/key"
        )

    @property
    def url(self) -> str:
        """``s3://bucket/key``."""
        return f"s3://{self.bucket}/{self.key}"

    def join(self, relative: str) -> "S3Location":
        """The object ``relative`` beneath this prefix."""
        separator = "" if not self.key or self.key.endswith("/") else "/"
        return S3Location(self.bucket, f"{self.key}{separator}{relative}")


def _first_of(path: str) -> tuple[str, str]:
    bucket, _, key = path.partition("/")
    return bucket, key


def unpack(archive: bytes, directory: Path) -> int:
    """Unpack a model.tar.gz into a new directory; returns the bytes that its files hold.

    Members that would land outside the directory, links out of it and device files are refused by
    tarfile's ``data`` filter (PEP 706).

    Raises
    ------
    ArtifactError
        Not a gzip-compressed tar archive, or one beyond the bounds of this module.
    """
    directory.mkdir(parents=True)
    unpacked = 0
    try:
        with tarfile.open(fileobj=io.BytesIO(archive), mode="r:gz") as tar:
            for number, member in enumerate(tar, start=1):
                unpacked += member.size
                if number > MAXIMUM_MEMBERS:
                    raise ArtifactError(f"the archive has more than {MAXIMUM_MEMBERS} members")
                if unpacked > MAXIMUM_UNPACKED_BYTES:
                    limit = MAXIMUM_UNPACKED_BYTES // 1024**3
                    raise ArtifactError(f"the archive unpacks to more than {limit} GiB")
                tar.extract(member, directory, filter="data")
    except UNREADABLE as error:
        raise ArtifactError(f"not a readable model.tar.gz: {error}") from None
    return unpacked
