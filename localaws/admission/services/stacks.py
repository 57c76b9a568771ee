"""What CloudFormation refuses of requests; templates are another matter."""

import json
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.admission.services.tags import reserved_tags
from localaws.errors import AwsError


def _template(parameters: Parameters, account: Account) -> None:
    given = parameters.keys() & {"TemplateBody", "TemplateURL"}
    if len(given) + (parameters.get("UsePreviousTemplate") is True) > 1:
        text = "Only one of TemplateBody, TemplateURL and UsePreviousTemplate may be specified"
        raise AwsError("ValidationError", text)


def _stack(parameters: Parameters, account: Account) -> None:
    given = [each.get("ParameterKey") for each in parameters.get("Parameters") or ()]
    twice = sorted({str(key) for key in given if given.count(key) > 1})
    if twice:
        text = f"Parameter values are given twice: [{', '.join(twice)}]"
        raise AwsError("ValidationError", text)
    for arn in parameters.get("NotificationARNs") or ():
        if not arn.startswith("arn:") or arn.split(":")[2:3] != ["sns"]:
            raise AwsError("ValidationError", f"NotificationARN {arn} is no topic's ARN")
    role = parameters.get("RoleARN")
    if role is not None and not account.may_assume("cloudformation.amazonaws.com", role):
        raise AwsError("ValidationError", f"Role {role} is invalid or cannot be assumed")


def _new_stack(parameters: Parameters, account: Account) -> None:
    for each in parameters.get("Parameters") or ():
        if each.get("UsePreviousValue") is True:
            raise AwsError(
                "ValidationError",
                f"Invalid input for parameter key {each.get('ParameterKey')}. Cannot specify"
                " usePreviousValue as true for a parameter key not in the previous template",
            )


def _policy(parameters: Parameters, account: Account) -> None:
    if {"StackPolicyBody", "StackPolicyURL"} <= parameters.keys():
        text = "Only one of StackPolicyBody and StackPolicyURL may be specified"
        raise AwsError("ValidationError", text)
    try:
        document = json.loads(parameters.get("StackPolicyBody", "{}"))
        is_policy = isinstance(document, dict)
    except (ValueError, RecursionError):
        is_policy = False
    if not is_policy:
        text = "Error validating stack policy: the policy is not a JSON object"
        raise AwsError("ValidationError", text)


def _named_change_set(parameters: Parameters, account: Account) -> None:
    if not parameters["ChangeSetName"].startswith("arn:") and not parameters.get("StackName"):
        text = "StackName must be specified if ChangeSetName is not specified as an ARN."
        raise AwsError("ValidationError", text)


_TAGS = reserved_tags("Tags", "Key", "ValidationError")
_CHANGE = in_turn(_template, _TAGS, _stack)

RULES: Mapping[tuple[str, str], Rule] = {
    ("cloudformation", "CreateChangeSet"): _CHANGE,
    ("cloudformation", "CreateStack"): in_turn(_CHANGE, _new_stack, _policy),
    ("cloudformation", "DeleteChangeSet"): _named_change_set,
    ("cloudformation", "DescribeChangeSet"): _named_change_set,
    ("cloudformation", "ExecuteChangeSet"): _named_change_set,
    ("cloudformation", "UpdateStack"): in_turn(_CHANGE, _policy),
    ("cloudformation", "ValidateTemplate"): _template,
}
