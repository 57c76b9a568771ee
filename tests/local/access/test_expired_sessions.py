"""A session ends: its keys open nothing afterwards, though everything else about them is right.

The shortest session that STS grants lasts 15 minutes, so the clock is moved instead:
https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html
"""

import time

import boto3
import pytest

from iam_policy import PolicySet, Principal, parse_policy
from localaws.authorization import Authorizer, Credential, Identity
from localaws.errors import AwsError
from localaws.signature import SignedRequest
from tests.local.access.http import sign_invocation

EXPIRES_AT = time.time() + 60
ANYTHING = parse_policy(
    {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "*", "Resource": "*"}}
)


class OneSession:
    """The only session there is."""

    def credential(self, access_key_id: str) -> Credential:
        arn = "arn:aws:sts::123456789012:assumed-role/NewYork/test"
        identity = Identity(Principal(arn, "123456789012"), PolicySet((ANYTHING,)))
        return Credential("secret", identity, "token", EXPIRES_AT)


def signed_request() -> SignedRequest:
    session = boto3.Session("ASIAEXAMPLE", "secret", "token", "us-east-1")
    signed = sign_invocation(session, "http://127.0.0.1:4566")
    headers = {name.lower(): value for name, value in signed.headers}
    return SignedRequest("POST", signed.path, "", headers, signed.body)


def test_the_session_is_known_until_it_expires() -> None:
    authorizer = Authorizer(OneSession(), now=lambda: EXPIRES_AT - 1)
    assert authorizer.authenticate(signed_request()).access_key_id == "ASIAEXAMPLE"


def test_an_expired_session_is_refused() -> None:
    authorizer = Authorizer(OneSession(), now=lambda: EXPIRES_AT + 1)
    with pytest.raises(AwsError) as refused:
        authorizer.authenticate(signed_request())
    assert (refused.value.code, refused.value.status) == ("ExpiredTokenException", 403)


def test_a_session_that_expires_between_two_requests_is_refused_at_the_second() -> None:
    clock = iter([EXPIRES_AT - 1, EXPIRES_AT + 1])
    authorizer = Authorizer(OneSession(), now=lambda: next(clock))
    authorizer.authenticate(signed_request())
    with pytest.raises(AwsError, match="expired"):
        authorizer.authenticate(signed_request())
