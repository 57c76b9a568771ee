"""What S3 refuses of buckets and their settings."""

from collections.abc import Mapping

from localaws.admission import policies
from localaws.admission.account import Account
from localaws.admission.rule import Parameters, Rule, in_turn, invalid
from localaws.admission.services.s3_errors import invalid_argument, malformed_xml
from localaws.admission.services.tags import check_tags
from localaws.errors import AwsError

_BUCKET_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")
_BUCKET_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")


def _bucket_name(parameters: Parameters, account: Account) -> None:
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html."""
    name = parameters["Bucket"]
    if name.endswith(_BUCKET_SUFFIXES) or name.startswith(_BUCKET_PREFIXES):
        raise invalid("The specified bucket is not valid.", "InvalidBucketName")


def _bucket_place(parameters: Parameters, account: Account) -> None:
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


def _bucket_owner(parameters: Parameters, account: Account) -> None:
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


def _put_bucket_policy(parameters: Parameters, account: Account) -> None:
    policies.check_bucket_policy(parameters["Bucket"], parameters["Policy"], account)


def _put_tags(kind: str, most: int) -> Rule:
    return lambda parameters, account: check_tags(
        parameters.get("Tagging", {}).get("TagSet", []), kind, most
    )


def _put_cors(parameters: Parameters, account: Account) -> None:
    rules = parameters.get("CORSConfiguration", {}).get("CORSRules", [])
    if not 1 <= len(rules) <= 100:
        raise malformed_xml()
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


def _put_encryption(parameters: Parameters, account: Account) -> None:
    rules = parameters.get("ServerSideEncryptionConfiguration", {}).get("Rules", [])
    if len(rules) != 1:
        raise malformed_xml()
    default = rules[0].get("ApplyServerSideEncryptionByDefault", {})
    if default.get("KMSMasterKeyID") and default.get("SSEAlgorithm") == "AES256":
        raise invalid_argument(
            "a KMSMasterKeyID is not applicable if the default sse algorithm is not aws:kms or"
            " aws:kms:dsse"
        )


def _put_website(parameters: Parameters, account: Account) -> None:
    website = parameters.get("WebsiteConfiguration") or {}
    if not website.keys() & {"IndexDocument", "RedirectAllRequestsTo"}:
        raise invalid_argument(
            "A value for IndexDocument Suffix must be provided if RedirectAllRequestsTo is empty"
        )
    suffix = website.get("IndexDocument", {}).get("Suffix")
    if suffix is not None and (not suffix or "/" in suffix):
        raise invalid("The IndexDocument Suffix is not well formed", "InvalidArgument")


def _put_versioning(parameters: Parameters, account: Account) -> None:
    if not (parameters.get("VersioningConfiguration") or {}).get("Status"):
        raise AwsError(
            "IllegalVersioningConfigurationException",
            "The Versioning element must be specified",
        )


def _put_logging(parameters: Parameters, account: Account) -> None:
    enabled = (parameters.get("BucketLoggingStatus") or {}).get("LoggingEnabled")
    if enabled and account.record("bucket", enabled.get("TargetBucket", "")) is None:
        raise AwsError(
            "InvalidTargetBucketForLogging", "The target bucket for logging does not exist"
        )


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


RULES: Mapping[tuple[str, str], Rule] = {
    ("s3", "CreateBucket"): in_turn(_bucket_name, _bucket_place, _bucket_owner),
    ("s3", "PutBucketCors"): _put_cors,
    ("s3", "PutBucketEncryption"): _put_encryption,
    ("s3", "PutBucketLogging"): _put_logging,
    ("s3", "PutBucketNotificationConfiguration"): _notifications,
    ("s3", "PutBucketPolicy"): _put_bucket_policy,
    ("s3", "PutBucketTagging"): _put_tags("Bucket", 50),
    ("s3", "PutBucketVersioning"): _put_versioning,
    ("s3", "PutBucketWebsite"): _put_website,
    ("s3", "PutObjectTagging"): _put_tags("Object", 10),
}
