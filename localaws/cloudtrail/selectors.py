"""Which records a trail takes: classic and advanced event selectors.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from localaws.cloudtrail.records import ENDPOINT_TYPE, Record
from localaws.errors import AwsError

EVERY_MANAGEMENT_EVENT = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
_OPERATORS: Mapping[str, Callable[[str, str], bool]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
}
_FIELDS = (
    *("eventCategory", "eventName", "eventSource", "eventType", "readOnly", "errorCode"),
    *("resources.ARN", "resources.type", "userIdentity.arn"),
)


def check(selectors: Iterable[Mapping[str, Any]], advanced: Iterable[Mapping[str, Any]]) -> None:
    """Raise ``AwsError`` for selectors that CloudTrail refuses, or that nothing here fits."""
    for selector in selectors:
        if selector.get("DataResources"):
            kinds = ", ".join(str(resource.get("Type")) for resource in selector["DataResources"])
            raise _invalid(f"{_ALONE}, and none of {kinds}")
    for selector in advanced:
        fields = {rule["Field"]: rule for rule in selector["FieldSelectors"]}
        unknown = sorted(fields.keys() - set(_FIELDS))
        if unknown:
            raise _invalid(f"field {unknown[0]}; known here are {', '.join(_FIELDS)}")
        category = fields.get("eventCategory", {}).get("Equals", [])
        if category not in (["Management"], ["Data"]):
            raise _invalid("eventCategory has to equal Management or Data")
        kinds = fields.get("resources.type", {}).get("Equals", [])
        if category == ["Data"] and kinds != [ENDPOINT_TYPE]:
            raise _invalid(f"{_ALONE}; resources.type has to equal it")


def selects(trail: Mapping[str, Any], record: Record) -> bool:
    """Whether a trail takes a record."""
    if not trail["IsMultiRegionTrail"] and trail["HomeRegion"] != record["awsRegion"]:
        return False
    if record["eventSource"] == "iam.amazonaws.com" and not trail["IncludeGlobalServiceEvents"]:
        return False
    advanced = trail["_AdvancedEventSelectors"]
    if advanced:
        return any(_fits(selector["FieldSelectors"], record) for selector in advanced)
    return record["managementEvent"] and any(
        _is_wanted(selector, record) for selector in trail["_EventSelectors"]
    )


def wants_invocations(trail: Mapping[str, Any]) -> bool:
    """Whether a trail takes any data events."""
    return any(
        rule["Field"] == "eventCategory" and rule.get("Equals") == ["Data"]
        for selector in trail["_AdvancedEventSelectors"]
        for rule in selector["FieldSelectors"]
    )


def _is_wanted(selector: Mapping[str, Any], record: Record) -> bool:
    wanted = selector.get("ReadWriteType", "All")
    return (
        selector.get("IncludeManagementEvents", True)
        and record["eventSource"] not in selector.get("ExcludeManagementEventSources", ())
        and wanted in ("All", "ReadOnly" if record["readOnly"] else "WriteOnly")
    )


def _fits(rules: Iterable[Mapping[str, Any]], record: Record) -> bool:
    return all(_fits_rule(rule, _value(record, rule["Field"])) for rule in rules)


def _fits_rule(rule: Mapping[str, Any], value: str) -> bool:
    return all(
        any(operator(value, text) for text in rule.get(name) or [value])
        and not any(operator(value, text) for text in rule.get(f"Not{name}") or [])
        for name, operator in _OPERATORS.items()
    )


def _value(record: Record, field: str) -> str:
    match field.partition("."):
        case ("resources", _, member):
            first = record["resources"][0] if record.get("resources") else {}
            return str(first.get(member, ""))
        case ("userIdentity", _, member):
            return str(record["userIdentity"].get(member, ""))
        case ("readOnly", _, _):
            return str(record["readOnly"]).lower()
    return str(record.get(field, ""))


_ALONE = f"localaws records data events of {ENDPOINT_TYPE} alone"


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidEventSelectorsException", message)
