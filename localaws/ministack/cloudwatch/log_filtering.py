"""FilterLogEvents, page by page.

https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html
"""

import base64
import heapq
from collections.abc import Callable, Iterator, Mapping
from itertools import islice
from operator import itemgetter
from typing import Any

from ministack.core.responses import error_response_json, json_response
from ministack.services import cloudwatch_logs

from localaws.filter_patterns import filter_of
from localaws.ministack import patches
from localaws.patterns import PatternError

MOST_EVENTS = 10_000
"""Of one page."""
Event = dict[str, Any]


def install() -> None:
    """Replace MiniStack's, which ends after one page and knows no prefix of streams."""
    patches.replace(cloudwatch_logs, "_filter_log_events", lambda _: filter_log_events)
    patches.replace(cloudwatch_logs, "_describe_log_streams", _of_identifier)


def _of_identifier(describe: Callable[[Mapping[str, Any]], Any]) -> Callable[..., Any]:
    """A group may be named by its ARN too."""

    def described(data: Mapping[str, Any]) -> Any:
        return describe({**data, "logGroupName": cloudwatch_logs._resolve_log_group_name(data)})

    return described


def filter_log_events(data: Mapping[str, Any]) -> Any:
    """The events of a group that a pattern lets pass, the oldest first."""
    name = cloudwatch_logs._resolve_log_group_name(data)
    group = cloudwatch_logs._log_groups.get(name)
    if group is None:
        text = f"The specified log group does not exist: {name}"
        return error_response_json("ResourceNotFoundException", text, 400)
    try:
        passes = filter_of(data.get("filterPattern", ""))
    except PatternError as error:
        return error_response_json("InvalidParameterException", str(error), 400)
    begin = int(base64.b64decode(data["nextToken"])) if data.get("nextToken") else 0
    end = begin + min(data.get("limit", MOST_EVENTS), MOST_EVENTS)
    found = list(islice(_matching(group["streams"], data, passes), begin, end + 1))
    answer: Event = {"events": found[: end - begin], "searchedLogStreams": []}
    if len(found) > end - begin:
        answer["nextToken"] = base64.b64encode(str(end).encode()).decode()
    return json_response(answer)


def _matching(
    streams: Mapping[str, Any], data: Mapping[str, Any], passes: Callable[[str], bool]
) -> Iterator[Event]:
    since, until = data.get("startTime", 0), data.get("endTime", float("inf"))
    names = data.get("logStreamNames") or [
        name for name in streams if name.startswith(data.get("logStreamNamePrefix", ""))
    ]
    with cloudwatch_logs._log_events_lock:
        histories = [(n, list(streams[n]["events"])) for n in names if n in streams]
    events = (
        ({**event, "logStreamName": name} for event in history) for name, history in histories
    )
    for event in heapq.merge(*events, key=itemgetter("timestamp")):
        if since <= event["timestamp"] <= until and passes(event.get("message", "")):
            yield event
