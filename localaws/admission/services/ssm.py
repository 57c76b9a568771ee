"""What Systems Manager refuses of parameters.

https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html
"""

import json
import re
from collections.abc import Mapping

import regex

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.tags import reserved_tags
from localaws.errors import AwsError

_PARAMETER_NAME = re.compile(r"(arn:[^ ]+)|/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*", re.ASCII)
_POLICY_TYPES = frozenset({"Expiration", "ExpirationNotification", "NoChangeNotification"})
_FILTER_KEYS = {
    "all": ("Name", "Type", "KeyId", "Path", "Label", "Tier", "DataType"),
    "path": ("Type", "KeyId", "Label"),
}
_DATA_TYPES = ("text", "aws:ec2:image", "aws:ssm:integration")


def _put_parameter(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html."""
    if parameters.get("Overwrite") and parameters.get("Tags"):
        raise AwsError(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter"
            " with tags, please remove overwrite flag. To update tags for an existing parameter,"
            " please use AddTagsToResource or RemoveTagsFromResource.",
        )
    name = parameters["Name"]
    if name.count("/") > 15:
        text = f"The hierarchy of {name} has more than 15 levels."
        raise AwsError("HierarchyLevelLimitExceededException", text)
    if "/" in name and not name.startswith("/"):
        text = "Parameter name must be a fully qualified name: it starts with / when it holds one."
        raise AwsError("ValidationException", text)
    tier = parameters.get("Tier", "Standard")
    most = 8192 if tier in ("Advanced", "Intelligent-Tiering") else 4096
    if len(parameters["Value"].encode()) > most:
        name = "Standard" if most == 4096 else "Advanced"
        raise AwsError(
            "ValidationException",
            f"{name} tier parameters support a maximum parameter value of {most} characters.",
        )
    pattern = parameters.get("AllowedPattern")
    if parameters.get("Type") == "StringList" and "" in parameters["Value"].split(","):
        raise AwsError("ValidationException", "A StringList must not hold an empty item.")
    if pattern and len(pattern) > 1024:
        raise AwsError("InvalidAllowedPatternException", "The pattern has over 1024 characters.")


_FILTER_OPTIONS = ("BeginsWith", "Contains", "Equals", "OneLevel", "Recursive")


def _form(parameters: Parameters, account: Account) -> None:
    name, value = parameters["Name"], parameters["Value"]
    if not _PARAMETER_NAME.fullmatch(name):
        raise invalid(
            'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive). If formed'
            " as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be"
            " formed as a mix of letters, numbers and the following 3 symbols .-_"
        )
    if not value:
        raise invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member"
            " must have length greater than or equal to 1"
        )
    if "{{" in value:
        text = 'Parameter value can\'t nest another parameter. Do not use "{{}}" in the value.'
        raise invalid(text)
    data_type = parameters.get("DataType", "text")
    if data_type not in _DATA_TYPES:
        text = f"The following data type is not supported: {data_type} (Data type names are all"
        raise invalid(f"{text} lower case.)")
    key = parameters.get("KeyId")
    if key is not None and parameters.get("Type", "SecureString") != "SecureString":
        raise invalid("KeyId is required for SecureString type parameter only.")
    if key is not None and not account.key_exists(key):
        raise invalid(f"KMS key {key} does not exist", "InvalidKeyId")
    pattern = parameters.get("AllowedPattern")
    if pattern:
        _check_allowed_pattern(pattern, value)


def _check_allowed_pattern(pattern: str, value: str) -> None:
    try:
        matches = regex.fullmatch(pattern, value, timeout=0.25) is not None
    except (regex.error, TimeoutError, RecursionError):
        text = f"The pattern {pattern} is not valid"
        raise invalid(text, "InvalidAllowedPatternException") from None
    if not matches:
        text = f"Parameter value, cannot be validated against allowedPattern: {pattern}"
        raise invalid(text, "ParameterPatternMismatchException")


def _overwrite(parameters: Parameters, account: Account) -> None:
    if parameters.get("Policies") and parameters.get("Tier", "Standard") == "Standard":
        raise AwsError(
            "ValidationException",
            "Parameter policies are supported by the advanced-parameter tier alone.",
        )
    there = account.record("parameter", parameters["Name"])
    if there is None or not parameters.get("Overwrite"):
        return
    old, new = there["Type"], parameters.get("Type", there["Type"])
    if old != new:
        raise AwsError(
            "HierarchyTypeMismatchException",
            f"You can't change a parameter from a {old} type to a {new} type. You must create a"
            " new, unique parameter.",
        )
    if there.get("Tier") == "Advanced" and parameters.get("Tier") == "Standard":
        raise AwsError(
            "ValidationException",
            "This parameter uses the advanced-parameter tier. You can't downgrade a parameter from"
            " the advanced-parameter tier to the standard-parameter tier.",
        )


def _policies(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-policies.html."""
    text = parameters.get("Policies")
    if not text:
        return
    try:
        policies = json.loads(text)
        kinds = {policy["Type"] for policy in policies}
    except (ValueError, TypeError, KeyError, RecursionError):
        raise invalid("The policies are not a list of objects with a Type") from None
    if not kinds <= _POLICY_TYPES:
        known = ", ".join(sorted(_POLICY_TYPES))
        raise invalid(
            "The policy type isn't supported. Parameter Store supports the following policy types:"
            f" {known}.",
            "InvalidPolicyTypeException",
        )


def _get(parameters: Parameters, account: Account) -> None:
    names = parameters["Names"]
    if len(set(names)) < len(names):
        raise invalid("Duplicate names are not allowed: each name may stand once.")


def _filters(kind: str) -> Rule:
    def rule(parameters: Parameters, account: Account) -> None:
        filters = parameters.get("ParameterFilters") or ()
        if filters and parameters.get("Filters"):
            raise invalid("You can use either Filters or ParameterFilters in a single request.")
        for each in filters:
            key = each["Key"]
            if key not in _FILTER_KEYS[kind] and not key.startswith("tag:"):
                known = ", ".join(_FILTER_KEYS[kind])
                text = f"The following filter key is not valid: {key}. Valid filter keys include:"
                raise invalid(f"{text} [{known}]", "InvalidFilterKey")
            option = each.get("Option", "Equals")
            if option not in _FILTER_OPTIONS:
                known = ", ".join(_FILTER_OPTIONS)
                text = f"The following filter option is not valid: {option}. Valid options include:"
                raise invalid(f"{text} [{known}]", "InvalidFilterOption")

    return rule


def _tag(parameters: Parameters, account: Account) -> None:
    kind, name = parameters["ResourceType"], parameters["ResourceId"]
    if kind == "Parameter" and account.record("parameter", name) is None:
        text = f"The resource ID {name} is not valid."
        raise invalid(text, "InvalidResourceId")


def _get_by_path(parameters: Parameters, account: Account) -> None:
    if not parameters["Path"].startswith("/"):
        raise invalid("The parameter doesn't meet the parameter name requirements: begin with /.")


_TAGS = reserved_tags("Tags", "Key", "ValidationException")

RULES: Mapping[tuple[str, str], Rule] = {
    ("ssm", "AddTagsToResource"): in_turn(
        _tag, reserved_tags("Tags", "Key", "ValidationException")
    ),
    ("ssm", "DescribeParameters"): _filters("all"),
    ("ssm", "GetParameters"): _get,
    ("ssm", "GetParametersByPath"): in_turn(_get_by_path, _filters("path")),
    ("ssm", "PutParameter"): in_turn(_form, _policies, _put_parameter, _overwrite),
}
