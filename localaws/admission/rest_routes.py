"""Which operation a request of a REST protocol is for: by its method, path, query and headers.

https://smithy.io/2.0/spec/http-bindings.html
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple
from urllib.parse import parse_qs

from botocore.model import OperationModel, Shape

from localaws.service_models import service_model

_MANY = ("list", "map")
"""Types of members that are not read from a single text."""


@dataclass(frozen=True)
class Route:
    """How a request is told to be for an operation, and where its members are outside the body."""

    operation: OperationModel
    path: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]
    in_path: tuple["Located", ...]
    in_query: tuple["Located", ...]
    in_headers: tuple["Located", ...]
    header_maps: tuple["Located", ...]

    def path_parameters(self, path: str) -> dict[str, Any]:
        """The members that the path holds."""
        match = self.path.fullmatch(path)
        found = match.groupdict() if match else {}
        return {member.name: found[member.at] for member in self.in_path if member.at in found}

    def mapped_headers(self, headers: Mapping[str, str]) -> dict[str, dict[str, str]]:
        """The members that are all headers with a prefix, such as metadata."""
        return {
            member.name: entries
            for member in self.header_maps
            if (entries := _with_prefix(headers, member.at))
        }

    def texts(
        self, query: Mapping[str, list[str]], headers: Mapping[str, str]
    ) -> Iterator[tuple["Located", str]]:
        """The members that query and headers hold, with their texts."""
        for member in self.in_query:
            if member.at in query:
                yield member, query[member.at][0]
        for member in self.in_headers:
            if member.at in headers:
                yield member, headers[member.at]


class Located(NamedTuple):
    """A member outside the body: its name, that on the wire, and its shape."""

    name: str
    at: str
    shape: Shape


@cache
def _routes(service: str) -> dict[str, list[Route]]:
    """The routes of each method, those that ask for most first."""
    model = service_model(service)
    routes: dict[str, list[Route]] = {}
    for name in model.operation_names:
        operation = model.operation_model(name)
        if operation.deprecated:
            continue  # its successor has the same address
        path, _, query = str(operation.http["requestUri"]).partition("?")
        shape = operation.input_shape
        required = shape.required_members if shape else []
        members = [shape.members[n] for n in required] if shape else []
        route = Route(
            operation,
            re.compile(_path_expression(path)),
            frozenset(parse_qs(query, keep_blank_values=True)) | _wire(members, "querystring"),
            frozenset(header.lower() for header in _wire(members, "header")),
            *_located(shape.members if shape else {}),
        )
        routes.setdefault(str(operation.http["method"]), []).append(route)
    for known in routes.values():
        known.sort(key=lambda route: -len(route.query) - len(route.headers))
    return routes


def _wire(members: Iterable[Shape], location: str) -> frozenset[str]:
    return frozenset(
        str(member.serialization["name"])
        for member in members
        if member.serialization.get("location") == location and member.type_name != "map"
    )


def _path_expression(path: str) -> str:
    parts = re.split(r"\{(\w+\+?)\}", path.rstrip("/"))
    for index in range(1, len(parts), 2):
        name = parts[index]
        parts[index] = f"(?P<{name.rstrip('+')}>{'.+' if name.endswith('+') else '[^/]+'})"
    return "".join(p if i % 2 else re.escape(p) for i, p in enumerate(parts)) + "/?"


def find_route(
    service: str, method: str, path: str, query: Mapping[str, Any], headers: Mapping[str, str]
) -> Route | None:
    """The route of a request, header names in lower case; None when it is for no operation."""
    for route in _routes(service).get(method, ()):
        if (
            route.query <= query.keys()
            and route.headers <= headers.keys()
            and route.path.fullmatch(path)
        ):
            return route
    return None


def _located(members: Mapping[str, Shape]) -> tuple[tuple[Located, ...], ...]:
    """The members in the path, in the query, in headers, and those that are headers' prefixes."""
    places: dict[str, list[Located]] = {"uri": [], "querystring": [], "header": [], "headers": []}
    for name, shape in members.items():
        location = shape.serialization.get("location")
        at = str(shape.serialization.get("name", name))
        if location == "headers" or (location == "header" and shape.type_name not in _MANY):
            places[location].append(Located(name, at.lower(), shape))
        elif location == "uri" or (location == "querystring" and shape.type_name not in _MANY):
            places[location].append(Located(name, at, shape))
    return tuple(map(tuple, places.values()))


def _with_prefix(headers: Mapping[str, str], prefix: str) -> dict[str, str]:
    return {
        header.removeprefix(prefix): value
        for header, value in headers.items()
        if header.startswith(prefix)
    }
