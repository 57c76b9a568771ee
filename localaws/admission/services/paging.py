"""Tokens that continue a list: one that no answer gave is refused.

``FORMS`` tells how the tokens look that are given out here, by service or operation; a list that is
always whole gives none.
"""

import base64
from collections.abc import Callable, Mapping

from localaws.admission.rule import Parameters
from localaws.errors import AwsError

MEMBERS = ("NextToken", "nextToken", "Marker", "ContinuationToken")
Form = Callable[[str], bool]


def _text(token: str) -> str:
    """What a token says that is written in base 64; empty when it is not."""
    try:
        plain = token.rstrip("=").replace("+", "-").replace("/", "_")
        return base64.urlsafe_b64decode(plain + "=" * (-len(plain) % 4)).decode()
    except ValueError:
        return ""


def _number(token: str) -> bool:
    return token.isascii() and token.isdigit()


def _coded_number(token: str) -> bool:
    return _number(_text(token))


def _coded_text(token: str) -> bool:
    return bool(_text(token))


def _any(token: str) -> bool:
    """The service looks at it itself, or takes every text as AWS does."""
    return True


def _none(token: str) -> bool:
    return False


FORMS: Mapping[str, Form] = {
    "cloudwatch": _none,
    "cloudwatch DescribeAlarmHistory": _any,
    "cloudwatch DescribeAlarms": _any,
    "cognito-idp ListUserPools": _number,
    "ecr": _none,
    "events": _coded_number,
    "iam": _none,
    "kms": _coded_number,
    "kms ListGrants": _any,
    "logs": _coded_number,
    "logs GetLogEvents": _any,
    "s3 ListObjectsV2": _coded_text,
    "scheduler": _none,
    "sns": _number,
    "ssm": _coded_number,
    "stepfunctions ListStateMachines": _number,
}
ERRORS: Mapping[str, tuple[str, str]] = {
    "cloudwatch": ("InvalidNextToken", "The next token is invalid"),
    "cognito-idp": ("InvalidParameterException", "Invalid pagination token."),
    "ecr": ("InvalidParameterException", "Invalid parameter: the next token is invalid"),
    "iam": ("ValidationError", "Invalid Marker."),
    "kms": ("InvalidMarkerException", "Invalid marker."),
    "logs": ("InvalidParameterException", "The specified nextToken is invalid."),
    "s3": ("InvalidArgument", "The continuation token provided is incorrect"),
    "sns": ("InvalidParameter", "Invalid parameter: NextToken"),
    "ssm": ("InvalidNextToken", "The specified token isn't valid."),
    "stepfunctions": ("InvalidToken", "Invalid Token"),
}


def check_token(service: str, operation: str, parameters: Parameters) -> None:
    """Refuse a token that has not the form of those that the operation gives.

    Raises
    ------
    AwsError
    """
    form = FORMS.get(f"{service} {operation}") or FORMS.get(service)
    if form is None:
        return
    for member in MEMBERS:
        token = parameters.get(member)
        if isinstance(token, str) and (token or service == "s3") and not form(token):
            code, text = ERRORS.get(service, ("ValidationException", "The next token is invalid"))
            raise AwsError(code, text)
