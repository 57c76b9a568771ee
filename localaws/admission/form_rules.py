"""Forms of names and values that models leave open, and that services refuse all the same.

The page behind each rule is that of its operation in the API reference of its service.
"""

import re
import time
from collections.abc import Mapping, Sequence
from typing import Any

import regex

from localaws.admission.account import Account
from localaws.admission.rules import Parameters, Rule
from localaws.errors import AwsError

TWO_WEEKS = 14 * 86_400
TWO_HOURS = 2 * 3600


def _invalid(text: str, code: str = "ValidationException") -> AwsError:
    return AwsError(code, text)


def _reserved_tags(member: str, key: str, code: str) -> Rule:
    """Tags that begin with aws: are AWS's own, and a key stands once."""

    def rule(parameters: Parameters, account: Account) -> None:
        tags = parameters.get(member) or ()
        keys = list(tags) if isinstance(tags, Mapping) else [tag.get(key, "") for tag in tags]
        for name in keys:
            if name.lower().startswith("aws:"):
                raise _invalid(f"Tag key {name}: tag keys that begin with aws: are reserved", code)
        if len(set(keys)) < len(keys):
            raise _invalid("Duplicate tag keys found", code)

    return rule


# S3

_BUCKET_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_BUCKET_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")


def _create_bucket(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""
    name = parameters["Bucket"]
    if name.endswith(_BUCKET_SUFFIXES) or name.startswith(_BUCKET_PREFIXES):
        raise _invalid("The specified bucket is not valid.", "InvalidBucketName")


def _copy_object(parameters: Parameters, account: Account) -> None:
    source = str(parameters.get("CopySource", "")).lstrip("/")
    changing = {
        "MetadataDirective", "StorageClass", "WebsiteRedirectLocation", "ServerSideEncryption",
        "SSEKMSKeyId", "TaggingDirective", "SSECustomerAlgorithm", "ChecksumAlgorithm",
    }  # fmt: skip
    if source == f"{parameters['Bucket']}/{parameters['Key']}" and not changing & set(parameters):
        raise _invalid(
            "This copy request is illegal because it is trying to copy an object to itself without"
            " changing the object's metadata, storage class, website redirect location or"
            " encryption attributes.",
            "InvalidRequest",
        )


def _complete_upload(parameters: Parameters, account: Account) -> None:
    if not parameters.get("MultipartUpload", {}).get("Parts"):
        raise _invalid("You must specify at least one part", "MalformedXML")


def _put_lifecycle(parameters: Parameters, account: Account) -> None:
    for rule in parameters.get("LifecycleConfiguration", {}).get("Rules", ()):
        if len(rule.get("ID", "")) > 255:
            raise _invalid("ID length should not exceed allowed limit of 255", "InvalidArgument")
        for transition in rule.get("Transitions", ()):
            days, storage = transition.get("Days"), transition.get("StorageClass")
            if storage in ("STANDARD_IA", "ONEZONE_IA") and isinstance(days, int) and days < 30:
                raise _invalid(
                    f"'Days' in Transition action must be greater than or equal to 30 for"
                    f" storageClass '{storage}'",
                    "InvalidArgument",
                )


def _put_website(parameters: Parameters, account: Account) -> None:
    suffix = parameters.get("WebsiteConfiguration", {}).get("IndexDocument", {}).get("Suffix")
    if suffix is not None and (not suffix or "/" in suffix):
        raise _invalid("The IndexDocument Suffix is not well formed", "InvalidArgument")


# KMS


def _create_alias(parameters: Parameters, account: Account) -> None:
    if parameters["AliasName"].startswith("alias/aws/"):
        text = "Alias names that begin with alias/aws/ are reserved"
        raise _invalid(text, "NotAuthorizedException")


def _encrypt(parameters: Parameters, account: Account) -> None:
    text = parameters.get("Plaintext")
    if isinstance(text, str) and len(text.rstrip("=")) * 3 // 4 > 4096:
        raise _invalid(
            "1 validation error detected: Value at 'plaintext' failed to satisfy constraint:"
            " Member must have length less than or equal to 4096"
        )


def _data_key(parameters: Parameters, account: Account) -> None:
    given = parameters.keys() & {"KeySpec", "NumberOfBytes"}
    if len(given) != 1:
        raise _invalid("Please specify either number of bytes or key spec.")


# Systems Manager

_PARAMETER_NAME = re.compile(r"(arn:[^ ]+)|[A-Za-z0-9_.\-/]+", re.ASCII)
_DATA_TYPES = ("text", "aws:ec2:image", "aws:ssm:integration")


def _put_parameter(parameters: Parameters, account: Account) -> None:
    name, value = parameters["Name"], parameters["Value"]
    if not _PARAMETER_NAME.fullmatch(name):
        raise _invalid(
            'Parameter name: can\'t be prefixed with "aws" or "ssm" (case-insensitive). If formed'
            " as a path, it can consist of sub-paths divided by slash symbol; each sub-path can be"
            " formed as a mix of letters, numbers and the following 3 symbols .-_"
        )
    if not value:
        raise _invalid(
            "1 validation error detected: Value '' at 'value' failed to satisfy constraint: Member"
            " must have length greater than or equal to 1"
        )
    data_type = parameters.get("DataType", "text")
    if data_type not in _DATA_TYPES:
        text = f"The following data type is not supported: {data_type} (Data type names are all"
        raise _invalid(f"{text} lower case.)")
    key = parameters.get("KeyId")
    if key is not None and parameters.get("Type", "SecureString") != "SecureString":
        raise _invalid("KeyId is required for SecureString type parameter only.")
    if key is not None and not account.key_exists(key):
        raise _invalid(f"KMS key {key} does not exist", "InvalidKeyId")
    pattern = parameters.get("AllowedPattern")
    if pattern:
        _check_allowed_pattern(pattern, value)


def _check_allowed_pattern(pattern: str, value: str) -> None:
    try:
        matches = regex.fullmatch(pattern, value, timeout=0.25) is not None
    except (regex.error, TimeoutError, RecursionError):
        text = f"The pattern {pattern} is not valid"
        raise _invalid(text, "InvalidAllowedPatternException") from None
    if not matches:
        text = f"Parameter value, cannot be validated against allowedPattern: {pattern}"
        raise _invalid(text, "ParameterPatternMismatchException")


def _get_by_path(parameters: Parameters, account: Account) -> None:
    if not parameters["Path"].startswith("/"):
        raise _invalid("The parameter doesn't meet the parameter name requirements: begin with /.")


# CloudWatch and its logs


def _put_dashboard(parameters: Parameters, account: Account) -> None:
    name = parameters["DashboardName"]
    if not re.fullmatch(r"[0-9A-Za-z_-]{1,255}", name):
        text = f"The value {name} for field DashboardName contains invalid characters. It can only"
        raise _invalid(f"{text} contain alphanumerics, dash (-) and underscore (_).",
                       "InvalidParameterInput")  # fmt: skip


def _put_metric_alarm(parameters: Parameters, account: Account) -> None:
    queries = parameters.get("Metrics")
    if queries is None:
        return
    _check_queries(queries)
    returning = [query for query in queries if query.get("ReturnData", True)]
    if len(returning) != 1:
        raise _invalid(
            f"Exactly one element of the metrics list should return data; {len(returning)} do",
            "ValidationError",
        )


def _get_metric_data(parameters: Parameters, account: Account) -> None:
    _check_queries(parameters["MetricDataQueries"])


def _check_queries(queries: Sequence[Mapping[str, Any]]) -> None:
    for number, query in enumerate(queries, start=1):
        path = f"MetricDataQueries.member.{number}"
        if not re.fullmatch(r"[a-z][A-Za-z0-9_]*", query["Id"], re.ASCII):
            text = f"The value {query['Id']} for parameter {path}.Id is not matching the expected"
            raise _invalid(f"{text} pattern ^[a-z][a-zA-Z0-9_]*$.", "ValidationError")
        if ("Expression" in query) == ("MetricStat" in query):
            text = f"{path} needs exactly one of Expression and MetricStat"
            raise _invalid(text, "ValidationError")


def _put_metric_data(parameters: Parameters, account: Account) -> None:
    now = time.time()
    for number, datum in enumerate(parameters.get("MetricData", ()), start=1):
        at = datum.get("Timestamp")
        path = f"MetricData.member.{number}"
        if isinstance(at, int | float) and not now - TWO_WEEKS <= at <= now + TWO_HOURS:
            raise _invalid(
                f"The parameter {path}.Timestamp must specify a time no more than two weeks in the"
                " past, and no more than two hours in the future.",
                "InvalidParameterValue",
            )
        if datum.get("StorageResolution", 60) not in (1, 60):
            text = f"{path}.StorageResolution {datum['StorageResolution']} is not 1 or 60"
            raise _invalid(text, "InvalidParameterValue")


def _create_log_group(parameters: Parameters, account: Account) -> None:
    if parameters["logGroupName"].startswith("aws/"):
        raise _invalid("Log groups starting with AWS/ are reserved for AWS.",
                       "InvalidParameterException")  # fmt: skip
    key = parameters.get("kmsKeyId")
    if key is not None and not account.key_exists(key):
        raise _invalid(f"The specified KMS Key Id {key} could not be found.",
                       "InvalidParameterException")  # fmt: skip
    _reserved_tags("tags", "", "InvalidParameterException")(parameters, account)


def _start_query(parameters: Parameters, account: Account) -> None:
    if parameters["startTime"] > parameters["endTime"]:
        raise _invalid("End time should not be less than start time", "InvalidParameterException")


def _filter_pattern(parameters: Parameters, account: Account) -> None:
    """Brackets and quotation marks have to be closed."""
    pattern = parameters.get("filterPattern", "").strip()
    pairs = {"{": "}", "[": "]"}
    closed = not pattern or pattern[0] not in pairs or pattern.endswith(pairs[pattern[0]])
    if not closed or pattern.count('"') % 2:
        raise _invalid("Invalid filter pattern", "InvalidParameterException")


# SNS

_PROTOCOLS = ("http", "https", "email", "email-json", "sms", "sqs", "application", "lambda",
              "firehose")  # fmt: skip


def _create_topic(parameters: Parameters, account: Account) -> None:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,256}|[A-Za-z0-9_-]{1,251}\.fifo", parameters["Name"]):
        raise _invalid("Invalid parameter: Topic Name", "InvalidParameter")


def _subscribe(parameters: Parameters, account: Account) -> None:
    protocol, endpoint = parameters["Protocol"], parameters.get("Endpoint", "")
    if protocol not in _PROTOCOLS:
        text = f"Invalid parameter: Amazon SNS does not support this protocol string: {protocol}"
        raise _invalid(text, "InvalidParameter")
    if protocol.startswith("email") and not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", endpoint):
        raise _invalid("Invalid parameter: Email address", "InvalidParameter")


# IAM and STS


def _assume_role(parameters: Parameters, account: Account) -> None:
    arn = parameters["RoleArn"]
    if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:role/.+", arn, re.ASCII):
        raise _invalid(f"{arn} is invalid", "ValidationError")


def _service_linked_role(parameters: Parameters, account: Account) -> None:
    if not parameters["AWSServiceName"].endswith((".amazonaws.com", ".amazonaws.com.cn")):
        raise _invalid("Service role is invalid: the service is not known.", "InvalidInput")


_IAM_TAGS = _reserved_tags("Tags", "Key", "InvalidInput")
_KMS_TAGS = _reserved_tags("Tags", "TagKey", "TagException")


FORM_RULES: Mapping[tuple[str, str], Rule] = {
    ("cloudwatch", "GetMetricData"): _get_metric_data,
    ("cloudwatch", "PutDashboard"): _put_dashboard,
    ("cloudwatch", "PutMetricAlarm"): _put_metric_alarm,
    ("cloudwatch", "PutMetricData"): _put_metric_data,
    ("iam", "CreatePolicy"): _IAM_TAGS,
    ("iam", "CreateRole"): _IAM_TAGS,
    ("iam", "CreateServiceLinkedRole"): _service_linked_role,
    ("iam", "CreateUser"): _IAM_TAGS,
    ("iam", "TagPolicy"): _IAM_TAGS,
    ("iam", "TagRole"): _IAM_TAGS,
    ("iam", "TagUser"): _IAM_TAGS,
    ("kms", "CreateAlias"): _create_alias,
    ("kms", "CreateKey"): _KMS_TAGS,
    ("kms", "Encrypt"): _encrypt,
    ("kms", "GenerateDataKey"): _data_key,
    ("kms", "TagResource"): _KMS_TAGS,
    ("logs", "CreateLogGroup"): _create_log_group,
    ("logs", "PutMetricFilter"): _filter_pattern,
    ("logs", "PutSubscriptionFilter"): _filter_pattern,
    ("logs", "StartQuery"): _start_query,
    ("s3", "CompleteMultipartUpload"): _complete_upload,
    ("s3", "CopyObject"): _copy_object,
    ("s3", "CreateBucket"): _create_bucket,
    ("s3", "PutBucketLifecycleConfiguration"): _put_lifecycle,
    ("s3", "PutBucketWebsite"): _put_website,
    ("sns", "CreateTopic"): _create_topic,
    ("sns", "Subscribe"): _subscribe,
    ("ssm", "GetParametersByPath"): _get_by_path,
    ("ssm", "PutParameter"): _put_parameter,
    ("sts", "AssumeRole"): _assume_role,
}
