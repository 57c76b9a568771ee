"""The Amazon States Language: what is wrong with a definition.

https://states-language.net/spec.html
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from localaws.admission.rule import Parameters
from localaws.admission.services.choice_rules import is_time, rule_problems

MOST_SECONDS = 99_999_999
_LANGUAGES = ("JSONPath", "JSONata")
_CALL = re.compile(r"States\.(\w+)\s*\(", re.ASCII)
_INTRINSICS = frozenset(
    {"Array", "ArrayContains", "ArrayGetItem", "ArrayLength", "ArrayPartition", "ArrayRange",
     "ArrayUnique", "Base64Decode", "Base64Encode", "Format", "Hash", "JsonMerge", "JsonToString",
     "MathAdd", "MathRandom", "StringSplit", "StringToJson", "UUID"}
)  # fmt: skip
_OPTIMIZED = frozenset(
    {"apigateway", "athena", "batch", "bedrock", "codebuild", "dynamodb", "ecs", "eks",
     "elasticmapreduce", "emr-containers", "emr-serverless", "events", "glue", "databrew", "http",
     "lambda", "mediaconvert", "sagemaker", "sns", "sqs", "states"}
)  # fmt: skip
"""https://docs.aws.amazon.com/step-functions/latest/dg/integrate-optimized.html"""
_DATA = {"InputPath", "OutputPath", "Output"}
_RESULT = _DATA | {"Parameters", "Arguments", "ResultSelector", "ResultPath", "Retry", "Catch",
                   "Assign"}  # fmt: skip
_WAITS = ("Seconds", "SecondsPath", "Timestamp", "TimestampPath")
_FIELDS: Mapping[str, set[str]] = {
    "Task": _RESULT | {"Resource", "Credentials", "TimeoutSeconds", "TimeoutSecondsPath",
                       "HeartbeatSeconds", "HeartbeatSecondsPath"},
    "Pass": _DATA | {"Result", "Parameters", "ResultPath", "Assign"},
    "Choice": _DATA | {"Choices", "Default", "Assign"},
    "Wait": _DATA | {*_WAITS, "Assign"},
    "Succeed": _DATA,
    "Fail": {"Error", "ErrorPath", "Cause", "CausePath"},
    "Parallel": _RESULT | {"Branches"},
    "Map": _RESULT | {"ItemProcessor", "Iterator", "ItemsPath", "Items", "ItemSelector",
                      "MaxConcurrency", "MaxConcurrencyPath", "ItemReader", "ItemBatcher",
                      "ResultWriter", "ToleratedFailureCount", "ToleratedFailureCountPath",
                      "ToleratedFailurePercentage", "ToleratedFailurePercentagePath", "Label"},
}  # fmt: skip
_OF_JSON_PATH = {"InputPath", "OutputPath", "Parameters", "ResultSelector", "ResultPath",
                 "ItemsPath", "SecondsPath", "TimestampPath", "TimeoutSecondsPath",
                 "HeartbeatSecondsPath", "ErrorPath", "CausePath",
                 "MaxConcurrencyPath"}  # fmt: skip
_OF_JSONATA = {"Arguments", "Output", "Items"}
_ENDS = ("Succeed", "Fail")
_OF_MACHINE = {"StartAt", "States", "Comment", "Version", "TimeoutSeconds", "QueryLanguage"}


def problems(definition: Any) -> Iterator[str]:
    """What is wrong with a definition, as AWS says it."""
    yield from _machine(definition, "", "JSONPath", _OF_MACHINE)
    seen: set[str] = set()
    for name, path in _names(definition, ""):
        if name in seen:
            yield f"DUPLICATE_STATE_NAME: Duplicate State name: {name} at {path}"
        seen.add(name)


def _names(machine: Any, path: str) -> Iterator[tuple[str, str]]:
    """The states of a machine and of those within it; a name stands once in all of them."""
    states = machine.get("States") if isinstance(machine, dict) else None
    for name, state in states.items() if isinstance(states, dict) else ():
        at = f"{path}/States/{name}"
        yield name, at
        if not isinstance(state, dict):
            continue
        branches = state.get("Branches")
        for number, branch in enumerate(branches if isinstance(branches, list) else ()):
            yield from _names(branch, f"{at}/Branches[{number}]")
        for field in ("ItemProcessor", "Iterator"):
            yield from _names(state.get(field), f"{at}/{field}")


def _machine(machine: Any, path: str, language: str, allowed: set[str]) -> Iterator[str]:
    if not isinstance(machine, dict):
        yield _schema(path, "The value is not a JSON object")
        return
    states, start = machine.get("States"), machine.get("StartAt")
    for field in machine.keys() - allowed:
        yield _schema(f"{path}/{field}", "Field is not supported")
    if not isinstance(start, str):
        yield _schema(path, "These fields are required: [StartAt]")
    if not isinstance(states, dict) or not states:
        yield _schema(path, "These fields are required: [States]")
        return
    language = str(machine.get("QueryLanguage", language))
    if language not in _LANGUAGES:
        yield _schema(f"{path}/QueryLanguage", f"Value is not one of [{', '.join(_LANGUAGES)}]")
    for name, state in states.items():
        if not isinstance(state, dict):
            yield _schema(f"{path}/States/{name}", "The value is not a JSON object")
            return
        yield from _state(name, state, f"{path}/States/{name}", language)
    targets = {name: set(_targets(state)) for name, state in states.items()}
    begin = {start} if isinstance(start, str) else set[str]()
    for name in sorted(begin.union(*targets.values()) - states.keys()):
        yield f"MISSING_TRANSITION_TARGET: Missing 'Next' target: {name} at {path}/States"
    reached, new = set[str](), begin
    while new:
        reached |= new
        new = set[str]().union(*(targets.get(name, set()) for name in new)) - reached
    for name in states.keys() - reached:
        text = f'State "{name}" is not reachable. at {path}/States/{name}'
        yield f"MISSING_TRANSITION_TARGET: {text}"


def _state(name: str, state: Parameters, path: str, language: str) -> Iterator[str]:
    kind = str(state.get("Type"))
    language = str(state.get("QueryLanguage", language))
    if kind not in _FIELDS:
        yield _schema(f"{path}/Type", f"Value is not one of [{', '.join(_FIELDS)}]")
        return
    if len(name) > 80:
        yield _schema(path, "State name must be at most 80 characters")
    allowed = _FIELDS[kind] | {"Type", "Comment", "QueryLanguage"}
    allowed |= set() if kind in (*_ENDS, "Choice") else {"Next", "End"}
    allowed -= _OF_JSON_PATH if language == "JSONata" else _OF_JSONATA
    for field in state.keys() - allowed:
        yield _schema(f"{path}/{field}", "Field is not supported")
    if kind not in (*_ENDS, "Choice") and ("Next" in state) == (state.get("End") is True):
        yield _schema(path, "These fields are required, exactly one of: [Next, End]")
    for field in ("InputPath", "OutputPath", "ResultPath"):
        value = state.get(field)
        if value is not None and not (isinstance(value, str) and value.startswith("$")):
            yield _schema(f"{path}/{field}", "Value is not a valid JSONPath")
    if language == "JSONPath":
        for field in ("Parameters", "ResultSelector", "ItemSelector"):
            yield from _template(state.get(field), f"{path}/{field}")
    yield from _seconds(state, path)
    yield from _of_kind(kind, state, path, language)
    yield from _handlers(state, path)


def _of_kind(kind: str, state: Parameters, path: str, language: str) -> Iterator[str]:
    match kind:
        case "Task":
            resource = state.get("Resource")
            if not isinstance(resource, str) or not _is_resource(resource):
                yield _schema(f"{path}/Resource", "Value is not a valid resource ARN")
        case "Wait":
            if sum(field in state for field in _WAITS) != 1:
                yield _schema(path, f"Exactly one of these is required: [{', '.join(_WAITS)}]")
            seconds = state.get("Seconds", 0)
            if not _is_expression(seconds) and not _is_count(seconds, 0):
                yield _schema(f"{path}/Seconds", f"Value is not from 0 to {MOST_SECONDS}")
            at = state.get("Timestamp", "2000-01-01T00:00:00Z")
            if not _is_expression(at) and not is_time(at):
                yield _schema(f"{path}/Timestamp", "Value is not a timestamp (RFC 3339)")
            for field in ("SecondsPath", "TimestampPath"):
                if not str(state.get(field, "$")).startswith("$"):
                    yield _schema(f"{path}/{field}", "Value is not a valid JSONPath")
        case "Choice":
            choices = state.get("Choices")
            if not isinstance(choices, list) or not choices:
                yield _schema(path, "These fields are required: [Choices]")
                return
            for number, choice in enumerate(choices):
                at = f"{path}/Choices[{number}]"
                if not isinstance(choice, dict) or not isinstance(choice.get("Next"), str):
                    yield _schema(at, "These are required: [Next]")
                    continue
                for within, text in rule_problems(choice):
                    yield _schema(at + within, text)
        case "Parallel":
            branches = state.get("Branches")
            if not isinstance(branches, list) or not branches:
                yield _schema(path, "These fields are required: [Branches]")
                return
            for number, branch in enumerate(branches):
                inner = f"{path}/Branches[{number}]"
                yield from _machine(branch, inner, language, _OF_MACHINE)
        case "Map":
            field = "ItemProcessor" if "ItemProcessor" in state else "Iterator"
            if field not in state:
                yield _schema(path, "These fields are required: [ItemProcessor]")
                return
            most = state.get("MaxConcurrency", 0)
            if not _is_expression(most) and not _is_count(most, 0):
                yield _schema(f"{path}/MaxConcurrency", "Value is not an integer from 0 on")
            inside = _OF_MACHINE | {"ProcessorConfig"}
            yield from _machine(state[field], f"{path}/{field}", language, inside)


def _handlers(state: Parameters, path: str) -> Iterator[str]:
    for field in ("Retry", "Catch"):
        entries = state.get(field, [])
        if not isinstance(entries, list):
            yield _schema(f"{path}/{field}", "The value is not an array")
            continue
        for number, entry in enumerate(entries):
            at = f"{path}/{field}[{number}]"
            errors = entry.get("ErrorEquals") if isinstance(entry, dict) else None
            if not isinstance(errors, list) or not errors:
                yield _schema(at, "These fields are required: [ErrorEquals]")
                continue
            if "States.ALL" in errors and (len(errors) > 1 or number < len(entries) - 1):
                yield _schema(at, "States.ALL must appear alone, and in the last of them")
            if field == "Catch" and not isinstance(entry.get("Next"), str):
                yield _schema(at, "These fields are required: [Next]")
            for name, least in (("MaxAttempts", 0), ("IntervalSeconds", 1)):
                if not _is_count(entry.get(name, least), least):
                    text = f"Value is not an integer from {least} to {MOST_SECONDS}"
                    yield _schema(f"{at}/{name}", text)
            rate = entry.get("BackoffRate", 1)
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate >= 1:
                yield _schema(f"{at}/BackoffRate", "Value is less than 1")


def _seconds(state: Parameters, path: str) -> Iterator[str]:
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        value = state.get(field, 1)
        if not _is_expression(value) and not _is_count(value, 1):
            yield _schema(f"{path}/{field}", f"Value is not an integer from 1 to {MOST_SECONDS}")
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        yield _schema(f"{path}/HeartbeatSeconds", "Value is not smaller than TimeoutSeconds")


def _template(value: Any, path: str) -> Iterator[str]:
    """Members of a payload template that end with ``.$`` are paths or intrinsic functions."""
    if isinstance(value, list):
        for number, item in enumerate(value):
            yield from _template(item, f"{path}[{number}]")
    if not isinstance(value, dict):
        return
    for name, member in value.items():
        if not name.endswith(".$"):
            yield from _template(member, f"{path}/{name}")
        elif not isinstance(member, str) or not _is_path_or_function(member):
            text = "The value for the field must be a valid JSONPath or a valid intrinsic function"
            yield _schema(f"{path}/{name}", f"{text} call")


def _is_path_or_function(text: str) -> bool:
    if text.startswith("$"):
        return True
    called = _CALL.match(text)
    return called is not None and called[1] in _INTRINSICS and _is_closed(text)


def _is_closed(text: str) -> bool:
    """Whether brackets and quotation marks of a function call are closed, and end with it."""
    depth, quoted, escaped = 0, False, False
    for number, character in enumerate(text):
        if escaped:
            escaped = False
        elif character == "\\":
            escaped = True
        elif character == "'":
            quoted = not quoted
        elif not quoted and character in "()":
            depth += 1 if character == "(" else -1
            if depth == 0:
                return number == len(text.rstrip()) - 1
    return False


def _is_resource(resource: str) -> bool:
    if _is_expression(resource):
        return True
    parts = resource.split(":")
    if parts[0] != "arn" or len(parts) < 6:
        return False
    return parts[2] != "states" or parts[5] in ("activity", "aws-sdk") or parts[5] in _OPTIMIZED


def _is_expression(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("{%") and value.endswith("%}")


def _is_count(value: Any, least: int) -> bool:
    return type(value) is int and least <= value <= MOST_SECONDS


def _targets(state: Parameters) -> Iterator[str]:
    handlers = [*_dicts(state.get("Catch")), *_dicts(state.get("Choices"))]
    for named in (state.get("Next"), state.get("Default"), *(h.get("Next") for h in handlers)):
        if isinstance(named, str):
            yield named


def _dicts(value: Any) -> list[Parameters]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _schema(path: str, text: str) -> str:
    return f"SCHEMA_VALIDATION_FAILED: {text} at {path or '/'}"
