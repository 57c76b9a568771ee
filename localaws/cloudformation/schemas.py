"""The resource schemas of CloudFormation's registry, as cfn-lint carries them.

https://docs.aws.amazon.com/cloudformation-cli/latest/userguide/resource-type-schema.html
"""

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import jsonschema
import regex
from jsonschema.exceptions import ValidationError

from localaws.cloudformation.intrinsic_functions import is_function

Schema = dict[str, Any]
PATTERN_SECONDS = 0.25
MOST_PROBLEMS = 20


def property_problems(resource_type: str, region: str, properties: Mapping[str, Any]) -> list[str]:
    """What a resource's properties break of its schema, in CloudFormation's words.

    Calls of functions that are still unresolved are taken for right. Empty for a type without a
    schema: a custom resource.
    """
    schema = resource_schema(resource_type, region)
    if schema is None:
        return []
    problems = [*_read_only(schema, properties)]
    for error in _VALIDATOR(schema).iter_errors(properties):
        problems += _worded(error)
        if len(problems) >= MOST_PROBLEMS:
            break
    return list(dict.fromkeys(problems))


def readable_attributes(resource_type: str, region: str) -> frozenset[str] | None:
    """What Fn::GetAtt may ask of a resource; None when its schema does not tell."""
    schema = resource_schema(resource_type, region)
    if schema is None or resource_type in ("AWS::CloudFormation::Stack",):
        return None
    read_only = [_dotted(pointer) for pointer in schema.get("readOnlyProperties", ())]
    return frozenset([*read_only, *schema["properties"], *_nested(schema)])


def _nested(schema: Schema) -> Iterator[str]:
    """``Endpoint.Address`` and the like, where a read-only property is a structure."""
    for pointer in schema.get("readOnlyProperties", ()):
        name = _dotted(pointer)
        node = schema["properties"].get(name.partition(".")[0], {})
        if "$ref" in node:
            node = schema.get("definitions", {}).get(node["$ref"].rpartition("/")[2], {})
        for member in node.get("properties", ()):
            yield f"{name.partition('.')[0]}.{member}"


def _dotted(pointer: str) -> str:
    return pointer.removeprefix("/properties/").replace("/", ".")


@cache
def resource_schema(resource_type: str, region: str) -> Schema | None:
    """The schema of a type; None when the registry has none in the region."""
    digest = _index(region).get(resource_type)
    if digest is None:
        return None
    schema: Schema = json.loads((_folder() / "resources" / f"{digest}.json").read_text())
    return schema


@cache
def _index(region: str) -> Mapping[str, str]:
    path = _folder() / "providers" / f"{region}.json"
    if not path.exists():
        path = path.with_name("us-east-1.json")
    index: dict[str, str] = json.loads(path.read_text())
    return index


def _folder() -> Path:
    """cfn-lint's data; the package itself takes a second to import."""
    return Path(str(distribution("cfn-lint").locate_file("cfnlint/data/schemas")))


def _read_only(schema: Schema, properties: Mapping[str, Any]) -> Iterator[str]:
    for pointer in schema.get("readOnlyProperties", ()):
        name = pointer.removeprefix("/properties/")
        if name in properties and "/" not in name:
            yield f"#: encountered read-only property [{name}]"


# Templates write numbers and Booleans as text, and text as numbers: all are taken.


def _is_string(checker: Any, value: Any) -> bool:
    return isinstance(value, str | int | float | bool)


def _is_boolean(checker: Any, value: Any) -> bool:
    return isinstance(value, bool) or (
        isinstance(value, str) and value.lower() in ("true", "false")
    )


def _is_integer(checker: Any, value: Any) -> bool:
    number = _number(value)
    return number is not None and number.is_integer()


def _is_number(checker: Any, value: Any) -> bool:
    return _number(value) is not None


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return None
    try:
        return float(value)
    except (ValueError, OverflowError):
        return None


Problems = Iterator[ValidationError]


def _pattern(validator: Any, pattern: str, value: Any, schema: Schema) -> Problems:
    if isinstance(value, str) and "{{resolve:" not in value and not _matches(pattern, value):
        yield ValidationError(f"{value!r} does not match {pattern!r}")


def _matches(pattern: str, value: str) -> bool:
    try:
        return regex.search(pattern, value, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return False
    except regex.error:
        return True  # a pattern that only Java reads


def _enum(validator: Any, allowed: list[Any], value: Any, schema: Schema) -> Problems:
    texts = {_text(item) for item in allowed}
    if not isinstance(value, dict | list) and _text(value) not in texts:
        yield ValidationError("no enum value")


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _minimum(validator: Any, minimum: float, value: Any, schema: Schema) -> Problems:
    number = _number(value)
    if number is not None and number < minimum:
        yield ValidationError("too small")


def _maximum(validator: Any, maximum: float, value: Any, schema: Schema) -> Problems:
    number = _number(value)
    if number is not None and number > maximum:
        yield ValidationError("too large")


def _additional(validator: Any, allowed: Any, value: Any, schema: Schema) -> Problems:
    """As jsonschema's own, with patterns that Python's ``re`` cannot read."""
    if not isinstance(value, Mapping):
        return
    patterns = schema.get("patternProperties", {})
    extra = [
        name
        for name in value
        if name not in schema.get("properties", {})
        and not any(_matches(pattern, str(name)) for pattern in patterns)
    ]
    if allowed is False and extra:
        yield ValidationError("\n".join(sorted(map(str, extra))))
    elif isinstance(allowed, dict):
        for name in extra:
            yield from validator.descend(value[name], allowed, path=name)


def _pattern_properties(
    validator: Any, patterns: Mapping[str, Schema], value: Any, schema: Schema
) -> Problems:
    if not isinstance(value, Mapping):
        return
    for pattern, inner in patterns.items():
        for name, member in value.items():
            if _matches(pattern, str(name)):
                yield from validator.descend(member, inner, path=name)


def _resolved_only(keyword: Any) -> Any:
    """The check of a keyword for values alone, not for calls of functions."""

    def check(validator: Any, rule: Any, value: Any, schema: Schema) -> Problems:
        if not is_function(value) and not (
            isinstance(value, Mapping) and any(str(key).startswith("Fn::") for key in value)
        ):
            yield from keyword(validator, rule, value, schema) or ()

    return check


_KEYWORDS = {
    **jsonschema.Draft7Validator.VALIDATORS,
    "additionalProperties": _additional,
    "enum": _enum,
    "maximum": _maximum,
    "minimum": _minimum,
    "pattern": _pattern,
    "patternProperties": _pattern_properties,
}
_VALIDATOR = jsonschema.validators.extend(
    jsonschema.Draft7Validator,
    {name: _resolved_only(keyword) for name, keyword in _KEYWORDS.items()},
    type_checker=jsonschema.Draft7Validator.TYPE_CHECKER.redefine_many(
        {
            "boolean": _is_boolean,
            "integer": _is_integer,
            "number": _is_number,
            "string": _is_string,
        }
    ),
)

_TYPES = {
    "array": "JSONArray",
    "boolean": "Boolean",
    "integer": "Integer",
    "number": "Number",
    "object": "JSONObject",
    "string": "String",
}


def _worded(error: ValidationError) -> Iterator[str]:
    """A violation in the words of CloudFormation's own validator."""
    at = "/".join(["#", *map(str, error.absolute_path)])
    value, rule = error.instance, error.validator_value
    match error.validator:
        case "additionalProperties":
            for name in error.message.split("\n"):
                yield f"{at}: extraneous key [{name}] is not permitted"
        case "required":
            for name in rule:
                if name not in value:
                    yield f"{at}: required key [{name}] not found"
        case "type":
            kinds = rule if isinstance(rule, list) else [rule]
            wanted = ", ".join(_TYPES.get(str(kind), str(kind)) for kind in kinds)
            yield f"{at}: expected type: {wanted}, found: {_found(value)}"
        case "enum" | "const":
            yield f"{at}: {_text(value)} is not a valid enum value"
        case "pattern":
            yield f"{at}: string [{_shown(value)}] does not match pattern {rule}"
        case "minLength" | "maxLength":
            yield f"{at}: expected {error.validator}: {rule}, actual: {len(value)}"
        case "minItems" | "maxItems":
            kind = "minimum" if error.validator == "minItems" else "maximum"
            yield f"{at}: expected {kind} item count: {rule}, found: {len(value)}"
        case "minimum":
            yield f"{at}: {value} is not greater or equal to {rule}"
        case "maximum":
            yield f"{at}: {value} is not less or equal to {rule}"
        case "uniqueItems":
            yield f"{at}: array items are not unique"
        case "oneOf":
            yield f"{at}: #: 0 subschemas matched instead of one"
        case "anyOf":
            yield f"{at}: #: no subschema matched out of the total {len(rule)} subschemas"
        case _:
            yield f"{at}: {_shown(error.message)}"


def _found(value: Any) -> str:
    for kind, name in ((bool, "Boolean"), (int, "Integer"), (float, "Number"), (str, "String")):
        if isinstance(value, kind):
            return name
    return "JSONArray" if isinstance(value, list) else "JSONObject"


def _shown(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 200 else f"{text[:200]}..."
