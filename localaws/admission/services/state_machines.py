"""Definitions of state machines that Step Functions refuses.

https://states-language.net/spec.html
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule
from localaws.errors import AwsError

MOST_CHARACTERS = 1_048_576
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
_NAME = re.compile(r"""[^\s<>{}\[\]?*"#%\\^|~`$&,;:/\x00-\x1f\x7f-\x9f]{1,80}""")


def problems(definition: Any) -> Iterator[str]:
    """What is wrong with a definition, as AWS says it."""
    yield from _machine(definition, "", "JSONPath", _OF_MACHINE)


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
    yield from _of_kind(kind, state, path, language)
    yield from _handlers(state, path)


def _of_kind(kind: str, state: Parameters, path: str, language: str) -> Iterator[str]:
    match kind:
        case "Task":
            resource = state.get("Resource")
            if not isinstance(resource, str) or not resource.startswith(("arn:", "{%")):
                yield _schema(f"{path}/Resource", "Value is not a valid resource ARN")
        case "Wait":
            if sum(field in state for field in _WAITS) != 1:
                yield _schema(path, f"Exactly one of these is required: [{', '.join(_WAITS)}]")
            seconds = state.get("Seconds", 0)
            if isinstance(seconds, bool | int | float) and not 0 <= seconds <= 99_999_999:
                yield _schema(f"{path}/Seconds", "Value is not from 0 to 99999999")
        case "Choice":
            choices = state.get("Choices")
            if not isinstance(choices, list) or not choices:
                yield _schema(path, "These fields are required: [Choices]")
                return
            for number, choice in enumerate(choices):
                if not isinstance(choice, dict) or not isinstance(choice.get("Next"), str):
                    yield _schema(f"{path}/Choices[{number}]", "These are required: [Next]")
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
            for name, least in (("MaxAttempts", 0), ("IntervalSeconds", 1), ("BackoffRate", 1)):
                value = entry.get(name, least)
                if not isinstance(value, int | float) or value < least:
                    yield _schema(f"{at}/{name}", f"Value is less than {least}")


def _targets(state: Parameters) -> Iterator[str]:
    handlers = [*_dicts(state.get("Catch")), *_dicts(state.get("Choices"))]
    for named in (state.get("Next"), state.get("Default"), *(h.get("Next") for h in handlers)):
        if isinstance(named, str):
            yield named


def _dicts(value: Any) -> list[Parameters]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _schema(path: str, text: str) -> str:
    return f"SCHEMA_VALIDATION_FAILED: {text} at {path or '/'}"


def _check_definition(parameters: Parameters, account: Account) -> None:
    text = parameters.get("definition")
    if text is None:
        return
    try:
        if len(text) > MOST_CHARACTERS:
            raise ValueError("the definition is too long")
        found = list(problems(json.loads(text)))
    except (ValueError, RecursionError) as error:
        found = [f"INVALID_JSON_DESCRIPTION: {error}"]
    if found:
        raise AwsError(
            "InvalidDefinition", f"Invalid State Machine Definition: '{', '.join(found[:5])}'"
        )


def _create(parameters: Parameters, account: Account) -> None:
    name = parameters["name"]
    if not _NAME.fullmatch(name):
        raise AwsError("InvalidName", f"Invalid Name: '{name}'")
    _check_definition(parameters, account)


def _start(parameters: Parameters, account: Account) -> None:
    name = parameters.get("name")
    if name is not None and not _NAME.fullmatch(name):
        raise AwsError("InvalidName", f"Invalid Name: '{name}'")
    try:
        json.loads(parameters.get("input", "{}"))
    except (ValueError, RecursionError) as error:
        text = f"Invalid State Machine Execution Input: '{error}'"
        raise AwsError("InvalidExecutionInput", text) from None


RULES: Mapping[tuple[str, str], Rule] = {
    ("stepfunctions", "CreateStateMachine"): _create,
    ("stepfunctions", "UpdateStateMachine"): _check_definition,
    ("stepfunctions", "StartExecution"): _start,
    ("stepfunctions", "StartSyncExecution"): _start,
}
