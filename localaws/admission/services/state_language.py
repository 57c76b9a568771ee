"""The Amazon States Language: what is wrong with a definition.

https://states-language.net/spec.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localaws.admission.rule import Parameters
from localaws.admission.services.choice_rules import is_time, rule_problems
from localaws.admission.services.map_states import map_problems, processor_field
from localaws.admission.services.state_tasks import task_problems
from localaws.admission.services.state_values import (
    MOST_NAME,
    MOST_SECONDS,
    is_count,
    is_expression,
    is_path,
    schema,
    template_problems,
    variable_problems,
)

_LANGUAGES = ("JSONPath", "JSONata")
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
_OF_PROCESSOR = (_OF_MACHINE | {"ProcessorConfig"}) - {"QueryLanguage"}
_EITHER = (("Error", "ErrorPath"), ("Cause", "CausePath"))


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
        yield schema(path, "The value is not a JSON object")
        return
    states, start = machine.get("States"), machine.get("StartAt")
    for field in machine.keys() - allowed:
        yield schema(f"{path}/{field}", "Field is not supported")
    if not isinstance(start, str):
        yield schema(path, "These fields are required: [StartAt]")
    if not isinstance(states, dict) or not states:
        yield schema(path, "These fields are required: [States]")
        return
    if machine.get("Version", "1.0") != "1.0":
        yield schema(f"{path}/Version", "Value is not 1.0")
    if not is_count(machine.get("TimeoutSeconds", 1), 1):
        text = f"Value is not an integer from 1 to {MOST_SECONDS}"
        yield schema(f"{path}/TimeoutSeconds", text)
    language = str(machine.get("QueryLanguage", language))
    if language not in _LANGUAGES:
        yield schema(f"{path}/QueryLanguage", f"Value is not one of [{', '.join(_LANGUAGES)}]")
    for name, state in states.items():
        if not isinstance(state, dict):
            yield schema(f"{path}/States/{name}", "The value is not a JSON object")
            return
        yield from _state(name, state, f"{path}/States/{name}", language)
    if not any(_is_end(state) for state in states.values()):
        yield f"MISSING_END_STATE: Workflow has no terminal state at {path or 'null'}"
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
    of_machine = language
    if language == "JSONata" and state.get("QueryLanguage") == "JSONPath":
        text = "'QueryLanguage' can not be 'JSONPath' if set to 'JSONata' for whole state machine"
        yield schema(path, text)
    language = str(state.get("QueryLanguage", language))
    if kind not in _FIELDS:
        yield schema(f"{path}/Type", f"Value is not one of [{', '.join(_FIELDS)}]")
        return
    if len(name) > MOST_NAME:
        yield schema(path, f"State name must be at most {MOST_NAME} characters")
    allowed = _FIELDS[kind] | {"Type", "Comment", "QueryLanguage"}
    allowed |= set() if kind in (*_ENDS, "Choice") else {"Next", "End"}
    allowed -= _OF_JSON_PATH if language == "JSONata" else _OF_JSONATA
    for field in state.keys() - allowed:
        yield schema(f"{path}/{field}", "Field is not supported")
    if kind not in (*_ENDS, "Choice") and ("Next" in state) == (state.get("End") is True):
        yield schema(path, "These fields are required, exactly one of: [Next, End]")
    for field in ("InputPath", "OutputPath", "ResultPath"):
        value = state.get(field)
        if value is not None and not is_path(value):
            yield schema(f"{path}/{field}", "Value is not a valid JSONPath")
    if language == "JSONPath":
        for field in ("Parameters", "ResultSelector", "ItemSelector"):
            yield from template_problems(state.get(field), f"{path}/{field}")
    yield from variable_problems(state.get("Assign"), f"{path}/Assign")
    yield from _seconds(state, path)
    yield from _of_kind(kind, state, path, of_machine)
    yield from _handlers(state, path)


def _of_kind(kind: str, state: Parameters, path: str, language: str) -> Iterator[str]:
    """States within a state have the language of the machine, not that of the state."""
    match kind:
        case "Task":
            yield from task_problems(state, path)
        case "Wait":
            if sum(field in state for field in _WAITS) != 1:
                yield schema(path, f"Exactly one of these is required: [{', '.join(_WAITS)}]")
            seconds = state.get("Seconds", 0)
            if not is_expression(seconds) and not is_count(seconds, 0):
                yield schema(f"{path}/Seconds", f"Value is not from 0 to {MOST_SECONDS}")
            at = state.get("Timestamp", "2000-01-01T00:00:00Z")
            if not is_expression(at) and not is_time(at):
                yield schema(f"{path}/Timestamp", "Value is not a timestamp (RFC 3339)")
            for field in ("SecondsPath", "TimestampPath"):
                if not str(state.get(field, "$")).startswith("$"):
                    yield schema(f"{path}/{field}", "Value is not a valid JSONPath")
        case "Choice":
            choices = state.get("Choices")
            if not isinstance(choices, list) or not choices:
                yield schema(path, "These fields are required: [Choices]")
                return
            for number, choice in enumerate(choices):
                at = f"{path}/Choices[{number}]"
                if not isinstance(choice, dict) or not isinstance(choice.get("Next"), str):
                    yield schema(at, "These are required: [Next]")
                    continue
                for within, text in rule_problems(choice):
                    yield schema(at + within, text)
        case "Parallel":
            branches = state.get("Branches")
            if not isinstance(branches, list) or not branches:
                yield schema(path, "These fields are required: [Branches]")
                return
            for number, branch in enumerate(branches):
                inner = f"{path}/Branches[{number}]"
                yield from _machine(branch, inner, language, _OF_MACHINE)
        case "Map":
            yield from map_problems(state, path)
            processor = processor_field(state)
            if processor is not None:
                at = f"{path}/{processor}"
                yield from _machine(state[processor], at, language, _OF_PROCESSOR)
        case "Fail":
            for pair in _EITHER:
                if all(field in state for field in pair):
                    yield schema(path, f"At most one of these is allowed: [{', '.join(pair)}]")


def _handlers(state: Parameters, path: str) -> Iterator[str]:
    for field in ("Retry", "Catch"):
        entries = state.get(field, [])
        if not isinstance(entries, list):
            yield schema(f"{path}/{field}", "The value is not an array")
            continue
        for number, entry in enumerate(entries):
            at = f"{path}/{field}[{number}]"
            errors = entry.get("ErrorEquals") if isinstance(entry, dict) else None
            if not isinstance(errors, list) or not errors:
                yield schema(at, "These fields are required: [ErrorEquals]")
                continue
            if "States.ALL" in errors and (len(errors) > 1 or number < len(entries) - 1):
                yield schema(at, "States.ALL must appear alone, and in the last of them")
            if field == "Catch" and not isinstance(entry.get("Next"), str):
                yield schema(at, "These fields are required: [Next]")
            for name, least in (("MaxAttempts", 0), ("IntervalSeconds", 1)):
                if not is_count(entry.get(name, least), least):
                    text = f"Value is not an integer from {least} to {MOST_SECONDS}"
                    yield schema(f"{at}/{name}", text)
            rate = entry.get("BackoffRate", 1)
            if isinstance(rate, bool) or not isinstance(rate, int | float) or not rate >= 1:
                yield schema(f"{at}/BackoffRate", "Value is less than 1")


def _seconds(state: Parameters, path: str) -> Iterator[str]:
    for field in ("TimeoutSeconds", "HeartbeatSeconds"):
        value = state.get(field, 1)
        if not is_expression(value) and not is_count(value, 1):
            yield schema(f"{path}/{field}", f"Value is not an integer from 1 to {MOST_SECONDS}")
    timeout, heartbeat = state.get("TimeoutSeconds"), state.get("HeartbeatSeconds")
    if isinstance(timeout, int) and isinstance(heartbeat, int) and heartbeat >= timeout:
        yield schema(f"{path}/HeartbeatSeconds", "Value is not smaller than TimeoutSeconds")


def _is_end(state: Parameters) -> bool:
    return state.get("Type") in _ENDS or state.get("End") is True


def _targets(state: Parameters) -> Iterator[str]:
    handlers = [*_dicts(state.get("Catch")), *_dicts(state.get("Choices"))]
    for named in (state.get("Next"), state.get("Default"), *(h.get("Next") for h in handlers)):
        if isinstance(named, str):
            yield named


def _dicts(value: Any) -> list[Parameters]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []
