"""What CloudFormation refuses of requests; templates are another matter."""

from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule
from localaws.errors import AwsError


def _template(parameters: Parameters, account: Account) -> None:
    given = parameters.keys() & {"TemplateBody", "TemplateURL"}
    if len(given) > 1:
        text = "Only one of TemplateBody and TemplateURL may be specified"
        raise AwsError("ValidationError", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("cloudformation", "CreateChangeSet"): _template,
    ("cloudformation", "CreateStack"): _template,
    ("cloudformation", "UpdateStack"): _template,
    ("cloudformation", "ValidateTemplate"): _template,
}
