"""Filters, sorting and paging of the List operations."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.sagemaker.resources import Request, Response, validation_exception

DEFAULT_PAGE = 10
"""MaxResults when the request has none: the number that SageMaker documents."""


@dataclass(frozen=True)
class Listing:
    """How one List operation answers.

    Attributes
    ----------
    member
        The response's list, for example ``Endpoints``.
    name
        The member of a summary that NameContains and SortBy=Name mean.
    status
        The member that StatusEquals and SortBy=Status mean, if there is one.
    sort_by
        SortBy when the request has none.
    sort_order
        SortOrder when the request has none.
    """

    member: str
    name: str
    status: str = ""
    sort_by: str = "CreationTime"
    sort_order: str = "Descending"
    sort_keys: Mapping[str, str] = field(default_factory=dict)

    def page(self, summaries: Iterable[dict[str, Any]], request: Request) -> Response:
        """The page of summaries that the request asks for, with the NextToken of the next one."""
        chosen = [summary for summary in summaries if self._matches(summary, request)]
        sort_by = request.get("SortBy", self.sort_by)
        key = self._sort_key(sort_by)
        descending = request.get("SortOrder", self.sort_order) == "Descending"
        chosen.sort(key=lambda summary: (summary[key], summary[self.name]), reverse=descending)
        start = _offset(request.get("NextToken"))
        end = start + request.get("MaxResults", DEFAULT_PAGE)
        response: Response = {self.member: chosen[start:end]}
        if end < len(chosen):
            response["NextToken"] = _token(end)
        return response

    def _sort_key(self, sort_by: str) -> str:
        return {"Name": self.name, "Status": self.status, **self.sort_keys}.get(sort_by, sort_by)

    def _matches(self, summary: dict[str, Any], request: Request) -> bool:
        wanted = request.get("NameContains", "").lower()
        return (
            wanted in summary[self.name].lower()
            and request.get("StatusEquals") in (None, summary.get(self.status))
            and _within(summary.get("CreationTime"), "CreationTime", request)
            and _within(summary.get("LastModifiedTime"), "LastModifiedTime", request)
        )


def _within(moment: float | None, member: str, request: Request) -> bool:
    after, before = request.get(f"{member}After"), request.get(f"{member}Before")
    if moment is None:
        return after is None and before is None
    return (after is None or moment > after) and (before is None or moment < before)


def _token(offset: int) -> str:
    return base64.urlsafe_b64encode(json.dumps({"offset": offset}).encode()).decode()


def _offset(token: str | None) -> int:
    if token is None:
        return 0
    try:
        offset = json.loads(base64.urlsafe_b64decode(token))["offset"]
    except (binascii.Error, ValueError, KeyError, TypeError):
        offset = None
    if not isinstance(offset, int) or offset < 0:
        raise validation_exception("Invalid NextToken: use the value that the last page returned.")
    return offset
