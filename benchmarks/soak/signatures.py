"""What botocore signs is taken; what was changed after it was signed is not."""

import random
import time
from urllib.parse import quote, urlencode, urlsplit

from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from localaws.errors import AwsError
from localaws.signature import SignedRequest, parse_authorization, verify


def signatures(count: int, seed: int = 0) -> list[str]:
    """Requests that botocore signed and that are not taken, or that are taken when changed."""
    drawn = random.Random(seed)
    keys = Credentials("AKIAEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY")
    alphabet = "abcXYZ019-_.~ /+=&%äß€:*'()!"
    faults = []
    for number in range(count):
        service = drawn.choice(("s3", "sagemaker", "iam", "sts", "dynamodb"))
        path = "/" + quote("".join(drawn.choices(alphabet, k=drawn.randrange(20))).strip("/"))
        pairs = {drawn.choice("abAB"): drawn.choice(alphabet) for _ in range(drawn.randrange(4))}
        query = f"?{urlencode(pairs, quote_via=quote)}" if pairs else ""
        body = drawn.randbytes(drawn.randrange(100))
        headers = {"X-Amz-Meta-City": "".join(drawn.choices("abc  1", k=6)).strip() or "x"}
        method = drawn.choice(("GET", "PUT", "POST"))
        url = f"http://127.0.0.1:4566{path}{query}"
        request = AWSRequest(method, url, headers=headers, data=body)
        signer = S3SigV4Auth if service == "s3" else SigV4Auth
        signer(keys, service, "us-east-1").add_auth(request)
        sent = {name.lower(): value for name, value in request.headers.items()}
        parts = urlsplit(url)
        arrived = SignedRequest(
            method, parts.path, parts.query, {"host": parts.netloc, **sent}, body
        )
        if not _is_taken(arrived, keys.secret_key):
            faults.append(f"{number}: {service} {method} {path}{query} is refused")
        changed = SignedRequest(
            arrived.method, arrived.raw_path + "x", arrived.query_string, arrived.headers, body
        )
        if _is_taken(changed, keys.secret_key):
            faults.append(f"{number}: {service} {path}x is taken")
    return faults


def _is_taken(request: SignedRequest, secret: str) -> bool:
    signature, given = parse_authorization(request)
    try:
        payload_hash = request.headers.get("x-amz-content-sha256")
        verify(request, signature, given, secret, time.time(), payload_hash)
    except AwsError:
        return False
    return True
