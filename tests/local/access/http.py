"""Requests signed by hand, for attacks that boto3 would not send."""

import http.client
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from unittest.mock import patch
from urllib.parse import urlsplit

import boto3
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

Headers = list[tuple[str, str]]
TARGET_MODEL = "X-Amzn-SageMaker-Target-Model"


@dataclass(frozen=True)
class Answer:
    """What came back; ``code`` is empty where nothing went wrong."""

    status: int
    code: str
    message: str


@dataclass
class SignedInvocation:
    """An InvokeEndpoint request with a good signature; change anything of it, then send it."""

    endpoint_url: str
    path: str
    headers: Headers
    body: bytes = field(default=b"1")

    def without(self, *names: str) -> "SignedInvocation":
        """The same request without some headers."""
        lower = {name.lower() for name in names}
        kept = [(name, value) for name, value in self.headers if name.lower() not in lower]
        return SignedInvocation(self.endpoint_url, self.path, kept, self.body)

    def with_header(self, name: str, value: str) -> "SignedInvocation":
        """The same request with a header set, unsigned if it is new."""
        headers = [*self.without(name).headers, (name, value)]
        return SignedInvocation(self.endpoint_url, self.path, headers, self.body)

    def header(self, name: str) -> str:
        return next(value for key, value in self.headers if key.lower() == name.lower())

    def send(self) -> Answer:
        """Send exactly this over a connection of its own."""
        url = urlsplit(self.endpoint_url)
        connection = http.client.HTTPConnection(url.hostname or "", url.port or 0, timeout=30)
        connection.putrequest("POST", self.path, skip_accept_encoding=True, skip_host=True)
        for name, value in self.headers:
            connection.putheader(name, value.encode("latin-1"))
        connection.putheader("Content-Length", str(len(self.body)))
        connection.endheaders(self.body)
        response = connection.getresponse()
        body = response.read()
        connection.close()
        if response.status == 200:
            return Answer(200, "", "")
        code = response.headers.get("x-amzn-errortype", "")
        message = json.loads(body)["message"] if code else body.decode()
        return Answer(response.status, code, message)


def sign_invocation(
    session: boto3.Session,
    endpoint_url: str,
    *,
    endpoint: str = "housing-dev",
    target_models: Sequence[str] = (),
    operation: str = "invocations",
    age: timedelta = timedelta(0),
) -> SignedInvocation:
    """A request signed with the session's keys, ``age`` ago."""
    path = f"/endpoints/{endpoint}/{operation}"
    request = AWSRequest("POST", endpoint_url + path, {"Content-Type": "text/csv"}, b"1")
    for target_model in target_models:
        request.headers[TARGET_MODEL] = target_model
    credentials = session.get_credentials()
    assert credentials is not None
    signer = SigV4Auth(credentials, "sagemaker", session.region_name)
    moment = datetime.now(UTC) - age
    with patch("botocore.auth.get_current_datetime", return_value=moment.replace(tzinfo=None)):
        signer.add_auth(request)
    host = urlsplit(endpoint_url).netloc
    return SignedInvocation(
        endpoint_url, path, [("Host", host), *((k, str(v)) for k, v in request.headers.items())]
    )
