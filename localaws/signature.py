"""Signature Version 4: who signed a request, and whether they did.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
Written for speed, for every invocation comes through here.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from urllib.parse import quote, unquote

from localaws.errors import AwsError

ALGORITHM = "AWS4-HMAC-SHA256"
TOLERANCE_SECONDS = 300
S3_TOLERANCE_SECONDS = 900
_UNSIGNED_HEADERS = frozenset({"x-amzn-trace-id", "x-amz-user-agent"})


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request as it came: path and query not decoded, header names in lower case.

    All text is latin-1, one character a byte. ``arrived`` is when it was read, as
    ``time.perf_counter`` counts.
    """

    method: str
    raw_path: str
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    arrived: float = field(default_factory=time.perf_counter)


@dataclass(frozen=True, slots=True)
class Signature:
    """What an Authorization header says besides the signature itself."""

    access_key_id: str
    date: str
    region: str
    service: str
    signed_headers: tuple[str, ...]
    signed_header_set: frozenset[str]


def parse_authorization(request: SignedRequest) -> tuple[Signature, str]:
    """The parts of the Authorization header and the signature in hex.

    Raises
    ------
    AwsError
        MissingAuthenticationTokenException or IncompleteSignatureException.
    """
    authorization = request.headers.get("authorization")
    if authorization is None:
        raise AwsError("MissingAuthenticationTokenException", "Missing Authentication Token", 403)
    head, _, signature = authorization.rpartition("Signature=")
    return _parse_head(head), signature


@lru_cache(maxsize=1024)
def _parse_head(head: str) -> Signature:
    algorithm, _, rest = head.partition(" ")
    if algorithm != ALGORITHM:
        raise _incomplete(f"Unsupported AWS 'algorithm': '{algorithm}'.")
    fields = dict(part.strip().partition("=")[::2] for part in rest.split(",") if part.strip())
    for name in ("Credential", "SignedHeaders"):
        if not fields.get(name):
            raise _incomplete(f"Authorization header requires '{name}' parameter.")
    scope = fields["Credential"].split("/")
    if len(scope) != 5 or scope[4] != "aws4_request":
        raise _incomplete("Credential must be keyid/date/region/service/aws4_request.")
    signed = tuple(fields["SignedHeaders"].split(";"))
    if "host" not in signed:
        raise _incomplete("'Host' must be a 'SignedHeader' in the AWS Authorization.")
    access_key_id, date, region, service, _ = scope
    return Signature(access_key_id, date, region, service, signed, frozenset(signed))


def verify(
    request: SignedRequest,
    signature: Signature,
    given: str,
    secret: str,
    now: float,
    payload_hash: str | None = None,
) -> None:
    """Check that the owner of ``secret`` signed this request, body and headers, just now.

    ``payload_hash`` stands for a body that has not been read yet.

    Raises
    ------
    AwsError
        InvalidSignatureException: for a signature that does not fit, for one made more than
        five minutes from ``now`` (seconds since the epoch), and for ``x-amz-`` headers that it
        leaves out.
    """
    signed_at = request.headers.get("x-amz-date", "")
    _check_time(signed_at, signature, now)
    scope = f"{signature.date}/{signature.region}/{signature.service}/aws4_request"
    payload_hash = payload_hash or hashlib.sha256(request.body).hexdigest()
    canonical = _canonical(request, signature, payload_hash).encode("latin-1")
    text = f"{ALGORITHM}\n{signed_at}\n{scope}\n{hashlib.sha256(canonical).hexdigest()}"
    key = _signing_key(secret, signature.date, signature.region, signature.service)
    genuine = hmac.compare_digest(key.sign(text.encode()), given.encode("latin-1"))
    if not genuine or leaves_out_headers(tuple(request.headers), signature.signed_header_set):
        raise _invalid(
            "The request signature we calculated does not match the signature you provided. Check"
            " your AWS Secret Access Key and signing method. Consult the service documentation for"
            " details."
        )


def _canonical(request: SignedRequest, signature: Signature, payload_hash: str) -> str:
    signed_headers = signature.signed_headers
    is_s3 = signature.service == "s3"
    lines = [
        request.method,
        request.raw_path if is_s3 else _canonical_path(request.raw_path),
        _canonical_query(request.query_string) if request.query_string else "",
    ]
    get = request.headers.get
    lines += [f"{name}:{_trimmed(get(name, ''))}" for name in signed_headers]
    lines += ["", ";".join(signed_headers), payload_hash]
    return "\n".join(lines)


def _trimmed(value: str) -> str:
    return " ".join(value.split()) if "  " in value else value.strip()


@lru_cache(maxsize=1024)
def _canonical_path(raw_path: str) -> str:
    """The path without dot segments, encoded once more: every service but S3 wants it so."""
    segments: list[str] = []
    for segment in raw_path.split("/"):
        if segment == "..":
            segments = segments[:-1]
        elif segment not in ("", "."):
            segments.append(segment)
    slash = "/" if raw_path.endswith("/") and segments else ""
    return quote("/" + "/".join(segments) + slash, safe="/-_.~")


def _canonical_query(query_string: str) -> str:
    pairs = (pair.partition("=") for pair in query_string.split("&") if pair)
    encoded = sorted((_encoded(name), _encoded(value)) for name, _, value in pairs)
    return "&".join(f"{name}={value}" for name, value in encoded)


def _encoded(text: str) -> str:
    return quote(unquote(text), safe="-_.~")


class SigningKey:
    """HMAC-SHA256 with a key that is used again and again.

    Copying two hashes is five times as fast as ``hmac``, which sets OpenSSL up for each message.
    """

    def __init__(self, key: bytes) -> None:
        padded = key.ljust(64, b"\0")
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in padded))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in padded))

    def sign(self, message: bytes) -> bytes:
        """The signature in hex."""
        inner = self._inner.copy()
        inner.update(message)
        outer = self._outer.copy()
        outer.update(inner.digest())
        return outer.hexdigest().encode()


@lru_cache(maxsize=1024)
def _signing_key(secret: str, date: str, region: str, service: str) -> SigningKey:
    key = b"AWS4" + secret.encode()
    for part in (date, region, service, "aws4_request"):
        key = hmac.digest(key, part.encode(), "sha256")
    return SigningKey(key)


@lru_cache(maxsize=1024)
def leaves_out_headers(names: tuple[str, ...], signed: frozenset[str]) -> frozenset[str]:
    """The ``x-amz-`` headers that could have been added or changed after the signing."""
    others = {*names} - signed - _UNSIGNED_HEADERS
    return frozenset(name for name in others if name.startswith("x-amz"))


def _check_time(signed_at: str, signature: Signature, now: float) -> None:
    tolerance = S3_TOLERANCE_SECONDS if signature.service == "s3" else TOLERANCE_SECONDS
    try:
        moment = _parse_time(signed_at)
    except ValueError:
        raise _incomplete("Authorization header requires a valid 'X-Amz-Date' header.") from None
    if signed_at[:8] != signature.date:
        raise _invalid("Date in Credential scope does not match YYYYMMDD from ISO-8601 version.")
    if moment < now - tolerance:
        raise _invalid(
            f"Signature expired: {signed_at} is now earlier than {_stamp(now - tolerance)}"
            f" ({_stamp(now)} - {tolerance // 60} min.)"
        )
    if moment > now + tolerance:
        raise _invalid(
            f"Signature not yet current: {signed_at} is still later than"
            f" {_stamp(now + tolerance)} ({_stamp(now)} + {tolerance // 60} min.)"
        )


@lru_cache(maxsize=64)
def _parse_time(text: str) -> float:
    return datetime.strptime(text, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _stamp(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).strftime("%Y%m%dT%H%M%SZ")


def _incomplete(message: str) -> AwsError:
    return AwsError("IncompleteSignatureException", message, 403)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidSignatureException", message, 403)
