"""What is looked at before a request is read, and before its service sees it.

Who sends much is known first: by the signature where S3's header holds the hash of the body, by
the access key otherwise. A body is what its hash says, and ``x-amz-`` headers are signed.
https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

import hashlib
import os
import re
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from urllib.parse import parse_qs

from localaws.authorization import Authorizer
from localaws.errors import AwsError
from localaws.http.wire import Exchange
from localaws.signature import SignedRequest, leaves_out_headers

KNOWN_BYTES = 512 * 1024 * 1024
"""Of callers who are known; objects that are longer are uploaded in parts."""
UNKNOWN_BYTES = 1024 * 1024
FORM_BYTES = 32 * 1024 * 1024
"""A form that a browser sends to S3 carries its signature within."""

_HASH = re.compile(r"[0-9a-f]{64}")
_CREDENTIAL = ("X-Amz-Credential", "AWSAccessKeyId")


_READING = re.compile(
    "(Assume|BatchGet|Decrypt|Delete|Describe|Filter|Get|Head|Invoke|List|Query|Remove|Scan|Search"
    "|Select|Simulate|StartQuery|Stop|Test|TransactGet|Untag|Validate)"
)
"""Operations that need no room on the disk, or make some."""
ROOM_BYTES = 8 * 1024 * 1024
ROOM_SECONDS = 0.25
"""That a look at the disk holds: it takes longer than most else that is done for a request."""


class Entrance:
    """Checks the requests that MiniStack answers, whose state is kept in ``directory``.

    ``trouble`` tells why nothing can be saved there at the moment, if so.
    """

    def __init__(self, authorizer: Authorizer, directory: Path, trouble: Callable[[], str]) -> None:
        self._authorizer = authorizer
        self._directory = directory
        self._trouble = trouble
        self._room = 0
        self._looked_at = -ROOM_SECONDS

    def check_room(self, action: str, size: int) -> None:
        """Raise ``AwsError`` when the action would have to be saved and the disk takes nothing.

        ``action`` is an operation or an HTTP method.
        """
        if action in ("GET", "HEAD", "DELETE", "OPTIONS") or _READING.match(action):
            return
        trouble = self._trouble()
        if self._free_bytes() < ROOM_BYTES + 2 * size:
            trouble = f"the disk of {self._directory} is full"
        if trouble:
            raise AwsError(
                "ServiceUnavailable",
                f"localaws cannot save: {trouble}. Nothing was changed; try again once that is"
                " mended",
                503,
            )

    def _free_bytes(self) -> int:
        now = time.monotonic()
        if now - self._looked_at >= ROOM_SECONDS:
            disk = os.statvfs(self._directory)
            self._room, self._looked_at = disk.f_bavail * disk.f_frsize, now
        return self._room

    def limit(self, exchange: Exchange) -> int:
        """How long the body may be.

        Raises
        ------
        AwsError
            For headers that are not signed, and for a long body of somebody who is not who they
            say.
        """
        headers = exchange.headers
        query = parse_qs(exchange.query_string)
        _check_signed_headers(exchange.service, headers, query)
        _check_expiry(query)
        declared = headers.get("content-length", "")
        long = not declared.isdecimal() or int(declared) > UNKNOWN_BYTES
        if not long or exchange.method in ("GET", "HEAD"):
            return UNKNOWN_BYTES
        if "authorization" in headers:
            self._authorizer.authenticate_head(_head(exchange))
            return KNOWN_BYTES
        credential = next((query[name][0] for name in _CREDENTIAL if name in query), "")
        if credential and self._authorizer.knows(credential.partition("/")[0]):
            return KNOWN_BYTES
        if headers.get("content-type", "").startswith("multipart/form-data"):
            return FORM_BYTES
        return UNKNOWN_BYTES


def _check_expiry(query: Mapping[str, list[str]]) -> None:
    """An address that was signed by version 2 says when it ends."""
    ends = query.get("Expires", [""])[0]
    if "Signature" in query and ends.isdecimal() and int(ends[:12]) < time.time():
        raise AwsError("AccessDenied", "Request has expired", 403)


def check_hash(headers: Mapping[str, str], body: bytes) -> None:
    """Raise ``AwsError`` when the body is another than its signed hash says."""
    given = headers.get("x-amz-content-sha256", "")
    if not _HASH.fullmatch(given):
        return  # UNSIGNED-PAYLOAD, or chunks that are signed one by one
    computed = hashlib.sha256(body).hexdigest()
    if computed != given:
        raise AwsError(
            "XAmzContentSHA256Mismatch",
            "The provided 'x-amz-content-sha256' header does not match what was computed.",
            400,
            {"ClientComputedContentSHA256": given, "S3ComputedContentSHA256": computed},
        )


def _head(exchange: Exchange) -> SignedRequest:
    scope = exchange.scope
    path, query = scope["raw_path"].decode("latin-1"), exchange.query_string
    return SignedRequest(exchange.method, path, query, exchange.headers, b"")


def _check_signed_headers(
    service: str, headers: Mapping[str, str], query: Mapping[str, list[str]]
) -> None:
    authorization = headers.get("authorization", "")
    if authorization.startswith("AWS4-"):
        names = authorization.partition("SignedHeaders=")[2].partition(",")[0]
    elif "X-Amz-SignedHeaders" in query:
        names = query["X-Amz-SignedHeaders"][0]
    else:
        return
    left_out = leaves_out_headers(tuple(headers), frozenset(names.strip().lower().split(";")))
    if left_out and service not in ("", "s3"):
        raise AwsError(
            "SignatureDoesNotMatch",
            "The request signature we calculated does not match the signature you provided:"
            f" {', '.join(sorted(left_out))} is not signed.",
            403,
        )
    if left_out:
        raise AwsError(
            "AccessDenied",
            "There were headers present in the request which were not signed",
            403,
            {"HeadersNotSigned": ", ".join(sorted(left_out))},
        )
