"""Which operation a request of a REST protocol is for: by its method, path, query and headers.

https://smithy.io/2.0/spec/http-bindings.html
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import parse_qs

from botocore.model import OperationModel, Shape

from localaws.service_models import service_model


@dataclass(frozen=True)
class Route:
    """How a request is told to be for an operation."""

    operation: OperationModel
    path: re.Pattern[str]
    query: frozenset[str]
    headers: frozenset[str]
    located: tuple[tuple[str, str, Shape], ...]

    def path_parameters(self, path: str) -> dict[str, Any]:
        """The members that the path holds."""
        match = self.path.fullmatch(path)
        found = match.groupdict() if match else {}
        return {
            name: found[at]
            for name, at, member in self.located
            if at in found and member.serialization["location"] == "uri"
        }


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
            _located(shape.members if shape else {}),
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


def _located(members: Mapping[str, Shape]) -> tuple[tuple[str, str, Shape], ...]:
    """Name, name on the wire and shape of the members that are not in the body."""
    return tuple(
        (name, str(member.serialization.get("name", name)), member)
        for name, member in members.items()
        if "location" in member.serialization
    )
