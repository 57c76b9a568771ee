"""Calls of services with the properties of templates, for the CloudFormation resource types."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, cast

from botocore.model import ListShape, MapShape, Shape, StructureShape

from localaws.backend import Scope
from localaws.errors import AwsError

Properties = Mapping[str, Any]


@dataclass(frozen=True)
class Provisioned:
    """A resource that exists: what ``Ref`` and ``Fn::GetAtt`` answer for it."""

    physical_id: str
    attributes: Mapping[str, str]


@dataclass(frozen=True)
class Resource:
    """One resource of a stack, as a handler sees it."""

    scope: Scope
    logical_id: str
    properties: Properties


class ResourceTypeError(Exception):
    """The resource could not be made; the text becomes the stack event's reason."""


class Service(Protocol):
    """A service that makes the resources."""

    def call(self, scope: Scope, operation: str, request: dict[str, Any]) -> dict[str, Any]: ...

    def input_shape(self, operation: str) -> StructureShape: ...


def call(service: Service, scope: Scope, operation: str, properties: Properties) -> dict[str, Any]:
    """Call an operation with the properties of a template.

    Raises
    ------
    ResourceTypeError
        With the service's message, worded as CloudFormation does.
    """
    request = typed(properties, service.input_shape(operation))
    try:
        return service.call(scope, operation, cast(dict[str, Any], request))
    except AwsError as error:
        raise ResourceTypeError(
            f"{error.message} (Service: {type(service).__name__.removesuffix('Api')},"
            f" Status Code: {error.status}, Error Code: {error.code})"
        ) from error


def call_if_present(
    service: Service, scope: Scope, operation: str, request: dict[str, Any]
) -> None:
    """Call a deleting operation; what is gone already is no error.

    Raises
    ------
    ResourceTypeError
    """
    try:
        service.call(scope, operation, request)
    except AwsError as error:
        if not is_absent(error):
            raise ResourceTypeError(f"{error.message} (Error Code: {error.code})") from error


def is_absent(error: AwsError) -> bool:
    """Whether an error says that the resource does not exist."""
    absent = ("ObjectNotFoundException", "TrailNotFoundException")
    return error.code in absent or error.message.startswith("Could not find")


def typed(value: Any, shape: Shape) -> Any:
    """A template's value with the types of the API: "1" and "true" are right in a template."""
    match shape.type_name:
        case "structure":
            members = cast(StructureShape, shape).members
            return {k: typed(v, members[k]) if k in members else v for k, v in value.items()}
        case "list":
            return [typed(item, cast(ListShape, shape).member) for item in value]
        case "map":
            return {key: typed(item, cast(MapShape, shape).value) for key, item in value.items()}
        case "string":
            return value if isinstance(value, str) else _text(value)
        case "boolean" if value in ("true", "false"):
            return value == "true"
        case "integer" | "long" if isinstance(value, str):
            return int(value)
        case "float" | "double" if isinstance(value, str):
            return float(value)
    return value


def change_tags(service: Service, scope: Scope, arn: str, old: Properties, new: Properties) -> None:
    """Make the tags of a resource those of its new properties."""
    before, after = _tags(old), _tags(new)
    gone = sorted(before.keys() - after.keys())
    if gone:
        service.call(scope, "DeleteTags", {"ResourceArn": arn, "TagKeys": gone})
    if after and after != before:
        tags = [{"Key": key, "Value": value} for key, value in after.items()]
        service.call(scope, "AddTags", {"ResourceArn": arn, "Tags": tags})


def _tags(properties: Properties) -> dict[str, str]:
    return {tag["Key"]: str(tag["Value"]) for tag in properties.get("Tags") or ()}


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
