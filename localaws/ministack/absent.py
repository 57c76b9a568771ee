"""What localaws answers for a service that it does not have: that, in the service's protocol.

https://smithy.io/2.0/aws/protocols/index.html: an error of the JSON protocols has ``__type`` and a
message, one of the query protocols is XML.
"""

import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any
from xml.sax.saxutils import escape

Handled = tuple[int, dict[str, str], bytes]
Handler = Callable[..., Awaitable[Any]]

NOT_IMPLEMENTED = 501
"""SDKs do not repeat such a call."""
CODE = "NotImplemented"
XML_SERVICES = ("cloudfront", "route53", "s3-control", "s3control")
"""The services that speak REST with XML; all others that speak REST speak JSON."""


class Handlers(dict[str, Handler]):
    """MiniStack's table of services, which has an answer for every name."""

    def __init__(self, present: Mapping[str, Handler], also: Iterable[str]) -> None:
        super().__init__(present)
        self._also = tuple(also)

    def get(self, service: str, default: Any = None) -> Any:
        """What answers for a service."""
        return super().get(service) or self._absent(service)

    def _absent(self, service: str) -> Handler:
        async def answer(
            method: str, path: str, headers: Mapping[str, str], body: bytes, query: Any
        ) -> Handled:
            if service in self._also:
                what = f"operation {method} {path} of {service}"
                return refusal(service, headers, f"localaws does not have the {what}.")
            present = ", ".join(sorted({*self, *self._also}))
            return refusal(service, headers, f"localaws has no {service}; it has {present}.")

        return answer


def refusal(service: str, headers: Mapping[str, str], message: str) -> Handled:
    """The error in the protocol that the request is in."""
    lower = {name.lower(): value for name, value in headers.items()}
    if "x-amz-target" not in lower:
        text = f"<Code>{CODE}</Code><Message>{escape(message)}</Message>"
        if service == "ec2":
            return _xml(f"<Response><Errors><Error>{text}</Error></Errors></Response>")
        is_query = lower.get("content-type", "").startswith("application/x-www-form-urlencoded")
        if is_query or service in XML_SERVICES:
            return _xml(f"<ErrorResponse><Error><Type>Sender</Type>{text}</Error></ErrorResponse>")
    error = {"__type": CODE, "code": CODE, "message": message}
    return (
        NOT_IMPLEMENTED,
        {"Content-Type": "application/json", "x-amzn-ErrorType": CODE},
        json.dumps(error).encode(),
    )


def _xml(text: str) -> Handled:
    return NOT_IMPLEMENTED, {"Content-Type": "text/xml"}, text.encode()
