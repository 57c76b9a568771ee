"""Errors in the protocol that a request speaks.

https://smithy.io/2.0/aws/protocols/index.html: the JSON protocols have an object, the query
protocols an ``ErrorResponse`` in XML, S3 an ``Error``
(https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
"""

import json
from collections.abc import Mapping
from xml.sax.saxutils import escape

from localaws.errors import AwsError

JSON_SERVICES = ("apigateway", "lambda", "scheduler")
"""Those that speak REST with JSON; all others that speak REST speak XML."""
WRITABLE = bytes(63 if c < 32 and c not in b"\t\n\r" else c for c in range(256))
"""XML has no way to write control characters (https://www.w3.org/TR/xml/#charsets): ? for each."""


def error_document(
    service: str, headers: Mapping[str, str], error: AwsError, request_id: str
) -> tuple[dict[str, str], bytes]:
    """Headers and body of an error; names of the request's headers in lower case."""
    if "x-amz-target" in headers or service in JSON_SERVICES:
        content = {"__type": error.code, "message": error.message, "Message": error.message}
        fields = {"Content-Type": "application/x-amz-json-1.1", "x-amzn-errortype": error.code}
        return fields, json.dumps({**content, **error.fields}, default=str).encode()
    members = {"Code": error.code, "Message": error.message, **error.fields}
    within = "".join(f"<{name}>{_text(member)}</{name}>" for name, member in members.items())
    if service in ("", "s3"):
        document = f"<Error>{within}<RequestId>{request_id}</RequestId></Error>"
    else:
        fault = "Sender" if error.status < 500 else "Receiver"
        document = (
            f"<ErrorResponse><Error><Type>{fault}</Type>{within}</Error>"
            f"<RequestId>{request_id}</RequestId></ErrorResponse>"
        )
    return {"Content-Type": "application/xml"}, document.encode()


def _text(value: object) -> str:
    """A value as XML can carry it: no control characters, no halves of characters."""
    printable = str(value).encode("utf-8", "replace").translate(WRITABLE)
    return escape(printable.decode("utf-8", "replace"))
