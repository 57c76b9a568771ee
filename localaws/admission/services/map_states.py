"""Map states, inline and distributed.

https://docs.aws.amazon.com/step-functions/latest/dg/state-map.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

from localaws.admission.services.state_values import is_count, is_expression, is_path, schema

_DISTRIBUTED_ALONE = (
    "ItemReader", "ItemBatcher", "ResultWriter", "ToleratedFailureCount",
    "ToleratedFailureCountPath", "ToleratedFailurePercentage", "ToleratedFailurePercentagePath",
    "Label",
)  # fmt: skip
_EXECUTION_TYPES = ("STANDARD", "EXPRESS")
_MODES = ("INLINE", "DISTRIBUTED")
_READERS = ("s3:listObjectsV2", "s3:getObject")
MOST_LABEL = 40


def processor_field(state: Mapping[str, Any]) -> str | None:
    """The member that holds what is done with each item; its old name is Iterator."""
    given = [field for field in ("ItemProcessor", "Iterator") if field in state]
    return given[0] if len(given) == 1 else None


def map_problems(state: Mapping[str, Any], path: str) -> Iterator[str]:
    """What is wrong with a Map state beside the states within it."""
    field = processor_field(state)
    if field is None:
        yield schema(path, "These fields are required, exactly one of: [ItemProcessor, Iterator]")
        return
    most = state.get("MaxConcurrency", 0)
    if not is_expression(most) and not is_count(most, 0):
        yield schema(f"{path}/MaxConcurrency", "Value is not an integer from 0 on")
    if "ItemsPath" in state and not is_path(state["ItemsPath"]):
        yield schema(f"{path}/ItemsPath", "Value is not a valid JSONPath")
    processor = state[field]
    config = processor.get("ProcessorConfig", {}) if isinstance(processor, dict) else {}
    at = f"{path}/{field}/ProcessorConfig"
    if not isinstance(config, dict):
        yield schema(at, "The value is not a JSON object")
        return
    mode = config.get("Mode", "INLINE")
    if mode not in _MODES:
        yield schema(f"{at}/Mode", f"Value is not one of [{', '.join(_MODES)}]")
    elif mode == "DISTRIBUTED":
        if config.get("ExecutionType") not in _EXECUTION_TYPES:
            yield schema(at, f"ExecutionType must be one of [{', '.join(_EXECUTION_TYPES)}]")
        yield from _distributed(state, path)
    else:
        for name in _DISTRIBUTED_ALONE:
            if name in state:
                yield schema(f"{path}/{name}", "Field is supported for the mode DISTRIBUTED alone")


def _distributed(state: Mapping[str, Any], path: str) -> Iterator[str]:
    share = state.get("ToleratedFailurePercentage", 0)
    is_share = isinstance(share, int | float) and not isinstance(share, bool) and 0 <= share <= 100
    if not is_expression(share) and not is_share:
        yield schema(f"{path}/ToleratedFailurePercentage", "Value is not a number from 0 to 100")
    count = state.get("ToleratedFailureCount", 0)
    if not is_expression(count) and not is_count(count, 0):
        yield schema(f"{path}/ToleratedFailureCount", "Value is not an integer from 0 on")
    label = state.get("Label", "a")
    if not isinstance(label, str) or not 0 < len(label) <= MOST_LABEL:
        yield schema(f"{path}/Label", f"Value is not a text of 1 to {MOST_LABEL} characters")
    for field, allowed in (("ItemReader", _READERS), ("ResultWriter", ("s3:putObject",))):
        entry = state.get(field)
        if entry is None:
            continue
        resource = entry.get("Resource", "") if isinstance(entry, dict) else ""
        optional = field == "ResultWriter" and isinstance(entry, dict) and "Resource" not in entry
        if str(resource).partition(":states:::")[2] not in allowed and not optional:
            yield schema(f"{path}/{field}/Resource", f"Value is not one of [{', '.join(allowed)}]")
