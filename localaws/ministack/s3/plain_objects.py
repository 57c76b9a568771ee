"""The short way of plain PutObject, CopyObject and GetObject, which a fleet sends by the thousand.

MiniStack's dispatcher finds out of each request which of two hundred services it is for, and reads
five times who signed it: half of what a small object costs. What the caller signed as a whole, for
a bucket of the caller's own, with no header that asks for more, needs none of that. Only what is
answered with 200 is answered here: all else goes the long way, and is refused there as ever.
"""

from base64 import b64encode
from random import randbytes
from urllib.parse import unquote

from ministack.core import iam_actions
from ministack.core.responses import fix_success_content_type, request_scope
from ministack.services import s3

from localaws.authorization import Authorizer, Caller
from localaws.errors import AwsError
from localaws.ministack.admission import admitted
from localaws.ministack.embedding import Answer
from localaws.ministack.iam.enforcement import Enforcement
from localaws.signature import SignedRequest

ACTIONS = {"PUT": "s3:PutObject", "GET": "s3:GetObject"}
HEADERS = frozenset(
    {
        "accept", "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "authorization",
        "connection", "content-length", "content-md5", "content-type", "expect", "host",
        "if-match", "if-none-match", "user-agent", "x-amz-checksum-crc32",
        "x-amz-checksum-mode", "x-amz-content-sha256", "x-amz-copy-source", "x-amz-date",
        "x-amz-metadata-directive", "x-amz-sdk-checksum-algorithm", "x-amz-security-token",
        "x-amz-server-side-encryption", "x-amz-user-agent",
    }
)  # fmt: skip
"""With these, and metadata, a request needs no permission but to write and to read, and is answered
without CORS's headers."""
METADATA = "x-amz-meta-"
HOSTS = ("127.0.0.1", "localhost")
"""Where the path begins with the bucket."""


class PlainObjects:
    """Answers plain requests."""

    def __init__(self, authorizer: Authorizer, enforcement: Enforcement) -> None:
        self._authorizer = authorizer
        self._enforcement = enforcement
        self._handler = admitted("s3", _objects)

    async def answer(self, request: SignedRequest, path: str) -> Answer | None:
        """What a request is answered with; None when it has to go the long way."""
        if not _is_plain(request):
            return None
        try:
            caller = self._authorizer.authenticate(request)
        except AwsError:
            return None
        with request_scope(caller.scope.account_id, caller.scope.region):
            if not self._is_allowed(request, path, caller):
                return None
            headers = dict(request.headers)
            answer = await self._handler(request.method, path, headers, request.body, {})
        fix_success_content_type("s3", answer[0], answer[1])
        return answer if answer[0] == 200 else None

    def _is_allowed(self, request: SignedRequest, path: str, caller: Caller) -> bool:
        """Whether the caller may, in a bucket of the caller's account and the signed region."""
        region = caller.scope.region
        if caller.service != "s3" or not _is_object(path, region):
            return False
        action = ACTIONS[request.method]
        resource = iam_actions.extract_resource_arn(
            "s3", request.method, path, request.headers, b"", {}, region, caller.scope.account_id
        )
        context = iam_actions.s3_service_context(action, {}, path, request.headers)
        return self._enforcement.allows(caller, action, resource, context) and (
            "x-amz-copy-source" not in request.headers or self._may_copy(request, caller)
        )

    def _may_copy(self, request: SignedRequest, caller: Caller) -> bool:
        """Whether the caller may read what is to be copied, an object as it is now."""
        source, _, version = request.headers["x-amz-copy-source"].partition("?")
        path = "/" + unquote(source).lstrip("/")
        return (
            request.method == "PUT"
            and not version
            and _is_object(path, caller.scope.region)
            and self._enforcement.allows(caller, "s3:GetObject", f"arn:aws:s3:::{path[1:]}", {})
        )


async def _objects(
    method: str, path: str, headers: dict[str, str], body: bytes, query: dict[str, list[str]]
) -> Answer:
    """S3 without what only requests to others' buckets, and presigned ones, are looked at for."""
    bucket, _, key = path[1:].partition("/")
    answer: Answer = s3._dispatch(method, bucket, key, headers, body, query)
    answer[1]["x-amz-id-2"] = b64encode(randbytes(48)).decode()
    return answer


def _is_object(path: str, region: str) -> bool:
    """Whether a path names an object of a bucket of the account and region."""
    bucket, _, key = path[1:].partition("/")
    return bool(key) and s3.bucket_region(bucket) == region


def _is_plain(request: SignedRequest) -> bool:
    headers = request.headers
    return (
        request.method in ACTIONS
        and not request.query_string
        and all(name in HEADERS or name.startswith(METADATA) for name in headers)
        and headers.get("host", "").partition(":")[0] in HOSTS
    )
