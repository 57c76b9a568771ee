"""Whether a call may reach its service."""

from localaws.admission.account import Account
from localaws.admission.form_rules import FORM_RULES
from localaws.admission.reading import MALFORMED_XML, Call
from localaws.admission.rules import RULES
from localaws.admission.services import functions, messages, names, state_machines, stores
from localaws.admission.validation import validate
from localaws.errors import AwsError

ALL_RULES = (FORM_RULES, RULES, functions.RULES, messages.RULES, names.RULES, state_machines.RULES,
             stores.RULES)  # fmt: skip
VALIDATION_CODES = {
    "cloudformation": "ValidationError",
    "cloudwatch": "ValidationError",
    "ecr": "InvalidParameterException",
    "iam": "ValidationError",
    "lambda": "InvalidParameterValueException",
    "logs": "InvalidParameterException",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "s3": "MalformedXML",
    "sns": "InvalidParameter",
    "sts": "ValidationError",
}
"""How a service calls a request that its model does not allow, if not ValidationException."""


def check(call: Call, account: Account) -> None:
    """Raise ``AwsError`` when the service would refuse a call, by its model or its rules."""
    try:
        validate(call.shape, call.parameters, open_ended=call.service != "s3")
    except AwsError as error:
        code = VALIDATION_CODES.get(call.service, error.code)
        text = f"{MALFORMED_XML}: {error.message}" if code == "MalformedXML" else error.message
        raise AwsError(code, text, error.status) from None
    for rules in ALL_RULES:
        rule = rules.get((call.service, call.operation))
        if rule is not None:
            rule(call.parameters, account)
