"""Logs Insights queries in full, in place of MiniStack's subset.

MiniStack leaves out commands that it does not know, so that a query with ``parse`` or ``stats``
answers something else than was asked. Here such a query runs, or is refused. As on AWS it runs in
the background: on a thread, so that everybody else is served meanwhile.
"""

import logging
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from ministack.core.responses import error_response_json, json_response, new_uuid
from ministack.services import cloudwatch_logs

from localaws.ministack import patches
from localaws.ministack.cloudwatch.log_insights.query import DEFAULT_LIMIT, Query, parse_query
from localaws.ministack.cloudwatch.log_insights.rows import Row, as_text
from localaws.ministack.cloudwatch.log_insights.tokens import MalformedQueryError
from localaws.ministack.cloudwatch.log_store import forget_old_records
from localaws.patterns import PatternError

POINTER = "@ptr"
KEPT_QUERIES = 100

logger = logging.getLogger(__name__)


def install() -> None:
    """Take over StartQuery; its results are fetched from MiniStack as before."""
    patches.replace(cloudwatch_logs, "_start_query", lambda _: Queries().start)


class Queries:
    """Runs queries, two at a time, and keeps the results of the last ones."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(2, "insights")

    def start(self, request: Mapping[str, Any]) -> Any:
        """StartQuery."""
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
        identifier = new_uuid()
        record = {**request, "queryId": identifier, "status": "Running"}
        _keep(identifier, record)
        limit = int(request.get("limit") or DEFAULT_LIMIT)
        self._threads.submit(_run, query, record, _events(groups, request), limit)
        return json_response({"queryId": identifier})


def _keep(identifier: str, record: dict[str, Any]) -> None:
    queries = cloudwatch_logs._queries
    for oldest in list(queries.keys())[: -KEPT_QUERIES + 1 or None]:
        if len(queries) >= KEPT_QUERIES:
            del queries[oldest]
    queries[identifier] = record


def _run(query: Query, record: dict[str, Any], scanned: list[Row], limit: int) -> None:
    """Run a query and say in its record how it ended, unless it was stopped meanwhile."""
    try:
        found = query.run(scanned, limit)
        results = [_columns(query, row) for row in found]
    except PatternError as error:
        logger.warning("query %s failed: %s", record["queryId"], error)
        record["status"] = "Failed"
        return
    except Exception:
        logger.exception("query %s failed", record["queryId"])
        record["status"] = "Failed"
        return
    record["results"] = results
    record["statistics"] = {
        "recordsMatched": float(len(found)),
        "recordsScanned": float(len(scanned)),
        "bytesScanned": float(sum(len(as_text(row["@message"])) for row in scanned)),
    }
    if record["status"] == "Running":
        record["status"] = "Complete"


def _events(groups: list[str], request: Mapping[str, Any]) -> list[Row]:
    """Log events within the query's time, the newest first."""
    records = cloudwatch_logs._collect_query_records(
        groups, request.get("startTime", 0), request.get("endTime", int(time.time()))
    )
    forget_old_records()
    return [cloudwatch_logs._public_log_record(record) for record in reversed(records)]


def _columns(query: Query, row: Row) -> list[dict[str, str]]:
    names = [*query.fields, POINTER] if POINTER in row else query.fields
    return [{"field": name, "value": as_text(row[name])} for name in names if name in row]
