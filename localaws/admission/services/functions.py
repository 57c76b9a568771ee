"""What Lambda refuses.

https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
"""

import json
import re
from collections.abc import Mapping

from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn
from localaws.errors import AwsError

MEMORY = 10_240
SECONDS = 900
PAYLOAD = 6 * 1024 * 1024
ASYNCHRONOUS_PAYLOAD = 1024 * 1024
TAGS = 50
NAME = 64
_PRINCIPAL = re.compile(r"\*|\d{12}|arn:[a-z-]+:(iam|sts)::\d{12}:.+|[a-z0-9.-]+\.[a-z0-9.-]+")
RESERVABLE = 900
"""Of the 1,000 concurrent executions that an account has by default."""
_RESERVED = {
    "_HANDLER", "_X_AMZN_TRACE_ID", "AWS_DEFAULT_REGION", "AWS_REGION", "AWS_EXECUTION_ENV",
    "AWS_LAMBDA_FUNCTION_NAME", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
    "AWS_LAMBDA_FUNCTION_VERSION", "AWS_LAMBDA_INITIALIZATION_TYPE", "AWS_LAMBDA_LOG_GROUP_NAME",
    "AWS_LAMBDA_LOG_STREAM_NAME", "AWS_ACCESS_KEY", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "AWS_LAMBDA_RUNTIME_API", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}  # fmt: skip
_ENDED = ("python2.7", "python3.6", "python3.7", "nodejs4.3", "nodejs6.10", "nodejs8.10",
          "nodejs10.x", "nodejs12.x", "nodejs14.x", "nodejs", "nodejs4.3-edge")  # fmt: skip


def _invalid(text: str) -> AwsError:
    return AwsError("InvalidParameterValueException", text)


def _configure(parameters: Parameters, account: Account) -> None:
    for name, most in (("MemorySize", MEMORY), ("Timeout", SECONDS)):
        if parameters.get(name, 0) > most:
            member = name[0].lower() + name[1:]
            raise _invalid(
                f"1 validation error detected: Value '{parameters[name]}' at '{member}' failed to"
                f" satisfy constraint: Member must have value less than or equal to {most}"
            )
    runtime = parameters.get("Runtime")
    if runtime in _ENDED:
        raise _invalid(
            f"The runtime parameter of {runtime} is no longer supported for creating or updating"
            " AWS Lambda functions."
        )
    variables = (parameters.get("Environment") or {}).get("Variables") or {}
    reserved = sorted(_RESERVED & variables.keys())
    if reserved:
        raise _invalid(
            "Lambda was unable to configure your environment variables because the environment"
            " variables you have provided contains reserved keys that are currently not supported"
            f" for modification. Reserved keys used in this request: {', '.join(reserved)}"
        )


def _create(parameters: Parameters, account: Account) -> None:
    name = parameters["FunctionName"]
    if not name.startswith("arn:") and len(name.rpartition(":")[2]) > NAME:
        raise _invalid(
            f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy"
            f" constraint: Member must have length less than or equal to {NAME}"
        )
    if parameters.get("PackageType") == "Image":
        raise _invalid("localaws runs functions of .zip archives alone: it has no images for them.")
    _configure(parameters, account)
    _check_code(parameters.get("Code") or {}, account)
    if len(parameters.get("Tags") or {}) > TAGS:
        raise _invalid(f"Number of tags exceeds the maximum of {TAGS}")


def _update_code(parameters: Parameters, account: Account) -> None:
    _check_code(parameters, account)


def _check_code(code: Parameters, account: Account) -> None:
    bucket, key = code.get("S3Bucket"), code.get("S3Key")
    if not code.keys() & {"ZipFile", "S3Bucket", "ImageUri"}:
        raise _invalid("Please provide a source for function code.")
    if "ZipFile" in code and bucket is not None:
        text = "Please do not provide other FunctionCode parameters when providing a ZipFile."
        raise _invalid(text)
    if bucket is None or key is None:
        return
    record = account.record("bucket", bucket)
    if record is None or key not in record["objects"]:
        missing = "NoSuchBucket" if record is None else "NoSuchKey"
        text = "bucket" if record is None else "key"
        raise _invalid(
            f"Error occurred while GetObject. S3 Error Code: {missing}. S3 Error Message: The"
            f" specified {text} does not exist."
        )


def _invoke(parameters: Parameters, account: Account) -> None:
    payload = parameters.get("Payload") or b""
    asynchronous = parameters.get("InvocationType") == "Event"
    most = ASYNCHRONOUS_PAYLOAD if asynchronous else PAYLOAD
    if len(payload) > most:
        raise AwsError(
            "RequestEntityTooLargeException",
            f"{len(payload)} byte payload is too large for the"
            f" {parameters.get('InvocationType', 'RequestResponse')} invocation type (limit {most}"
            " bytes)",
            413,
        )
    try:
        json.loads(payload or b"{}")
    except (ValueError, RecursionError) as error:
        text = f"Could not parse request body into json: {error}"
        raise AwsError("InvalidRequestContentException", text) from None


def _alias(parameters: Parameters, account: Account) -> None:
    version, name = parameters.get("FunctionVersion"), parameters["FunctionName"]
    function = account.record("function", name)
    if function is None or version in (None, "$LATEST") or version in function["versions"]:
        return
    arn = f"arn:aws:lambda:{account.region}:{account.account_id}:function:{name}:{version}"
    raise AwsError("ResourceNotFoundException", f"Function not found: {arn}", 404)


def _routing(parameters: Parameters, account: Account) -> None:
    weights = (parameters.get("RoutingConfig") or {}).get("AdditionalVersionWeights")
    if weights and parameters.get("FunctionVersion") == "$LATEST":
        text = "$LATEST is not supported for an alias pointing to more than 1 version"
        raise _invalid(text)


def _layer(parameters: Parameters, account: Account) -> None:
    if not parameters["Content"].keys() & {"ZipFile", "S3Bucket"}:
        raise _invalid("Please provide a source for layer content.")


def _provisioned(parameters: Parameters, account: Account) -> None:
    if parameters["Qualifier"] == "$LATEST":
        raise _invalid(
            "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
        )


def _invoke_config(parameters: Parameters, account: Account) -> None:
    settings = {"DestinationConfig", "MaximumEventAgeInSeconds", "MaximumRetryAttempts"}
    if not parameters.keys() & settings:
        text = "You must specify at least one of error handling or destination setting."
        raise _invalid(text)


def _delete(parameters: Parameters, account: Account) -> None:
    if parameters.get("Qualifier") == "$LATEST":
        raise _invalid("$LATEST version cannot be deleted without deleting the function.")


def _tags(parameters: Parameters, account: Account) -> None:
    for key in parameters.get("Tags") or ():
        if key.lower().startswith("aws:"):
            raise _invalid(f"Tag key {key} begins with aws:, which is reserved")


def _concurrency(parameters: Parameters, account: Account) -> None:
    if parameters.get("ReservedConcurrentExecutions", 0) > RESERVABLE:
        raise _invalid(
            "Specified ReservedConcurrentExecutions for function decreases account's"
            " UnreservedConcurrentExecution below its minimum value of [100]."
        )


def _publish(parameters: Parameters, account: Account) -> None:
    function = account.record("function", parameters["FunctionName"])
    asked = parameters.get("CodeSha256")
    there = function["config"].get("CodeSha256") if function else None
    if asked and there and asked != there:
        text = f"CodeSHA256 ({asked}) is different from current CodeSHA256 in $LATEST ({there})."
        raise _invalid(text)


def _permission(parameters: Parameters, account: Account) -> None:
    if not _PRINCIPAL.fullmatch(parameters["Principal"]):
        text = "The provided principal was invalid. Please check the principal and try again."
        raise _invalid(text)


def _event_source(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/lambda/latest/api/API_CreateEventSourceMapping.html."""
    arn = parameters.get("EventSourceArn", "")
    service = arn.split(":")[2] if arn.count(":") > 4 else ""
    if service != "dynamodb":
        raise _invalid(
            f"{arn or 'A self-managed source'} is no event source here: localaws polls streams of"
            " DynamoDB tables alone. S3, SNS, EventBridge, its Scheduler, logs and Step Functions"
            " call functions themselves."
        )
    name, _, label = arn.partition(":table/")[2].partition("/stream/")
    table = account.record("table", name)
    if table is None or not label or table.get("LatestStreamLabel") != label:
        raise _invalid(f"Stream not found: {arn}")
    if "StartingPosition" not in parameters:
        raise _invalid(
            "1 validation error detected: Value null at 'startingPosition' failed to satisfy"
            " constraint: Member must not be null."
        )


RULES: Mapping[tuple[str, str], Rule] = {
    ("lambda", "AddPermission"): _permission,
    ("lambda", "CreateAlias"): in_turn(_routing, _alias),
    ("lambda", "CreateEventSourceMapping"): _event_source,
    ("lambda", "CreateFunction"): in_turn(_tags, _create),
    ("lambda", "DeleteFunction"): _delete,
    ("lambda", "Invoke"): _invoke,
    ("lambda", "PublishLayerVersion"): _layer,
    ("lambda", "PublishVersion"): _publish,
    ("lambda", "PutFunctionConcurrency"): _concurrency,
    ("lambda", "PutFunctionEventInvokeConfig"): _invoke_config,
    ("lambda", "PutProvisionedConcurrencyConfig"): _provisioned,
    ("lambda", "TagResource"): _tags,
    ("lambda", "UpdateAlias"): in_turn(_routing, _alias),
    ("lambda", "UpdateFunctionCode"): _update_code,
    ("lambda", "UpdateFunctionConfiguration"): _configure,
}
