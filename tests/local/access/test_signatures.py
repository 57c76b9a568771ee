"""Who signed a request, and whether they signed this one.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html
"""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.local.access.conftest import CHICAGO, NEW_YORK, Access
from tests.local.access.http import TARGET_MODEL, SignedInvocation, sign_invocation


@pytest.fixture
def good(access: Access) -> SignedInvocation:
    """A request that is answered as it is."""
    return access.sign(access.role("NewYork"), NEW_YORK)


def test_the_untouched_request_is_answered(good: SignedInvocation) -> None:
    assert good.send().status == 200


def test_a_tampered_signature(good: SignedInvocation) -> None:
    authorization = good.header("Authorization")
    flipped = authorization[:-1] + ("0" if authorization[-1] != "0" else "1")
    assert good.with_header("Authorization", flipped).send().code == "InvalidSignatureException"


def test_a_tampered_body(good: SignedInvocation) -> None:
    assert replace(good, body=b"2").send().code == "InvalidSignatureException"


@pytest.mark.parametrize(
    ("header", "value"),
    [(TARGET_MODEL, CHICAGO), ("Content-Type", "application/json"), ("Host", "127.0.0.2:1")],
)
def test_a_tampered_header(good: SignedInvocation, header: str, value: str) -> None:
    signed = good.header("Authorization")
    assert header.lower() in signed
    assert good.with_header(header, value).send().code == "InvalidSignatureException"


def test_a_target_model_added_to_a_signed_request(access: Access) -> None:
    without_model = access.sign(access.role("NewYork"))
    answer = without_model.with_header(TARGET_MODEL, NEW_YORK).send()
    assert answer.code == "InvalidSignatureException"


def test_another_endpoint_in_a_signed_request(good: SignedInvocation) -> None:
    moved = replace(good, path=good.path.replace("housing-dev", "housing-dev-2"))
    assert moved.send().code == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [16, -16])
def test_a_request_replayed_after_fifteen_minutes(access: Access, minutes: int) -> None:
    replayed = sign_invocation(
        access.role("NewYork"),
        access.aws.endpoint_url,
        target_models=[NEW_YORK],
        age=timedelta(minutes=minutes),
    )
    answer = replayed.send()
    assert answer.code == "InvalidSignatureException"
    assert ("Signature expired" if minutes > 0 else "Signature not yet current") in answer.message


def test_an_unsigned_request(good: SignedInvocation) -> None:
    answer = good.without("Authorization").send()
    assert (answer.status, answer.code) == (403, "MissingAuthenticationTokenException")


def test_a_session_without_its_token(good: SignedInvocation) -> None:
    answer = good.without("X-Amz-Security-Token").send()
    assert answer.status == 403


def test_the_token_of_another_session(access: Access, good: SignedInvocation) -> None:
    other = access.role("Chicago").get_credentials()
    assert other is not None
    answer = good.with_header("X-Amz-Security-Token", str(other.token)).send()
    assert answer.status == 403


def test_a_key_that_nobody_has(good: SignedInvocation) -> None:
    authorization = good.header("Authorization")
    key = authorization.partition("Credential=")[2].partition("/")[0]
    unknown = authorization.replace(key, "ASIA" + "X" * 16)
    answer = good.with_header("Authorization", unknown).send()
    assert (answer.status, answer.code) == (403, "UnrecognizedClientException")


@pytest.mark.parametrize("operation", ["async-invocations", "invocations-response-stream"])
def test_other_operations_ask_for_a_signature_too(access: Access, operation: str) -> None:
    signed = sign_invocation(access.role("NewYork"), access.aws.endpoint_url, operation=operation)
    answer = signed.without("Authorization").send()
    assert answer.code == "MissingAuthenticationTokenException"
