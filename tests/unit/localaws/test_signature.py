"""What botocore signs is taken; what was changed afterwards is not."""

from dataclasses import replace
from datetime import UTC, datetime
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from localaws.errors import AwsError
from localaws.signature import SignedRequest, parse_authorization, verify

SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
printable = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)
visible = st.characters(exclude_categories=("C", "Z"), include_characters=" ")
segments = st.lists(st.text(visible, min_size=1, max_size=10), max_size=4)


def signed(
    path: str = "/endpoints/housing-dev/invocations",
    query: str = "",
    body: bytes = b"1988,3040.78",
    **headers: str,
) -> SignedRequest:
    """A POST as it arrives, signed by botocore."""
    url = f"http://127.0.0.1:4566{path}" + (f"?{query}" if query else "")
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest("POST", url, headers=names, data=body)
    SigV4Auth(Credentials("AKIAEXAMPLE", SECRET), "sagemaker", "us-east-1").add_auth(request)
    sent = {name.lower(): value for name, value in request.headers.items()}
    parts = urlsplit(url)
    return SignedRequest("POST", parts.path, parts.query, {"host": parts.netloc, **sent}, body)


def check(request: SignedRequest, secret: str = SECRET, minutes_later: float = 0) -> None:
    signature, given_signature = parse_authorization(request)
    now = datetime.now(UTC).timestamp() + 60 * minutes_later
    verify(request, signature, given_signature, secret, now)


def refusal(request: SignedRequest, secret: str = SECRET, minutes_later: float = 0) -> str:
    with pytest.raises(AwsError) as error:
        check(request, secret, minutes_later)
    return error.value.code


@given(body=st.binary(max_size=200), target_model=printable)
def test_any_body_and_header_that_botocore_signs_is_taken(body: bytes, target_model: str) -> None:
    check(signed(body=body, X_Amzn_SageMaker_Target_Model=target_model))


@given(segments)
def test_any_path_that_botocore_signs_is_taken(names: list[str]) -> None:
    check(signed(path="/" + "/".join(quote(name, safe="") for name in names)))


@given(st.dictionaries(printable, printable, max_size=4))
def test_any_query_that_botocore_signs_is_taken(query: dict[str, str]) -> None:
    pairs = [f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in query.items()]
    check(signed(query="&".join(pairs)))


@given(st.binary(max_size=50).filter(lambda body: body != b"1988,3040.78"))
def test_another_body_is_refused(body: bytes) -> None:
    assert refusal(replace(signed(), body=body)) == "InvalidSignatureException"


def test_another_target_model_is_refused() -> None:
    request = signed(X_Amzn_SageMaker_Target_Model="Chicago_IL/Chicago_IL.tar.gz")
    other = {"x-amzn-sagemaker-target-model": "NewYork_NY/NewYork_NY.tar.gz"}
    assert refusal(replace(request, headers={**request.headers, **other})) == (
        "InvalidSignatureException"
    )


def test_a_target_model_added_after_the_signing_is_refused() -> None:
    request = signed()
    added = {"x-amzn-sagemaker-target-model": "NewYork_NY/NewYork_NY.tar.gz"}
    assert refusal(replace(request, headers={**request.headers, **added})) == (
        "InvalidSignatureException"
    )


def test_another_path_is_refused() -> None:
    other = replace(signed(), raw_path="/endpoints/housing-prod/invocations")
    assert refusal(other) == "InvalidSignatureException"


def test_another_secret_is_refused() -> None:
    assert refusal(signed(), secret="other") == "InvalidSignatureException"


@pytest.mark.parametrize("minutes", [-6, 6, 15])
def test_a_signature_of_another_time_is_refused(minutes: int) -> None:
    assert refusal(signed(), minutes_later=minutes) == "InvalidSignatureException"


def test_no_signature_is_missing_authentication() -> None:
    request = replace(signed(), headers={"host": "127.0.0.1"})
    assert refusal(request) == "MissingAuthenticationTokenException"


@given(st.text(st.characters(max_codepoint=255)))
def test_no_authorization_header_does_anything_but_be_refused(text: str) -> None:
    request = signed()
    forged = replace(request, headers={**request.headers, "authorization": text})
    assert refusal(forged) in ("IncompleteSignatureException", "InvalidSignatureException")
