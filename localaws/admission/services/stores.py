"""What SSM, KMS, DynamoDB and CloudWatch Logs refuse by what they hold already."""

import re
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rules import Parameters, Rule
from localaws.errors import AwsError

SUBSCRIPTION_FILTERS = 2
_CLAUSE = re.compile(r"(?<![#:.\w])(SET|ADD|DELETE)(?![\w.])", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"(?<![:.\w])(#?[A-Za-z_]\w*)(?!\s*\()")


def _put_parameter(parameters: Parameters, account: Account) -> None:
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


def _create_key(parameters: Parameters, account: Account) -> None:
    spec, usage = parameters.get("KeySpec"), parameters.get("KeyUsage", "ENCRYPT_DECRYPT")
    if spec is None:
        return
    usages = {"SYMMETRIC": ("ENCRYPT_DECRYPT",), "RSA": ("ENCRYPT_DECRYPT", "SIGN_VERIFY"),
              "ECC": ("SIGN_VERIFY", "KEY_AGREEMENT"),
              "HMAC": ("GENERATE_VERIFY_MAC",)}  # fmt: skip
    if usage not in usages.get(spec.partition("_")[0], (usage,)):
        text = f"KeyUsage {usage} is not compatible with KeySpec {spec}"
        raise AwsError("ValidationException", text)


def _key_usable(parameters: Parameters, account: Account) -> None:
    name = parameters.get("TargetKeyId") or parameters["KeyId"]
    _check_state(account, name, "PendingDeletion", wanted=False)


def _grant(parameters: Parameters, account: Account) -> None:
    principal = parameters["GranteePrincipal"]
    of_account = principal.startswith(f"arn:aws:iam::{account.account_id}:")
    if of_account and not principal.endswith(":root") and not account.principal_exists(principal):
        text = f"ARN does not refer to a valid principal: {principal}"
        raise AwsError("InvalidArnException", text)


def _cancel_deletion(parameters: Parameters, account: Account) -> None:
    _check_state(account, parameters["KeyId"], "PendingDeletion", wanted=True)


def _check_state(account: Account, name: str, state: str, *, wanted: bool) -> None:
    key = account.record("key", name)
    if key is None or (key["KeyState"] == state) == wanted:
        return
    text = "is" if not wanted else "is not"
    arn = f"arn:aws:kms:{account.region}:{account.account_id}:key/{key['KeyId']}"
    raise AwsError("KMSInvalidStateException", f"{arn} {text} pending deletion.")


def _rotation(parameters: Parameters, account: Account) -> None:
    key = account.record("key", parameters["KeyId"])
    if key is not None and key.get("KeySpec", "SYMMETRIC_DEFAULT") != "SYMMETRIC_DEFAULT":
        raise AwsError("UnsupportedOperationException", "The key is not symmetric.")


def _update_item(parameters: Parameters, account: Account) -> None:
    clauses = [found[1].upper() for found in _CLAUSE.finditer(_short(parameters))]
    for clause in set(clauses):
        if clauses.count(clause) > 1:
            raise AwsError(
                "ValidationException",
                f'Invalid UpdateExpression: The "{clause}" section can only be used once in an'
                " update expression;",
            )


def _query(parameters: Parameters, account: Account) -> None:
    table = account.record("table", parameters["TableName"].rpartition("/")[2])
    if table is None or not parameters.get("FilterExpression"):
        return
    schema = table.get("KeySchema", ())
    for index in (
        *table.get("GlobalSecondaryIndexes", ()),
        *table.get("LocalSecondaryIndexes", ()),
    ):
        if index["IndexName"] == parameters.get("IndexName"):
            schema = index["KeySchema"]
    keys = {element["AttributeName"] for element in schema}
    names = parameters.get("ExpressionAttributeNames") or {}
    used = {names.get(found[1], found[1]) for found in _ATTRIBUTE.finditer(_short(parameters))}
    if keys & used:
        raise AwsError(
            "ValidationException",
            "Filter Expression can only contain non-primary key attributes: Primary key attribute:"
            f" {min(keys & used)}",
        )


def _short(parameters: Parameters) -> str:
    """The expression that is looked at; DynamoDB takes 4 KB of one."""
    text = parameters.get("UpdateExpression") or parameters.get("FilterExpression") or ""
    if len(text.encode()) > 4096:
        raise AwsError(
            "ValidationException",
            "Invalid expression: Expression size has exceeded the maximum allowed size;"
            f" expression size: {len(text.encode())}",
        )
    return str(text)


def _subscription_filter(parameters: Parameters, account: Account) -> None:
    group = account.record("log group", parameters["logGroupName"])
    if group is None:
        return
    names = {*group.get("subscriptionFilters", ()), parameters["filterName"]}
    if len(names) > SUBSCRIPTION_FILTERS:
        raise AwsError("LimitExceededException", "Resource limit exceeded.")


def _filter_events(parameters: Parameters, account: Account) -> None:
    if parameters.get("logStreamNames") and parameters.get("logStreamNamePrefix"):
        text = "logStreamNames and logStreamNamePrefix exclude each other"
        raise AwsError("InvalidParameterException", text)


def _describe_streams(parameters: Parameters, account: Account) -> None:
    if parameters.get("orderBy") == "LastEventTime" and parameters.get("logStreamNamePrefix"):
        text = "Cannot order by LastEventTime with a logStreamNamePrefix."
        raise AwsError("InvalidParameterException", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("dynamodb", "Query"): _query,
    ("dynamodb", "UpdateItem"): _update_item,
    ("kms", "CancelKeyDeletion"): _cancel_deletion,
    ("kms", "CreateAlias"): _key_usable,
    ("kms", "CreateGrant"): _grant,
    ("kms", "CreateKey"): _create_key,
    ("kms", "EnableKeyRotation"): _rotation,
    ("kms", "ScheduleKeyDeletion"): _key_usable,
    ("kms", "UpdateAlias"): _key_usable,
    ("logs", "DescribeLogStreams"): _describe_streams,
    ("logs", "FilterLogEvents"): _filter_events,
    ("logs", "PutSubscriptionFilter"): _subscription_filter,
    ("ssm", "PutParameter"): _put_parameter,
}
