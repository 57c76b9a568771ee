"""What CloudFormation refuses of requests; templates are another matter."""

from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.admission.services.tags import reserved_tags
from localaws.errors import AwsError


def _template(parameters: Parameters, account: Account) -> None:
    given = parameters.keys() & {"TemplateBody", "TemplateURL"}
    if len(given) > 1:
        text = "Only one of TemplateBody and TemplateURL may be specified"
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


_TAGS = reserved_tags("Tags", "Key", "ValidationError")
_CHANGE = in_turn(_template, _TAGS, _stack)

RULES: Mapping[tuple[str, str], Rule] = {
    ("cloudformation", "CreateChangeSet"): _CHANGE,
    ("cloudformation", "CreateStack"): _CHANGE,
    ("cloudformation", "UpdateStack"): _CHANGE,
    ("cloudformation", "ValidateTemplate"): _template,
}
