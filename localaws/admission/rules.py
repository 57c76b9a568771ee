"""What services refuse beyond their models, operation by operation.

Each rule raises ``AwsError`` in its service's words; the page it stands on is the operation's own
in the API reference of its service, if none other is named.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from localaws.admission import policies
from localaws.admission.account import Account
from localaws.admission.policies import exceeded
from localaws.admission.reading import MALFORMED_XML
from localaws.errors import AwsError

Parameters = Mapping[str, Any]
Rule = Callable[[Parameters, Account], None]

SECONDS_A_DAY = 86400


# IAM and STS


def _create_role(parameters: Parameters, account: Account) -> None:
    _count("Role", "RolesPerAccount", account)
    policies.check_trust_policy(parameters["AssumeRolePolicyDocument"], account)


def _update_trust(parameters: Parameters, account: Account) -> None:
    if account.owner("Role", parameters["RoleName"]) is not None:
        policies.check_trust_policy(parameters["PolicyDocument"], account)


def _create_policy(parameters: Parameters, account: Account) -> None:
    _count("Policy", "PoliciesPerAccount", account)
    policies.check_managed_policy(parameters["PolicyDocument"])


def _create_policy_version(parameters: Parameters, account: Account) -> None:
    versions = account.policy_versions(parameters["PolicyArn"])
    if versions is None:
        return
    policies.check_managed_policy(parameters["PolicyDocument"])
    if versions >= policies.POLICY_VERSIONS:
        raise AwsError(
            "LimitExceeded",
            f"A managed policy can have up to {policies.POLICY_VERSIONS} versions. Before you"
            " create a new version, you must delete an existing version.",
            409,
        )


def _put_inline(kind: str) -> Rule:
    def rule(parameters: Parameters, account: Account) -> None:
        name = parameters[f"{kind}Name"]
        policy, document = parameters["PolicyName"], parameters["PolicyDocument"]
        policies.check_inline_policy(kind, name, policy, document, account)

    return rule


def _attach(kind: str) -> Rule:
    def rule(parameters: Parameters, account: Account) -> None:
        owner = account.owner(kind, parameters[f"{kind}Name"])
        arn = parameters["PolicyArn"]
        if owner is None:
            return
        policies.check_managed_exists(arn, account)
        policies.check_attached(kind, len({*owner.attached, arn}))

    return rule


def _delete_group(parameters: Parameters, account: Account) -> None:
    group = account.owner("Group", parameters["GroupName"])
    if group is not None and group.members:
        text = "Cannot delete entity, must remove users from group first."
        raise AwsError("DeleteConflict", text, 409)


def _create_counted(kind: str, quota: str) -> Rule:
    return lambda parameters, account: _count(kind, quota, account)


def _count(kind: str, quota: str, account: Account) -> None:
    if account.count(kind) >= policies.MOST[kind]:
        raise exceeded(quota, policies.MOST[kind])


def _create_access_key(parameters: Parameters, account: Account) -> None:
    user = parameters.get("UserName")
    if user and account.access_keys(user) >= policies.ACCESS_KEYS:
        raise exceeded("AccessKeysPerUser", policies.ACCESS_KEYS)


def _boundary(parameters: Parameters, account: Account) -> None:
    arn = parameters.get("PermissionsBoundary")
    if arn:
        policies.check_managed_exists(arn, account)


def _assume_role(parameters: Parameters, account: Account) -> None:
    asked = parameters.get("DurationSeconds", 3600)
    longest = account.longest_session(parameters["RoleArn"])
    if longest is not None and asked > longest:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        )
    if account.caller_is_session() and asked > 3600:
        raise AwsError(
            "ValidationError",
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by"
            " role chaining",
        )


# S3


def _put_bucket_policy(parameters: Parameters, account: Account) -> None:
    policies.check_bucket_policy(parameters["Bucket"], parameters["Policy"], account)


def _put_lifecycle(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html."""
    rules = parameters.get("LifecycleConfiguration", {}).get("Rules", [])
    if not rules or len(rules) > 1000:
        raise _malformed_xml()
    names = [rule["ID"] for rule in rules if rule.get("ID")]
    if len(set(names)) < len(names):
        raise _invalid_argument("Rule ID must be unique. Found same ID for more than one rule")
    for rule in rules:
        _check_lifecycle_rule(rule)


_ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)


def _check_lifecycle_rule(rule: Parameters) -> None:
    if not any(rule.get(action) for action in _ACTIONS):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule")
    expiration = rule.get("Expiration", {})
    if expiration and len(expiration.keys() & {"Date", "Days", "ExpiredObjectDeleteMarker"}) != 1:
        raise _malformed_xml()
    for transition in rule.get("Transitions", ()):
        if len(transition.keys() & {"Date", "Days"}) != 1 or "StorageClass" not in transition:
            raise _malformed_xml()
    if "Filter" in rule and "Prefix" in rule:
        raise _malformed_xml()
    if len(rule.get("Filter", {})) > 1:
        raise _malformed_xml()
    aborted = rule.get("AbortIncompleteMultipartUpload", {})
    numbers = (
        ("'Days' for Expiration action", expiration.get("Days")),
        ("'DaysAfterInitiation'", aborted.get("DaysAfterInitiation")),
        (
            "'NoncurrentDays' for NoncurrentVersionExpiration action",
            rule.get("NoncurrentVersionExpiration", {}).get("NoncurrentDays"),
        ),
    )
    for name, days in numbers:
        if days is not None and (not isinstance(days, int) or days < 1):
            raise _invalid_argument(f"{name} must be a positive integer")


def _delete_objects(parameters: Parameters, account: Account) -> None:
    objects = parameters.get("Delete", {}).get("Objects", [])
    if not 1 <= len(objects) <= 1000:
        raise _malformed_xml()


def _write_object(parameters: Parameters, account: Account) -> None:
    _object_key(parameters, account)
    algorithm = parameters.get("ServerSideEncryption")
    key = parameters.get("SSEKMSKeyId")
    if key is None:
        return
    if algorithm not in ("aws:kms", "aws:kms:dsse"):
        raise _invalid_argument(
            "Server Side Encryption with AWS KMS managed key requires HTTP header"
            " x-amz-server-side-encryption : aws:kms"
        )
    if not account.key_exists(key):
        raise AwsError("KMS.NotFoundException", f"Key '{key}' does not exist")


def _object_key(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html."""
    if len(str(parameters.get("Key", "")).encode("utf-8", "replace")) > 1024:
        raise AwsError("KeyTooLongError", "Your key is too long")


def _put_tags(kind: str, most: int) -> Rule:
    return lambda parameters, account: check_tags(
        parameters.get("Tagging", {}).get("TagSet", []), kind, most
    )


def check_tags(tags: Sequence[Mapping[str, str]], kind: str, most: int) -> None:
    """Raise ``AwsError`` for tags that S3 does not take."""
    if len(tags) > most:
        raise AwsError("BadRequest", f"{kind} tags cannot be greater than {most}")
    keys = [tag.get("Key", "") for tag in tags]
    if len(set(keys)) < len(keys):
        raise AwsError("InvalidTag", "Cannot provide multiple Tags with the same key")
    for tag in tags:
        if tag.get("Key", "").startswith("aws:"):
            raise AwsError("InvalidTag", "System tags cannot be added/updated by requester")
        if not 1 <= len(tag.get("Key", "")) <= 128:
            raise AwsError("InvalidTag", "The TagKey you have provided is invalid")
        if len(tag.get("Value", "")) > 256:
            raise AwsError("InvalidTag", "The TagValue you have provided is invalid")


def _put_cors(parameters: Parameters, account: Account) -> None:
    rules = parameters.get("CORSConfiguration", {}).get("CORSRules", [])
    if not 1 <= len(rules) <= 100:
        raise _malformed_xml()
    for rule in rules:
        for method in rule.get("AllowedMethods", ()):
            if method not in ("GET", "PUT", "POST", "DELETE", "HEAD"):
                raise AwsError(
                    "InvalidRequest",
                    "Found unsupported HTTP method in CORS config. Unsupported method is " + method,
                )
        for origin in rule.get("AllowedOrigins", ()):
            if origin.count("*") > 1:
                raise AwsError(
                    "InvalidRequest",
                    f'AllowedOrigin "{origin}" can not have more than one wildcard.',
                )


def _create_bucket(parameters: Parameters, account: Account) -> None:
    place = parameters.get("CreateBucketConfiguration", {}).get("LocationConstraint")
    if place == "us-east-1":
        text = "The specified location-constraint is not valid"
        raise AwsError("InvalidLocationConstraint", text)
    if (
        place is not None
        and place != account.region
        and not (place == "EU" and account.region == "eu-west-1")
    ):
        text = f"The {place} location constraint is incompatible for the region specific endpoint"
        raise AwsError("IllegalLocationConstraintException", f"{text} this request was sent to.")


def _put_encryption(parameters: Parameters, account: Account) -> None:
    rules = parameters.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    if len(rules) != 1:
        raise _malformed_xml()
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    if default.get("KMSMasterKeyID") and default.get("SSEAlgorithm") == "AES256":
        raise _invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or"
            " aws:kms:dsse"
        )


def _list_objects(parameters: Parameters, account: Account) -> None:
    most = parameters.get("MaxKeys")
    if most is not None and (not isinstance(most, int) or most < 0):
        name = "max-keys"
        raise _invalid_argument(f"Argument {name} must be an integer between 0 and 2147483647")


def _upload_part(parameters: Parameters, account: Account) -> None:
    number = parameters.get("PartNumber")
    if not isinstance(number, int) or not 1 <= number <= 10000:
        raise _invalid_argument("Part number must be an integer between 1 and 10000, inclusive")


def _malformed_xml() -> AwsError:
    return AwsError("MalformedXML", MALFORMED_XML)


def _invalid_argument(text: str) -> AwsError:
    return AwsError("InvalidArgument", text)


# KMS


def _put_key_policy(parameters: Parameters, account: Account) -> None:
    if "Policy" in parameters:
        policies.check_key_policy(
            parameters["Policy"],
            account,
            may_lock_out=parameters.get("BypassPolicyLockoutSafetyCheck") is True,
        )


def _schedule_key_deletion(parameters: Parameters, account: Account) -> None:
    days = parameters.get("PendingWindowInDays", 30)
    if not 7 <= days <= 30:
        raise AwsError("ValidationException", f"PendingWindowInDays {days} is not between 7 and 30")


# Systems Manager parameters


def _put_parameter(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/systems-manager/latest/userguide/parameter-store-advanced-parameters.html."""
    if parameters.get("Overwrite") and parameters.get("Tags"):
        raise AwsError(
            "ValidationException",
            "Invalid request: tags and overwrite can't be used together. To create a parameter"
            " with tags, please remove overwrite flag. To update tags for an existing parameter,"
            " please use AddTagsToResource or RemoveTagsFromResource.",
        )
    name = parameters["Name"]
    if name.count("/") > 15:
        text = f"The hierarchy of {name} has more than 15 levels."
        raise AwsError("HierarchyLevelLimitExceededException", text)
    if "/" in name and not name.startswith("/"):
        text = "Parameter name must be a fully qualified name: it starts with / when it holds one."
        raise AwsError("ValidationException", text)
    tier = parameters.get("Tier", "Standard")
    most = 8192 if tier in ("Advanced", "Intelligent-Tiering") else 4096
    if len(parameters["Value"].encode()) > most:
        name = "Standard" if most == 4096 else "Advanced"
        raise AwsError(
            "ValidationException",
            f"{name} tier parameters support a maximum parameter value of {most} characters.",
        )
    pattern = parameters.get("AllowedPattern")
    if parameters.get("Type") == "StringList" and "" in parameters["Value"].split(","):
        raise AwsError("ValidationException", "A StringList must not hold an empty item.")
    if pattern and len(pattern) > 1024:
        raise AwsError("InvalidAllowedPatternException", "The pattern has over 1024 characters.")


# CloudWatch and its logs

WEEK = 7 * SECONDS_A_DAY
_ALARM_WORDS = {
    "TreatMissingData": ("missing", "breaching", "notBreaching", "ignore"),
    "EvaluateLowSampleCountPercentile": ("evaluate", "ignore"),
}
_EXTENDED_STATISTIC = re.compile(
    r"p(\d{1,2}(\.\d{1,10})?|100)|iqm|(tm|wm|tc|ts|pr)(\d{1,2}(\.\d+)?|\([^()]*\))",
    re.IGNORECASE | re.ASCII,
)
"""https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Statistics-definitions.html"""


def is_statistic(name: str) -> bool:
    """Whether CloudWatch has a statistic of this name."""
    plain = ("Sum", "Average", "Minimum", "Maximum", "SampleCount")
    return name in plain or _EXTENDED_STATISTIC.fullmatch(name) is not None


def _put_metric_alarm(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_PutMetricAlarm.html."""
    if "EvaluationCriteria" in parameters:
        return
    for needed in ("EvaluationPeriods", "ComparisonOperator"):
        if needed not in parameters:
            raise AwsError("ValidationError", f"The parameter {needed} is required.")
    for name, allowed in _ALARM_WORDS.items():
        if parameters.get(name, allowed[0]) not in allowed:
            text = f"The value {parameters[name]!r} for parameter {name} is none of"
            raise AwsError("ValidationError", f"{text} {', '.join(allowed)}.")
    for name in ("AlarmActions", "OKActions", "InsufficientDataActions"):
        for action in parameters.get(name, ()):
            if action.count(":") < 4 or not action.startswith("arn:"):
                raise AwsError("ValidationError", f"Invalid arn syntax: {action}")
    periods = parameters["EvaluationPeriods"]
    to_alarm = parameters.get("DatapointsToAlarm")
    if to_alarm is not None and to_alarm > periods:
        raise AwsError(
            "ValidationError",
            f"DatapointsToAlarm {to_alarm} must be less than or equal to EvaluationPeriods"
            f" {periods}",
        )
    if "Metrics" in parameters:
        together = parameters.keys() & {
            "MetricName", "Namespace", "Period", "Dimensions", "Statistic", "ExtendedStatistic",
        }  # fmt: skip
        if together:
            raise AwsError(
                "InvalidParameterCombination",
                f"Metrics must not be used together with {', '.join(sorted(together))}",
            )
        return
    statistics = parameters.keys() & {"Statistic", "ExtendedStatistic"}
    if len(statistics) != 1:
        found = "both" if statistics else "neither"
        raise AwsError(
            "InvalidParameterCombination",
            f"Exactly one of Statistic and ExtendedStatistic is needed; {found} is given",
        )
    extended = parameters.get("ExtendedStatistic")
    if extended is not None and not _EXTENDED_STATISTIC.fullmatch(extended):
        text = f"The value {extended!r} for parameter ExtendedStatistic is not supported."
        raise AwsError("InvalidParameterValue", text)
    for needed in ("MetricName", "Namespace", "Period"):
        if needed not in parameters:
            raise AwsError("ValidationError", f"The parameter {needed} is required.")
    _check_period(parameters["Period"], periods)
    if "Threshold" not in parameters and "ThresholdMetricId" not in parameters:
        raise AwsError("ValidationError", "The parameter Threshold is required.")


def _check_period(period: int, periods: int) -> None:
    if period not in (10, 20, 30) and period % 60:
        raise AwsError("ValidationError", f"Period {period} is not 10, 20, 30 or a multiple of 60")
    longest = SECONDS_A_DAY if period < 3600 else WEEK
    if period * periods > longest:
        raise AwsError(
            "ValidationError",
            f"Metrics cannot be checked across more than {'a day' if period < 3600 else 'a week'}"
            f" (EvaluationPeriods * Period must be <= {longest}).",
        )


_WIDGETS = frozenset({"metric", "text", "log", "alarm", "explorer", "custom", "heading"})


def _put_dashboard(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CloudWatch-Dashboard-Body-Structure.html."""
    problems = list(_dashboard_problems(parameters["DashboardBody"]))
    if problems:
        text = "The field DashboardBody must be a valid JSON object"
        raise AwsError("InvalidParameterInput", f"{text}: {'; '.join(problems)}")


def _dashboard_problems(body: str) -> Iterable[str]:
    try:
        dashboard = json.loads(body)
    except (ValueError, RecursionError) as error:
        yield str(error)
        return
    if not isinstance(dashboard, dict):
        yield "it is no object"
        return
    widgets = dashboard.get("widgets")
    if not isinstance(widgets, list):
        yield "/widgets: should be an array"
        return
    if len(widgets) > 500:
        yield f"/widgets: has {len(widgets)} widgets; at most 500 are allowed"
    for number, widget in enumerate(widgets):
        if not isinstance(widget, dict):
            yield f"/widgets/{number}: should be an object"
        elif widget.get("type") not in _WIDGETS:
            yield f"/widgets/{number}/type: {widget.get('type')!r} is no widget type"
        elif not isinstance(widget.get("properties", {}), dict):
            yield f"/widgets/{number}/properties: should be an object"


def _put_metric_data(parameters: Parameters, account: Account) -> None:
    if parameters["Namespace"].startswith("AWS/"):
        text = "The value AWS/ for parameter Namespace is invalid."
        raise AwsError("InvalidParameterValue", text)
    data = parameters.get("MetricData", [])
    if len(data) > 1000:
        raise AwsError(
            "LimitExceededException",
            f"The collection MetricData must not have a size greater than 1000, not {len(data)}.",
        )
    for number, datum in enumerate(data, start=1):
        _check_datum(f"MetricData.member.{number}", datum)


def _check_datum(path: str, datum: Parameters) -> None:
    given = datum.keys() & {"Value", "Values", "StatisticValues"}
    if len(given) != 1:
        raise AwsError(
            "InvalidParameterCombination",
            f"The parameters {path}.Value, {path}.Values and {path}.StatisticValues are mutually"
            f" exclusive, and one of them is needed.",
        )
    if "Values" in given and len(datum["Values"]) > 150:
        text = f"The collection {path}.Values must not have a size greater than 150."
        raise AwsError("InvalidParameterValue", text)
    counts = datum.get("Counts")
    if counts is not None and len(counts) != len(datum.get("Values", ())):
        text = f"{path}.Values and {path}.Counts must have the same size."
        raise AwsError("InvalidParameterValue", text)
    value = datum.get("Value")
    if value is not None and not (isinstance(value, int | float) and math.isfinite(value)):
        text = f"The value {value} for parameter {path}.Value is invalid."
        raise AwsError("InvalidParameterValue", text)


MOST_DATA_POINTS = 1440


def _get_metric_statistics(parameters: Parameters, account: Account) -> None:
    if not parameters.get("Statistics") and not parameters.get("ExtendedStatistics"):
        raise AwsError(
            "InvalidParameterCombination",
            "At least one of Statistics, ExtendedStatistics is needed",
        )
    start, end = parameters["StartTime"], parameters["EndTime"]
    if start >= end:
        raise AwsError(
            "InvalidParameterValue",
            "The parameter StartTime must be less than the parameter EndTime.",
        )
    period = parameters["Period"]
    if period not in (1, 5, 10, 20, 30) and period % 60:
        raise AwsError("InvalidParameterValue", f"Period {period} is not a multiple of 60")
    points = (end - start) / period
    if points > MOST_DATA_POINTS:
        raise AwsError(
            "InvalidParameterCombination",
            f"You have requested up to {math.ceil(points)} datapoints, which exceeds the limit of"
            f" {MOST_DATA_POINTS}. You may reduce the datapoints requested by increasing Period, or"
            " decreasing the time range.",
        )


def _get_metric_data(parameters: Parameters, account: Account) -> None:
    queries = parameters["MetricDataQueries"]
    if len(queries) > 500:
        text = f"MetricDataQueries has {len(queries)} entries; at most 500 are allowed"
        raise AwsError("ValidationError", text)
    names = [query["Id"] for query in queries]
    if len(set(names)) < len(names):
        raise AwsError("ValidationError", "The values for parameter id must be unique.")
    if parameters["StartTime"] >= parameters["EndTime"]:
        text = "The parameter StartTime must be less than the parameter EndTime."
        raise AwsError("ValidationError", text)


def _put_log_events(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_PutLogEvents.html."""
    events = parameters["logEvents"]
    times = [event["timestamp"] for event in events]
    if times != sorted(times):
        text = "Log events in a single PutLogEvents request must be in chronological order."
        raise AwsError("InvalidParameterException", text)
    if times and times[-1] - times[0] > SECONDS_A_DAY * 1000:
        text = "The batch of log events in a single PutLogEvents request cannot span more than 24"
        raise AwsError("InvalidParameterException", f"{text} hours.")
    size = sum(len(event["message"].encode()) + 26 for event in events)
    if size > 1_048_576:
        text = f"Upload too large: {size} bytes exceeds limit of 1048576"
        raise AwsError("InvalidParameterException", text)


RULES: Mapping[tuple[str, str], Rule] = {
    ("iam", "CreateRole"): _create_role,
    ("iam", "UpdateAssumeRolePolicy"): _update_trust,
    ("iam", "CreatePolicy"): _create_policy,
    ("iam", "CreatePolicyVersion"): _create_policy_version,
    ("iam", "PutRolePolicy"): _put_inline("Role"),
    ("iam", "PutUserPolicy"): _put_inline("User"),
    ("iam", "PutGroupPolicy"): _put_inline("Group"),
    ("iam", "AttachRolePolicy"): _attach("Role"),
    ("iam", "AttachUserPolicy"): _attach("User"),
    ("iam", "AttachGroupPolicy"): _attach("Group"),
    ("iam", "PutRolePermissionsBoundary"): _boundary,
    ("iam", "PutUserPermissionsBoundary"): _boundary,
    ("iam", "CreateUser"): _create_counted("User", "UsersPerAccount"),
    ("iam", "CreateGroup"): _create_counted("Group", "GroupsPerAccount"),
    ("iam", "CreateAccessKey"): _create_access_key,
    ("iam", "DeleteGroup"): _delete_group,
    ("sts", "AssumeRole"): _assume_role,
    ("s3", "PutBucketPolicy"): _put_bucket_policy,
    ("s3", "PutBucketLifecycleConfiguration"): _put_lifecycle,
    ("s3", "DeleteObjects"): _delete_objects,
    ("s3", "PutObject"): _write_object,
    ("s3", "CopyObject"): _write_object,
    ("s3", "CreateMultipartUpload"): _write_object,
    ("s3", "PutObjectTagging"): _put_tags("Object", 10),
    ("s3", "PutBucketTagging"): _put_tags("Bucket", 50),
    ("s3", "PutBucketCors"): _put_cors,
    ("s3", "CreateBucket"): _create_bucket,
    ("s3", "PutBucketEncryption"): _put_encryption,
    ("s3", "ListObjects"): _list_objects,
    ("s3", "ListObjectsV2"): _list_objects,
    ("s3", "ListObjectVersions"): _list_objects,
    ("s3", "UploadPart"): _upload_part,
    ("s3", "UploadPartCopy"): _upload_part,
    ("kms", "CreateKey"): _put_key_policy,
    ("kms", "PutKeyPolicy"): _put_key_policy,
    ("kms", "ScheduleKeyDeletion"): _schedule_key_deletion,
    ("ssm", "PutParameter"): _put_parameter,
    ("cloudwatch", "PutMetricAlarm"): _put_metric_alarm,
    ("cloudwatch", "PutDashboard"): _put_dashboard,
    ("cloudwatch", "PutMetricData"): _put_metric_data,
    ("cloudwatch", "GetMetricStatistics"): _get_metric_statistics,
    ("cloudwatch", "GetMetricData"): _get_metric_data,
    ("logs", "PutLogEvents"): _put_log_events,
}
