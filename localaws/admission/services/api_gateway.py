"""What API Gateway refuses of documents that are imported."""

import json
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule
from localaws.errors import AwsError


def _document(parameters: Parameters, account: Account) -> None:
    try:
        document = json.loads(parameters.get("body") or b"{}")
    except (ValueError, RecursionError):
        return  # YAML or CSV
    if not isinstance(document, dict):
        raise AwsError("BadRequestException", "Invalid import: the body is not a JSON object")


RULES: Mapping[tuple[str, str], Rule] = {
    ("apigateway", "ImportApiKeys"): _document,
    ("apigateway", "ImportRestApi"): _document,
    ("apigateway", "PutRestApi"): _document,
}
