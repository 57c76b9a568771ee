"""What a bucket encrypts objects with by default, read once from a configuration and not each time.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-encryption.html
"""

from collections.abc import Callable, Mapping
from functools import lru_cache

from ministack.services import s3

from localaws.ministack import patches

Headers = Mapping[str, str]


def install() -> None:
    """Put it in MiniStack's place."""
    patches.replace(s3, "_bucket_default_sse_headers", _remembering)


def _remembering(headers_of: Callable[[str], Headers]) -> Callable[[str], Headers]:
    @lru_cache(maxsize=256)
    def read(bucket: str, configuration: str | bytes) -> Headers:
        return headers_of(bucket)

    def headers(bucket: str) -> Headers:
        configuration = s3._bucket_encryption.get(bucket)
        return dict(read(bucket, configuration)) if configuration else {}

    return headers
