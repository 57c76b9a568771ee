"""Requests as botocore's models describe them: an operation and its parameters.

Protocols: https://smithy.io/2.0/aws/protocols/index.html (awsJson, awsQuery, restXml, restJson).
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast
from urllib.parse import parse_qs
from xml.etree.ElementTree import Element, ParseError

from botocore.model import ListShape, MapShape, ServiceModel, Shape, StructureShape
from botocore.utils import parse_timestamp
from defusedxml.ElementTree import fromstring

from localaws.admission.rest_routes import find_route
from localaws.errors import AwsError
from localaws.service_models import service_model

MALFORMED_XML = (
    "The XML you provided was not well-formed or did not validate against our published schema"
)
INTEGER = re.compile(r"[+-]?\d{1,18}", re.ASCII)
FLOAT = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)
Query = Mapping[str, list[str]]
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
MOST_FIELDS = 100_000
"""Of one form."""
MOST_LEVELS = 40
TEXT = ""
"""Where a node of the tree of fields keeps its own value."""
Node = dict[str, Any]


@dataclass(frozen=True)
class HttpRequest:
    """The parts of a request that hold parameters; header names in lower case."""

    method: str
    path: str
    headers: Mapping[str, str]
    query: Query
    body: bytes


@dataclass(frozen=True)
class Call:
    """An operation of a service with its parameters, by the names of botocore's model."""

    service: str
    operation: str
    parameters: dict[str, Any]

    @property
    def shape(self) -> StructureShape | None:
        """The shape of the operation's input."""
        return service_model(self.service).operation_model(self.operation).input_shape


def read_call(service: str, request: HttpRequest) -> Call | None:
    """Read a request; ``service`` by botocore's name. None when it is no operation of the model.

    Raises
    ------
    AwsError
        When the body is not written as the protocol asks.
    """
    model = service_model(service)
    if "x-amz-target" in request.headers:
        return _json_call(model, request)
    if "rest" in str(model.metadata["protocol"]):
        return _rest_call(model, request)
    return _query_call(model, request)


def _json_call(model: ServiceModel, request: HttpRequest) -> Call | None:
    name = request.headers["x-amz-target"].rpartition(".")[2]
    if name not in model.operation_names:
        return None
    return Call(model.service_name, name, read_json(request.body))


def read_json(body: bytes) -> dict[str, Any]:
    """The members of a JSON body; one that is null counts as left out.

    Raises
    ------
    AwsError
        SerializationException, when it is no JSON object.
    """
    try:
        content = json.loads(body or b"{}")
        if _SURROGATE.search(body):  # half of a character cannot be stored or answered
            json.dumps(content, ensure_ascii=False).encode()
    except (ValueError, RecursionError) as error:
        raise AwsError("SerializationException", f"The body is not JSON: {error}") from None
    if not isinstance(content, dict):
        raise AwsError("SerializationException", "Start of structure or map expected")
    if b"null" not in body and b"\0" not in body:  # as nearly always; \0 is in UTF-16
        return content
    return cast(dict[str, Any], without_nulls(content))


def without_nulls(value: Any) -> Any:
    """The value without members that are null: JSON protocols read them as left out."""
    if isinstance(value, dict):
        return {k: without_nulls(member) for k, member in value.items() if member is not None}
    if isinstance(value, list):
        return [without_nulls(item) for item in value]
    return value


def _query_call(model: ServiceModel, request: HttpRequest) -> Call | None:
    form = dict(request.query)
    if request.method == "POST":
        text = request.body.decode("utf-8", "replace")
        try:
            form |= parse_qs(text, keep_blank_values=True, max_num_fields=MOST_FIELDS)
        except ValueError:
            message = f"The request has more than {MOST_FIELDS} fields"
            raise AwsError("MalformedQueryString", message) from None
    name = form.get("Action", [""])[0]
    if name not in model.operation_names:
        return None
    shape = model.operation_model(name).input_shape
    parameters = _query_structure(shape, _tree(form)) if shape else {}
    return Call(model.service_name, name, parameters)


def _tree(form: Query) -> Node:
    """Fields by the parts of their names: ``Tags.member.1.Key`` is three levels below the root."""
    root: Node = {}
    for name, values in form.items():
        node = root
        for part in name.split(".", MOST_LEVELS):
            node = node.setdefault(part, {})
        node[TEXT] = values[0]
    return root


def _query_value(shape: Shape, node: Node) -> Any:
    """The value below a name such as ``Tags.member.1``; None when no field is there."""
    match shape.type_name:
        case "structure":
            return _query_structure(cast(StructureShape, shape), node) if node else None
        case "list":
            return _query_list(cast(ListShape, shape), node)
        case "map":
            return _query_map(cast(MapShape, shape), node)
    return typed_text(shape, node[TEXT]) if TEXT in node else None


def _query_structure(shape: StructureShape, node: Node) -> dict[str, Any]:
    read = {
        name: _query_value(member, node.get(_query_name(name, member), {}))
        for name, member in shape.members.items()
    }
    return {name: value for name, value in read.items() if value is not None}


def _query_name(name: str, member: Shape) -> str:
    """A flattened list goes by the name of its items: ``Attribute.1`` for Attributes."""
    serialization = member.serialization
    if member.type_name == "list" and serialization.get("flattened"):
        item = cast(ListShape, member).member.serialization.get("name")
        return str(item or serialization.get("name", name))
    return str(serialization.get("name", name))


def _query_list(shape: ListShape, node: Node) -> list[Any] | None:
    items = node
    if not shape.serialization.get("flattened"):
        items = node.get(shape.member.serialization.get("name", "member"), {})
    numbers = {int(part): part for part in items if INTEGER.fullmatch(part)}
    if not numbers:
        return [] if TEXT in node or TEXT in items else None
    return [_query_value(shape.member, items[numbers[number]]) for number in sorted(numbers)]


def _query_map(shape: MapShape, node: Node) -> dict[str, Any] | None:
    held = node if shape.serialization.get("flattened") else node.get("entry", {})
    key_name = shape.key.serialization.get("name", "key")
    value_name = shape.value.serialization.get("name", "value")
    entries: dict[str, Any] = {}
    number = 1
    while TEXT in (key := held.get(str(number), {}).get(key_name, {})):
        value = held[str(number)].get(value_name, {})
        entries[key[TEXT]] = _query_value(shape.value, value)
        number += 1
    return entries or None


def _rest_call(model: ServiceModel, request: HttpRequest) -> Call | None:
    route = find_route(
        model.service_name, request.method, request.path, request.query, request.headers
    )
    if route is None or route.operation.input_shape is None:
        return None
    operation, shape = route.operation, route.operation.input_shape
    parameters = route.path_parameters(request.path) | route.mapped_headers(request.headers)
    for member, text in route.texts(request.query, request.headers):
        parameters[member.name] = typed_text(member.shape, text)
    return Call(
        model.service_name, operation.name, parameters | _rest_body(model, shape, request.body)
    )


def _rest_body(model: ServiceModel, shape: StructureShape, body: bytes) -> dict[str, Any]:
    payload = shape.serialization.get("payload")
    if payload and shape.members[payload].type_name == "blob":
        return {payload: body}
    if payload and shape.members[payload].type_name == "string":
        return {payload: body.decode("utf-8", "replace")}
    if model.metadata["protocol"] == "rest-json":
        content = read_json(body)
        if payload:
            return {payload: content} if content else {}
        by_wire_name = {
            str(member.serialization.get("name", name)): name
            for name, member in shape.members.items()
            if "location" not in member.serialization
        }
        return {by_wire_name.get(key, key): value for key, value in content.items()}
    if not body.strip():
        return {}
    try:
        root = fromstring(body)
    except (ParseError, ValueError) as error:
        raise AwsError("MalformedXML", MALFORMED_XML) from error
    if not payload:
        return _xml_structure(shape, root)
    return {payload: xml_value(shape.members[payload], root)}


def xml_value(shape: Shape, node: Element) -> Any:
    """An XML element's value; elements that the shape does not know stay, by their own names."""
    match shape.type_name:
        case "structure":
            return _xml_structure(cast(StructureShape, shape), node)
        case "list":
            return [xml_value(cast(ListShape, shape).member, item) for item in node]
    return typed_text(shape, node.text or "")


def _xml_structure(shape: StructureShape, node: Element) -> dict[str, Any]:
    members = {
        str(member.serialization.get("name", name)): (name, member)
        for name, member in shape.members.items()
    }
    read: dict[str, Any] = {}
    for name, member in shape.members.items():
        if member.serialization.get("xmlAttribute"):
            read[name] = next(iter(node.attrib.values()), "")
    for child in node:
        tag = child.tag.rpartition("}")[2]
        if tag not in members:
            read[tag] = child.text or ""
            continue
        name, member = members[tag]
        if member.type_name == "list" and member.serialization.get("flattened"):
            read.setdefault(name, []).append(xml_value(cast(ListShape, member).member, child))
        else:
            read[name] = xml_value(member, child)
    return read


def typed_text(shape: Shape, text: str) -> Any:
    """A value that the protocol writes as text; as text still where it has not the type."""
    match shape.type_name:
        case "integer" | "long" if INTEGER.fullmatch(text):
            return int(text)
        case "float" | "double" if FLOAT.fullmatch(text):
            return float(text)
        case "boolean" if text.lower() in ("true", "false"):
            return text.lower() == "true"
        case "timestamp":
            try:
                return parse_timestamp(text).timestamp()
            except (ValueError, OverflowError):
                return text
    return text
