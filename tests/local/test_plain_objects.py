"""Plain puts and gets of objects take a short way, on which they are answered as on the long one.

A header that means nothing to S3 sends a request the long way.
"""

import json
import re
from collections.abc import Mapping
from http.client import HTTPConnection
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest

from localaws.testing import LocalAws

BUCKET = "plain-objects"
LONG_WAY = {"X-Means-Nothing": "1"}
REPLACED = {"X-Amz-Metadata-Directive": "REPLACE", "X-Amz-Meta-Who": "I"}
DIFFERS = re.compile(rb"<(RequestId|HostId|LastModified)>[^<]*</\1>")


def copied(key: str) -> dict[str, str]:
    return {"X-Amz-Copy-Source": f"/{BUCKET}/{key}"}


class Reply(NamedTuple):
    status: int
    header_names: list[str]
    etag: str | None
    body: bytes


@pytest.fixture(scope="module", autouse=True)
def bucket(localaws: LocalAws) -> None:
    s3: Any = localaws.session().client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="there", Body=b"<a/>", ContentType="application/xml")
    s3.put_object(Bucket=BUCKET, Key="told", Body=b"x", Metadata={"who": "somebody"})


@pytest.fixture
def somebody(localaws: LocalAws) -> boto3.Session:
    """A user who may write below ``own/`` alone."""
    iam: Any = localaws.session().client("iam")
    if "somebody-plain" not in [user["UserName"] for user in iam.list_users()["Users"]]:
        iam.create_user(UserName="somebody-plain")
        resource = f"arn:aws:s3:::{BUCKET}/own/*"
        statement = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": resource}
        policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.put_user_policy(UserName="somebody-plain", PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName="somebody-plain")["AccessKey"]
    return localaws.session(key["AccessKeyId"], key["SecretAccessKey"])


def send(
    localaws: LocalAws,
    session: boto3.Session,
    method: str,
    path: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    region: str = "us-east-1",
    sent: bytes | None = None,
) -> Reply:
    """A signed request; ``sent`` is sent in place of the signed body."""
    url = localaws.endpoint_url + path
    request = AWSRequest(method, url, data=body, headers=dict(headers or {}))
    keys = session.get_credentials()
    assert keys is not None
    S3SigV4Auth(keys, "s3", region).add_auth(request)
    connection = HTTPConnection(urlsplit(url).netloc)
    connection.request(method, path, body if sent is None else sent, dict(request.headers))
    answer = connection.getresponse()
    text = DIFFERS.sub(b"", answer.read())
    connection.close()
    names = sorted(name.lower() for name, _ in answer.getheaders())
    return Reply(answer.status, names, answer.getheader("ETag"), text)


@pytest.mark.parametrize(
    ("method", "path", "options", "status"),
    [
        ("PUT", f"/{BUCKET}/new", {"body": b"bytes"}, 200),
        ("PUT", f"/{BUCKET}/a%20b//c%C3%A9", {"body": b"bytes"}, 200),
        ("PUT", f"/{BUCKET}/typed", {"body": b"x", "headers": {"Content-Type": "text/x"}}, 200),
        ("PUT", f"/{BUCKET}/told-too", {"body": b"x", "headers": {"X-Amz-Meta-Who": "I"}}, 200),
        ("PUT", f"/{BUCKET}/copy", {"headers": copied("told")}, 200),
        ("PUT", f"/{BUCKET}/copy-2", {"headers": copied("told") | REPLACED}, 200),
        ("PUT", f"/{BUCKET}/there", {"headers": copied("told") | {"If-None-Match": "*"}}, 412),
        ("PUT", f"/{BUCKET}/copy-3", {"headers": copied("absent")}, 404),
        ("PUT", f"/{BUCKET}/told", {"headers": copied("told")}, 400),
        ("GET", f"/{BUCKET}/there", {}, 200),
        ("GET", f"/{BUCKET}/told", {}, 200),
        ("GET", f"/{BUCKET}/absent", {}, 404),
        ("PUT", f"/{BUCKET}/there", {"body": b"x", "headers": {"If-None-Match": "*"}}, 412),
        ("PUT", f"/{BUCKET}/md5", {"body": b"x", "headers": {"Content-MD5": "AAAA"}}, 400),
        ("PUT", f"/{BUCKET}/{'k' * 1025}", {"body": b"x"}, 400),
        ("PUT", f"/{BUCKET}/changed", {"body": b"signed", "sent": b"others"}, 400),
        ("PUT", "/plain-objects-of-nobody/key", {"body": b"x"}, 404),
        ("PUT", f"/{BUCKET}/elsewhere", {"body": b"x", "region": "eu-west-1"}, 301),
    ],
)
def test_both_ways_answer_the_same(
    localaws: LocalAws, method: str, path: str, options: dict[str, Any], status: int
) -> None:
    session = localaws.session()
    short = send(localaws, session, method, path, **options)
    headers = options.pop("headers", {}) | LONG_WAY
    long = send(localaws, session, method, path, **options, headers=headers)
    assert short == long
    assert short.status == status


def test_who_may_not_is_refused_the_same(localaws: LocalAws, somebody: boto3.Session) -> None:
    assert send(localaws, somebody, "PUT", f"/{BUCKET}/own/new", b"x").status == 200
    short = send(localaws, somebody, "PUT", f"/{BUCKET}/of-others", b"x")
    long = send(localaws, somebody, "PUT", f"/{BUCKET}/of-others", b"x", LONG_WAY)
    assert short == long
    assert short.status == 403
    assert b"somebody-plain is not authorized to perform: s3:PutObject" in short.body


def test_what_may_not_be_read_is_not_copied(localaws: LocalAws, somebody: boto3.Session) -> None:
    short = send(localaws, somebody, "PUT", f"/{BUCKET}/own/copy", headers=copied("told"))
    headers = copied("told") | LONG_WAY
    assert short == send(localaws, somebody, "PUT", f"/{BUCKET}/own/copy", headers=headers)
    assert short.status == 403
    assert b"somebody-plain is not authorized to perform: s3:GetObject" in short.body


def test_a_copy_has_the_bytes_and_the_metadata_that_it_asked_for(localaws: LocalAws) -> None:
    s3: Any = localaws.session().client("s3")
    source = {"Bucket": BUCKET, "Key": "told"}
    s3.copy_object(Bucket=BUCKET, Key="kept", CopySource=source)
    s3.copy_object(
        Bucket=BUCKET, Key="replaced", CopySource=source, MetadataDirective="REPLACE", Metadata={}
    )
    kept, replaced = (s3.get_object(Bucket=BUCKET, Key=key) for key in ("kept", "replaced"))
    assert (kept["Body"].read(), kept["Metadata"]) == (b"x", {"who": "somebody"})
    assert (replaced["Body"].read(), replaced["Metadata"]) == (b"x", {})


def test_a_wrong_key_is_refused_the_same(localaws: LocalAws) -> None:
    stranger = localaws.session(secret_access_key="wrong")
    short = send(localaws, stranger, "PUT", f"/{BUCKET}/wrong", b"x")
    long = send(localaws, stranger, "PUT", f"/{BUCKET}/wrong", b"x", LONG_WAY)
    assert short._replace(body=b"") == long._replace(body=b"")
    assert b"SignatureDoesNotMatch" in short.body  # and what was signed, which is not the same


def test_a_plain_put_is_a_version_as_any_other(localaws: LocalAws) -> None:
    s3: Any = localaws.session().client("s3")
    s3.create_bucket(Bucket="plain-versions")
    s3.put_bucket_versioning(Bucket="plain-versions", VersioningConfiguration={"Status": "Enabled"})
    for body in (b"first", b"second"):
        reply = send(localaws, localaws.session(), "PUT", "/plain-versions/key", body)
        assert "x-amz-version-id" in reply.header_names
    [latest, first] = s3.list_object_versions(Bucket="plain-versions")["Versions"]
    kept = s3.get_object(Bucket="plain-versions", Key="key", VersionId=first["VersionId"])
    assert kept["Body"].read() == b"first"
    assert latest["IsLatest"]
