"""Whether a call may reach its service."""

from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.reading import MALFORMED_XML, Call
from localaws.admission.rule import Rule
from localaws.admission.services import (
    alarms,
    api_gateway,
    dynamodb,
    events,
    functions,
    iam,
    kms,
    logs,
    metrics,
    s3_buckets,
    s3_lifecycle,
    s3_objects,
    scheduler,
    sns,
    ssm,
    stacks,
    state_machines,
)
from localaws.admission.services.paging import check_token
from localaws.admission.services.s3_errors import s3_code
from localaws.admission.validation import validate
from localaws.errors import AwsError

RULES: Mapping[tuple[str, str], Rule] = {
    call: rule
    for module in (
        alarms, api_gateway, dynamodb, events, functions, iam, kms, logs, metrics, s3_buckets,
        s3_lifecycle, s3_objects, scheduler, sns, ssm, stacks, state_machines,
    )
    for call, rule in module.RULES.items()
}  # fmt: skip
"""What services refuse beyond their models, by service and operation."""
VALIDATION_CODES = {
    "apigateway": "BadRequestException",
    "cloudformation": "ValidationError",
    "cloudwatch": "ValidationError",
    "cognito-idp": "InvalidParameterException",
    "ecr": "InvalidParameterException",
    "iam": "ValidationError",
    "lambda": "InvalidParameterValueException",
    "logs": "InvalidParameterException",
    "resourcegroupstaggingapi": "InvalidParameterException",
    "sns": "InvalidParameter",
    "sts": "ValidationError",
}
"""How a service calls a request that its model does not allow, if not ValidationException."""


def validate_call(call: Call) -> None:
    """Raise ``AwsError``, as the service calls it, for a call that breaks its model."""
    try:
        validate(call.shape, call.parameters, open_ended=call.service != "s3")
    except AwsError as error:
        code = VALIDATION_CODES.get(call.service, error.code)
        if call.service == "s3":
            code = s3_code(call.shape, error.message)
        text = f"{MALFORMED_XML}: {error.message}" if code == "MalformedXML" else error.message
        raise AwsError(code, text, error.status) from None


def check(call: Call, account: Account) -> None:
    """Raise ``AwsError`` when the service would refuse a call, by its model or its rules."""
    validate_call(call)
    check_token(call.service, call.operation, call.parameters)
    rule = RULES.get((call.service, call.operation))
    if rule is not None:
        rule(call.parameters, account)
