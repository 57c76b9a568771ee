"""Logs Insights queries in full, in place of MiniStack's subset.

MiniStack leaves out commands that it does not know, so that a query with ``parse`` or ``stats``
answers something else than was asked. Here such a query runs, or is refused.
"""

import time
from collections.abc import Mapping
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs

from localaws.ministack.log_insights.query import DEFAULT_LIMIT, Query, parse_query
from localaws.ministack.log_insights.rows import Row, as_text
from localaws.ministack.log_insights.tokens import MalformedQueryError

POINTER = "@ptr"


def install() -> None:
    """Take over StartQuery; its results are fetched from MiniStack as before."""
    cloudwatch_logs._start_query = start_query


def start_query(request: Mapping[str, Any]) -> Any:
    """StartQuery: the query is complete when it is answered."""
    groups = cloudwatch_logs._resolve_query_log_groups(request)
    if not groups:
        return error_response_json(
            "InvalidParameterException", "A query needs at least one log group", 400
        )
    for name in groups:
        if name not in cloudwatch_logs._log_groups:
            message = f"Log group '{name}' does not exist for account ID"
            return error_response_json("ResourceNotFoundException", message, 400)
    try:
        query = parse_query(request.get("queryString", ""))
    except MalformedQueryError as error:
        return error_response_json("MalformedQueryException", str(error), 400)
    scanned = _events(groups, request)
    found = query.run(scanned, int(request.get("limit") or DEFAULT_LIMIT))
    identifier = new_uuid()
    cloudwatch_logs._queries[identifier] = {
        **request,
        "queryId": identifier,
        "status": "Complete",
        "results": [_columns(query, row) for row in found],
        "statistics": {
            "recordsMatched": float(len(found)),
            "recordsScanned": float(len(scanned)),
            "bytesScanned": float(sum(len(as_text(row["@message"])) for row in scanned)),
        },
    }
    return json_response({"queryId": identifier})


def _events(groups: list[str], request: Mapping[str, Any]) -> list[Row]:
    """Log events within the query's time, the newest first."""
    records = cloudwatch_logs._collect_query_records(
        groups, request.get("startTime", 0), request.get("endTime", int(time.time()))
    )
    return [cloudwatch_logs._public_log_record(record) for record in reversed(records)]


def _columns(query: Query, row: Row) -> list[dict[str, str]]:
    names = [*query.fields, POINTER] if POINTER in row else query.fields
    return [{"field": name, "value": as_text(row[name])} for name in names if name in row]
