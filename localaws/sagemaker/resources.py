"""What the resource families share: names, ARNs, errors."""

import time
from typing import Any

from localaws.backend import Scope
from localaws.errors import AwsError

Request = dict[str, Any]
Response = dict[str, Any]


class ResourceFamily:
    """One kind of resource; each public method named like an operation in snake case serves it.

    An operation takes ``(scope, request)``, a request that is valid by the service model, and
    returns the response's members or raises ``AwsError``.
    """

    def start(self) -> None:
        """Take up what an earlier run left."""

    def stop(self) -> None:
        """End what runs in the background."""


def arn(scope: Scope, kind: str, name: str) -> str:
    """The ARN of a SageMaker resource; SageMaker puts its name in lower case there."""
    return f"arn:aws:sagemaker:{scope.region}:{scope.account_id}:{kind}/{name.lower()}"


def no_vpc(member: str) -> str:
    """Why a network configuration is refused."""
    return (
        f"{member} names subnets and security groups, and none exists: localaws has no VPC."
        f" Leave {member} out here."
    )


def validation_exception(message: str) -> AwsError:
    """A request that the control plane refuses."""
    return AwsError("ValidationException", message)


def now() -> float:
    """Seconds since the epoch, in the milliseconds that AWS's timestamps have."""
    return round(time.time(), 3)


def present(members: dict[str, Any]) -> dict[str, Any]:
    """Without the members that are None: AWS leaves those out."""
    return {name: value for name, value in members.items() if value is not None}
