"""From an operation's name to the method that serves it."""

from collections.abc import Callable, Iterable
from functools import cached_property
from typing import cast

from botocore import xform_name
from botocore.model import StructureShape

from localaws.admission.validation import validate
from localaws.backend import Scope
from localaws.errors import AwsError
from localaws.sagemaker.resources import Request, ResourceFamily, Response
from localaws.sagemaker.tags import check_tags
from localaws.service_models import service_model

Operation = Callable[[Scope, Request], Response]


class ServiceApi:
    """The operations of some resource families behind one door. Thread-safe.

    Parameters
    ----------
    service
        The service's name in botocore, whose model says which operations and members there are.
    families
        They serve the operations.
    """

    def __init__(self, service: str, families: Iterable[ResourceFamily]) -> None:
        self.service = service
        self.families = tuple(families)

    @cached_property
    def _operations(self) -> dict[str, Operation]:
        return {
            operation: method
            for operation in service_model(self.service).operation_names
            if (method := self._method(xform_name(operation))) is not None
        }

    @property
    def operations(self) -> list[str]:
        """The names of the operations that are implemented."""
        return sorted(self._operations)

    def input_shape(self, operation: str) -> StructureShape:
        """The shape of an operation's request in the service's model."""
        shape = service_model(self.service).operation_model(operation).input_shape
        return cast(StructureShape, shape)

    def call(self, scope: Scope, operation: str, request: Request) -> Response:
        """Run one operation; the request and the answer as in the JSON protocol.

        Raises
        ------
        AwsError
            As the service answers; ``UnknownOperationException`` for what is not implemented.
        """
        method = self._operations.get(operation)
        if method is None:
            raise AwsError(
                "UnknownOperationException",
                f"The operation {operation} of {self.service} is not available here.",
            )
        validate(service_model(self.service).operation_model(operation).input_shape, request)
        if isinstance(tags := request.get("Tags"), list):
            check_tags(tags)
        self.admit(scope, operation, request)
        return method(scope, request)

    def admit(self, scope: Scope, operation: str, request: Request) -> None:
        """Raise ``AwsError`` for a valid request that the account does not allow."""

    def _method(self, name: str) -> Operation | None:
        for family in self.families:
            if (method := getattr(family, name, None)) is not None:
                return method  # type: ignore[no-any-return]
        return None
