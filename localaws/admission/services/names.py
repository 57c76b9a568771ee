"""Names, addresses and metadata that IAM, S3 and CloudWatch refuse.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from localaws.admission.account import Account
from localaws.admission.policies import exceeded
from localaws.admission.rules import Parameters, Rule, check_tags, is_statistic
from localaws.errors import AwsError

METADATA_BYTES = 2048
PART_BYTES = 5 * 1024 * 1024
GROUPS_OF_USER = 10


def _unique(kind: str) -> Rule:
    """Names of IAM are not told apart by case."""

    def rule(parameters: Parameters, account: Account) -> None:
        name = parameters[f"{kind}Name"]
        if account.is_taken(kind, name):
            text = f"{kind} with name {name} already exists."
            raise AwsError("EntityAlreadyExists", text, 409)

    return rule


def _add_to_group(parameters: Parameters, account: Account) -> None:
    user = account.record("user", parameters["UserName"])
    if user is None:
        return
    groups = {*user["Groups"], parameters["GroupName"]}
    if len(groups) > GROUPS_OF_USER:
        raise exceeded("GroupsPerUser", GROUPS_OF_USER)


def _password(parameters: Parameters, account: Account) -> None:
    password = parameters.get("Password")
    if password is None:
        return
    kinds = (str.isupper, str.islower, str.isdigit, lambda c: not c.isalnum())
    if len(password) < 8 or sum(any(map(kind, password)) for kind in kinds) < 3:
        raise AwsError(
            "PasswordPolicyViolation",
            "Password should have a minimum length of 8, and three of upper case, lower case,"
            " numbers and other characters.",
        )


def _provider(parameters: Parameters, account: Account) -> None:
    if not parameters["Url"].startswith("https://"):
        raise AwsError("InvalidInput", "Invalid Open ID Connect Provider URL")


def _write_object(parameters: Parameters, account: Account) -> None:
    metadata: Mapping[str, str] = parameters.get("Metadata") or {}
    size = sum(len(name.encode()) + len(value.encode()) for name, value in metadata.items())
    if size > METADATA_BYTES:
        raise AwsError(
            "MetadataTooLarge",
            "Your metadata headers exceed the maximum allowed metadata size"
            f" ({size} bytes; {METADATA_BYTES} are allowed)",
        )
    pairs = parse_qsl(parameters.get("Tagging") or "", keep_blank_values=True)
    check_tags([{"Key": key, "Value": value} for key, value in pairs], "Object", 10)
    key = account.record("key", parameters.get("SSEKMSKeyId") or "")
    if key is not None and key["KeyState"] == "Disabled":
        raise AwsError("KMS.DisabledException", f"{key['Arn']} is disabled.")
    if key is not None and key["KeyState"] != "Enabled":
        text = f"{key['Arn']} is pending deletion."
        raise AwsError("KMS.KMSInvalidStateException", text)


def _create_bucket(parameters: Parameters, account: Account) -> None:
    name = parameters["Bucket"]
    if ".-" in name or "-." in name:
        raise AwsError("InvalidBucketName", "The specified bucket is not valid.")
    there = account.record("bucket", name)
    if there is not None and (there.get("region") or "us-east-1") != account.region:
        raise AwsError(
            "BucketAlreadyOwnedByYou",
            "Your previous request to create the named bucket succeeded and you already own it.",
            409,
        )


def _complete_upload(parameters: Parameters, account: Account) -> None:
    asked = parameters.get("MultipartUpload", {}).get("Parts") or []
    numbers = [part.get("PartNumber") for part in asked]
    if not all(isinstance(number, int) for number in numbers):
        return
    if numbers != sorted(set(numbers)):
        raise AwsError(
            "InvalidPartOrder",
            "The list of parts was not in ascending order. Parts must be ordered by part number.",
        )
    upload = account.record("upload", parameters["UploadId"])
    sizes = {} if upload is None else upload["sizes"]
    for number in numbers[:-1]:
        if sizes.get(number, PART_BYTES) < PART_BYTES:
            text = "Your proposed upload is smaller than the minimum allowed size"
            raise AwsError("EntityTooSmall", text)


def _put_lifecycle(parameters: Parameters, account: Account) -> None:
    for rule in parameters.get("LifecycleConfiguration", {}).get("Rules", ()):
        expiration = rule.get("Expiration") or {}
        transitions = rule.get("Transitions") or ()
        for action in (expiration, *transitions):
            at = action.get("Date")
            if isinstance(at, int | float) and datetime.fromtimestamp(at, UTC).hour:
                raise AwsError("InvalidArgument", "'Date' must be at midnight GMT")
        days = expiration.get("Days")
        for transition in transitions:
            if _both_int(days, transition.get("Days")) and days <= transition["Days"]:
                raise AwsError(
                    "InvalidArgument",
                    "'Days' in the Expiration action must be greater than 'Days' in the Transition"
                    " action",
                )


def _both_int(*values: Any) -> bool:
    return all(isinstance(value, int) for value in values)


def _notifications(parameters: Parameters, account: Account) -> None:
    configuration = parameters.get("NotificationConfiguration") or {}
    for entry in configuration.get("LambdaFunctionConfigurations") or ():
        name = str(entry.get("LambdaFunctionArn", "")).partition(":function:")[2].partition(":")[0]
        if account.record("function", name) is None:
            raise _unable()
    for entry in configuration.get("TopicConfigurations") or ():
        if account.record("topic", str(entry.get("TopicArn", ""))) is None:
            raise _unable()


def _unable() -> AwsError:
    text = "Unable to validate the following destination configurations"
    return AwsError("InvalidArgument", text)


def _put_metric_data(parameters: Parameters, account: Account) -> None:
    for number, datum in enumerate(parameters.get("MetricData", ()), start=1):
        path = f"MetricData.member.{number}"
        names = [dimension.get("Name", "") for dimension in datum.get("Dimensions", ())]
        if len(set(names)) < len(names):
            text = f"{path}.Dimensions must not name a dimension twice."
            raise AwsError("InvalidParameterValue", text)
        if any(name.startswith(":") for name in names):
            text = f"{path}.Dimensions: a name must not begin with a colon."
            raise AwsError("InvalidParameterValue", text)
        statistics = datum.get("StatisticValues") or {}
        if statistics.get("Minimum", 0) > statistics.get("Maximum", statistics.get("Minimum", 0)):
            text = f"{path}.StatisticValues: Minimum is greater than Maximum."
            raise AwsError("InvalidParameterValue", text)


def _get_metric_data(parameters: Parameters, account: Account) -> None:
    for query in parameters.get("MetricDataQueries", ()):
        statistic = (query.get("MetricStat") or {}).get("Stat")
        if statistic is not None and not is_statistic(statistic):
            text = f"The value {statistic} for parameter Stat is not a statistic."
            raise AwsError("ValidationError", text)


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
    ("cloudwatch", "GetMetricData"): _get_metric_data,
    ("cloudwatch", "PutMetricData"): _put_metric_data,
    ("iam", "AddUserToGroup"): _add_to_group,
    ("iam", "CreateGroup"): _unique("Group"),
    ("iam", "CreateLoginProfile"): _password,
    ("iam", "CreateOpenIDConnectProvider"): _provider,
    ("iam", "CreatePolicy"): _unique("Policy"),
    ("iam", "CreateRole"): _unique("Role"),
    ("iam", "CreateUser"): _unique("User"),
    ("iam", "UpdateLoginProfile"): _password,
    ("s3", "CompleteMultipartUpload"): _complete_upload,
    ("s3", "CopyObject"): _write_object,
    ("s3", "CreateBucket"): _create_bucket,
    ("s3", "CreateMultipartUpload"): _write_object,
    ("s3", "PutBucketLifecycleConfiguration"): _put_lifecycle,
    ("s3", "PutBucketNotificationConfiguration"): _notifications,
    ("s3", "PutObject"): _write_object,
}
