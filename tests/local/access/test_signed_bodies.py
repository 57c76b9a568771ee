"""Requests to services other than SageMaker: what was signed is what is done.

https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html
"""

import hashlib
import http.client
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials

from localaws.testing import LocalAws

BUCKET = "signed-bodies"


@pytest.fixture(scope="module")
def s3(localaws: LocalAws) -> Any:
    client: Any = localaws.session().client("s3", config=Config(signature_version="s3v4"))
    client.create_bucket(Bucket=BUCKET)
    client.put_object(Bucket=BUCKET, Key="key", Body=b"kept")
    return client


def administrator(localaws: LocalAws) -> Credentials:
    keys = localaws.state.credentials
    return Credentials(keys.access_key_id, keys.secret_access_key)


def signed(localaws: LocalAws, method: str, path: str, body: bytes) -> dict[str, str]:
    """The headers of a request to S3 as botocore signs it."""
    request = AWSRequest(method, localaws.endpoint_url + path, data=body)
    S3SigV4Auth(administrator(localaws), "s3", "us-east-1").add_auth(request)
    return dict(request.headers.items())


def send(
    localaws: LocalAws, method: str, path: str, headers: dict[str, str], body: bytes = b""
) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(localaws.endpoint_url).netloc, timeout=30)
    connection.request(method, path, body, headers)
    response = connection.getresponse()
    return response.status, response.read().decode()


def test_a_body_other_than_its_signed_hash_is_refused(localaws: LocalAws, s3: Any) -> None:
    headers = signed(localaws, "PUT", f"/{BUCKET}/new", b"real")
    status, answer = send(localaws, "PUT", f"/{BUCKET}/new", headers, b"fake")
    assert (status, "XAmzContentSHA256Mismatch" in answer) == (400, True)
    assert hashlib.sha256(b"fake").hexdigest() in answer
    assert "Contents" not in s3.list_objects_v2(Bucket=BUCKET, Prefix="new")


@pytest.mark.parametrize("name", ["x-amz-meta-city", "x-amz-acl", "x-amz-copy-source"])
def test_a_header_added_to_a_signed_request_is_refused(
    localaws: LocalAws, s3: Any, name: str
) -> None:
    headers = signed(localaws, "PUT", f"/{BUCKET}/new", b"real") | {name: "other"}
    status, answer = send(localaws, "PUT", f"/{BUCKET}/new", headers, b"real")
    assert (status, f"<HeadersNotSigned>{name}<" in answer) == (403, True)


def test_a_header_added_to_a_presigned_request_is_refused(localaws: LocalAws, s3: Any) -> None:
    url = s3.generate_presigned_url("put_object", Params={"Bucket": BUCKET, "Key": "presigned"})
    path = url.removeprefix(localaws.endpoint_url)
    assert send(localaws, "PUT", path, {"x-amz-meta-city": "x"}, b"1")[0] == 403
    assert send(localaws, "PUT", path, {}, b"1")[0] == 200


def test_a_header_added_to_a_request_of_another_service_is_refused(localaws: LocalAws) -> None:
    body = b"Action=ListUsers&Version=2010-05-08"
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    request = AWSRequest("POST", f"{localaws.endpoint_url}/", headers=form, data=body)
    SigV4Auth(administrator(localaws), "iam", "us-east-1").add_auth(request)
    headers = dict(request.headers.items())
    assert send(localaws, "POST", "/", headers, body)[0] == 200
    status, answer = send(localaws, "POST", "/", headers | {"x-amz-security-token": "x"}, body)
    assert (status, "SignatureDoesNotMatch" in answer) == (403, True)


@pytest.mark.parametrize("signature", [{}, {"Authorization": "AWS4-HMAC-SHA256 Credential=AKIAX/"}])
def test_a_long_body_of_a_stranger_is_refused_unread(
    localaws: LocalAws, s3: Any, signature: dict[str, str]
) -> None:
    connection = http.client.HTTPConnection(urlsplit(localaws.endpoint_url).netloc, timeout=10)
    connection.putrequest("PUT", f"/{BUCKET}/long")
    for name, value in {**signature, "Content-Length": str(1_200_000_000)}.items():
        connection.putheader(name, value)
    connection.endheaders()  # and not one byte of the body
    assert connection.getresponse().status in (403, 413)


def test_a_long_object_is_taken_when_it_is_signed(localaws: LocalAws, s3: Any) -> None:
    body = bytes(range(256)) * 20_000
    s3.put_object(Bucket=BUCKET, Key="long", Body=body)
    assert s3.get_object(Bucket=BUCKET, Key="long")["Body"].read() == body
