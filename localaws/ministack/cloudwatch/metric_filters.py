"""Metric filters: what log events say becomes metrics, as they come in.

https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/MonitoringLogData.html
"""

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from ministack.services import cloudwatch, cloudwatch_logs

from localaws.filter_patterns import document_of, filter_of
from localaws.json_filter_patterns import value_at
from localaws.ministack import patches
from localaws.patterns import PatternError

Event = Mapping[str, Any]
FILTERS = 256

logger = logging.getLogger(__name__)
_filter_of = lru_cache(FILTERS)(filter_of)


def install() -> None:
    """Let metric filters see all events that subscription filters see, with the same patterns."""
    patches.replace(cloudwatch_logs, "_fanout_to_subscription_filters", _after_metrics)
    patches.replace(cloudwatch_logs, "_subscription_pattern_matches", lambda _: _matches)


def _after_metrics(fan_out: Callable[..., Any]) -> Callable[..., Any]:
    def fanned_out(group_name: str, stream_name: str, events: Sequence[Event]) -> Any:
        for key, kept in list(cloudwatch_logs._metric_filters.items()):
            if key[0] == group_name:
                _count(kept, events)
        return fan_out(group_name, stream_name, events)

    return fanned_out


def _matches(pattern: str, message: str) -> bool:
    try:
        return _filter_of(pattern)(message or "")
    except PatternError as error:  # one that was taken before patterns were read, or takes too long
        logger.warning("a filter pattern was passed over: %s", error)
        return False


def _count(kept: Mapping[str, Any], events: Sequence[Event]) -> None:
    """Put what one filter makes of events that came together."""
    matching = [event for event in events if _matches(kept["filterPattern"], event["message"])]
    for made in kept["metricTransformations"]:
        for event in matching:
            _put(made, event["timestamp"], document_of(event["message"]))
        if events and not matching and "defaultValue" in made:
            default = {**made, "metricValue": str(made["defaultValue"])}
            _put(default, events[-1]["timestamp"], None)


def _put(made: Mapping[str, Any], milliseconds: float, document: Any) -> None:
    value = _number(_resolved(made["metricValue"], document))
    dimensions = {
        name: _resolved(selector, document)
        for name, selector in (made.get("dimensions") or {}).items()
    }
    if value is None or None in dimensions.values():
        return  # the event has no such field
    cloudwatch._store_datum(
        made["metricNamespace"],
        made["metricName"],
        {name: str(text) for name, text in dimensions.items()},
        milliseconds / 1000,
        made.get("unit", "None"),
        value,
        None,
        None,
        None,
    )


def _resolved(text: str, document: Any) -> Any:
    return value_at(document, text) if text.startswith("$") else text


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None
