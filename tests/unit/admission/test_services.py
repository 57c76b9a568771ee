"""What single services refuse beyond their models, one request a line."""

# ruff: noqa: E501 - one request a line

import base64
import json
from typing import Any

import pytest

from localaws.admission.services.schedules import is_cron
from localaws.admission.services.state_language import problems
from tests.unit.admission.test_gate import ACCOUNT, KEY, FakeAccount, refusal

TOPIC = f"arn:aws:sns:us-east-1:{ACCOUNT}:top"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/here"
FUNCTION = {"FunctionName": "new", "Role": ROLE, "Handler": "a.b", "Code": {}}
SCHEDULE = {"Name": "s", "Target": {"Arn": TOPIC, "RoleArn": ROLE}}
OFF = {"Mode": "OFF"}
GRANT = {"KeyId": KEY, "Operations": ["Decrypt"]}
MACHINE = {
    "roleArn": ROLE,
    "definition": json.dumps({"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}),
}
MACHINE_ARN = "arn:aws:states:us-east-1:123456789012:stateMachine:a"
EXPRESSION = {
    "AlarmName": "a",
    "EvaluationPeriods": 1,
    "Threshold": 1.0,
    "ComparisonOperator": "GreaterThanThreshold",
}
ALARM = {**EXPRESSION, "Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60}
TABLE = {
    "TableName": "new",
    "KeySchema": [{"AttributeName": "a", "KeyType": "HASH"}],
    "AttributeDefinitions": [{"AttributeName": "a", "AttributeType": "S"}],
    "BillingMode": "PAY_PER_REQUEST",
}
FILTER = {"logGroupName": "g", "filterName": "f", "filterPattern": ""}
METRIC = {"metricName": "m", "metricNamespace": "N", "metricValue": "1"}
OTHER_KEY = "00000000-0000-0000-0000-000000000001"
OF_OTHER_KEY = base64.b64encode(OTHER_KEY.encode() + bytes(40)).decode()
RULE = "arn:aws:lambda:us-east-1:123456789012:function:f"


def there() -> FakeAccount:
    return FakeAccount(
        records={
            ("bucket", "b"): {"objects": {"code.zip": {}}, "region": "us-east-1"},
            ("bucket", "west"): {"objects": {}, "region": "us-west-2"},
            ("composite alarm", "composite"): {},
            ("function", "f"): {"versions": {"1": {}}, "config": {}},
            ("key", OTHER_KEY): {"KeyId": OTHER_KEY, "KeyState": "Enabled"},
            ("key", "off"): {"KeyId": "off", "Arn": "arn:off", "KeyState": "Disabled"},
            ("key", "going"): {"KeyId": "going", "Arn": "arn:g", "KeyState": "PendingDeletion"},
            ("key", "rsa"): {"KeyId": "rsa", "KeyState": "Enabled", "KeySpec": "RSA_2048"},
            ("log group", "g"): {"subscriptionFilters": {"a": {}, "b": {}}},
            ("parameter", "/p"): {"Type": "String", "Tier": "Advanced"},
            ("rule", "r"): {"Targets": [{"Id": str(number)} for number in range(5)]},
            ("table", "t"): {"KeySchema": [{"AttributeName": "id", "KeyType": "HASH"}]},
            ("table", "ttt"): {},
            ("time to live", "t"): {"Enabled": True},
            ("topic", TOPIC): {"attributes": {"DisplayName": "old"}},
            ("upload", "u"): {"sizes": {1: 5, 2: 5}},
            ("user", "ann"): {"Groups": [f"g{number}" for number in range(10)]},
        }
    )


def parts(*numbers: int) -> dict[str, Any]:
    return {"Parts": [{"PartNumber": number, "ETag": "x"} for number in numbers]}


def rules(**rule: Any) -> dict[str, Any]:
    return {"Rules": [{"Status": "Enabled", "Filter": {"Prefix": ""}, **rule}]}


def datum(**more: Any) -> list[dict[str, Any]]:
    return [{"MetricName": "m", "Value": 1.0, **more}]


def on(resource: str, action: str) -> str:
    statement = {"Effect": "Deny", "Principal": "*", "Action": action, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


NOT_MIDNIGHT = 1_900_000_000
STATISTICS = {"SampleCount": 1.0, "Sum": 1.0, "Minimum": 2.0, "Maximum": 1.0}
TWICE = [{"Name": "d", "Value": "a"}, {"Name": "d", "Value": "b"}]
OBJECT = {"Bucket": "b", "Key": "k"}
GOES = {"TableName": "t", "Key": {"id": {"S": "a"}}}
FUNCTION_F = {"FunctionName": "f"}
BUCKET = "arn:aws:s3:::b"
REFUSED: list[tuple[str, str, dict[str, Any], str]] = [
    ("apigateway", "ImportRestApi", {"body": b"null"}, "BadRequestException"),
    ("cognito-idp", "ListUserPools", {"MaxResults": 1, "NextToken": "made-up"}, "InvalidParameterException"),
    ("cloudformation", "CreateStack", {"StackName": "s", "Parameters": [{"ParameterKey": "P", "UsePreviousValue": True}]}, "ValidationError"),
    ("cloudformation", "CreateStack", {"StackName": "s", "StackPolicyBody": "{"}, "ValidationError"),
    ("cloudformation", "CreateStack", {"StackName": "s", "StackPolicyBody": "{}", "StackPolicyURL": "https://a"}, "ValidationError"),
    ("cloudformation", "ExecuteChangeSet", {"ChangeSetName": "c"}, "ValidationError"),
    ("cloudformation", "UpdateStack", {"StackName": "s", "UsePreviousTemplate": True, "TemplateBody": "{}"}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**EXPRESSION, "Metrics": [{"Id": "a", "Expression": "FOO(m)"}, {"Id": "m", "Expression": "1", "ReturnData": False}]}, "ValidationError"),
    ("dynamodb", "BatchGetItem", {"RequestItems": {"t": {"Keys": [{"other": {"S": "a"}}]}}}, "ValidationException"),
    ("dynamodb", "GetItem", {**GOES, "ProjectionExpression": "a,,b"}, "ValidationException"),
    ("dynamodb", "GetItem", {**GOES, "ProjectionExpression": "a", "AttributesToGet": ["a"]}, "ValidationException"),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {}, "ConditionExpression": "begins_with(a, :v)", "ExpressionAttributeValues": {":v": {"N": "1"}}}, "ValidationException"),
    ("dynamodb", "PutItem", {"TableName": "t", "Item": {}, "ConditionExpression": "attribute_type(a, :v)", "ExpressionAttributeValues": {":v": {"S": "Q"}}}, "ValidationException"),
    ("dynamodb", "TransactGetItems", {"TransactItems": [{"Get": {"TableName": "t", "Key": {"other": {"S": "a"}}}}]}, "ValidationException"),
    ("dynamodb", "UpdateItem", {**GOES, "UpdateExpression": "REMOVE a[b]"}, "ValidationException"),
    ("dynamodb", "UpdateTimeToLive", {"TableName": "ttt", "TimeToLiveSpecification": {"Enabled": False, "AttributeName": "a"}}, "ValidationException"),
    ("events", "CreateArchive", {"ArchiveName": "a", "EventSourceArn": "arn:aws:events:us-east-1:123456789012:event-bus/none"}, "ResourceNotFoundException"),
    ("events", "DeleteRule", {"Name": "r", "EventBusName": "none"}, "ResourceNotFoundException"),
    ("events", "ListTargetsByRule", {"Rule": "none"}, "ResourceNotFoundException"),
    ("events", "PutRule", {"Name": "r", "ScheduleExpression": "rate(1 day)", "RoleArn": "me"}, "ValidationException"),
    ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": TOPIC, "InputPath": "a"}]}, "ValidationException"),
    ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": TOPIC, "InputTransformer": {"InputTemplate": "<a>"}}]}, "ValidationException"),
    ("kms", "CreateKey", {"KeyUsage": "SIGN_VERIFY"}, "ValidationException"),
    ("kms", "Encrypt", {"KeyId": OTHER_KEY, "Plaintext": ""}, "ValidationException"),
    ("kms", "Encrypt", {"KeyId": OTHER_KEY, "Plaintext": "YQ==", "EncryptionAlgorithm": "RSAES_OAEP_SHA_256"}, "InvalidKeyUsageException"),
    ("kms", "ListAliases", {"KeyId": "none"}, "NotFoundException"),
    ("kms", "Sign", {"KeyId": OTHER_KEY, "Message": "YQ==", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}, "InvalidKeyUsageException"),
    ("lambda", "CreateAlias", {**FUNCTION_F, "Name": "n", "FunctionVersion": "$LATEST", "RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}, "InvalidParameterValueException"),
    ("lambda", "CreateFunction", FUNCTION, "InvalidParameterValueException"),
    ("lambda", "DeleteFunction", {**FUNCTION_F, "Qualifier": "$LATEST"}, "InvalidParameterValueException"),
    ("lambda", "PublishLayerVersion", {"LayerName": "l", "Content": {}}, "InvalidParameterValueException"),
    ("lambda", "PutFunctionEventInvokeConfig", FUNCTION_F, "InvalidParameterValueException"),
    ("lambda", "PutProvisionedConcurrencyConfig", {**FUNCTION_F, "Qualifier": "$LATEST", "ProvisionedConcurrentExecutions": 1}, "InvalidParameterValueException"),
    ("lambda", "TagResource", {"Resource": RULE, "Tags": {"aws:a": "b"}}, "InvalidParameterValueException"),
    ("lambda", "UpdateFunctionCode", {**FUNCTION_F, "ZipFile": b"", "S3Bucket": "b", "S3Key": "k"}, "InvalidParameterValueException"),
    ("logs", "DescribeLogStreams", {}, "InvalidParameterException"),
    ("logs", "FilterLogEvents", {"logGroupName": "g", "logGroupIdentifier": "g"}, "InvalidParameterException"),
    ("logs", "PutDestination", {"destinationName": "d", "targetArn": "arn:aws:kinesis:a:b:c", "roleArn": ROLE}, "InvalidParameterException"),
    ("logs", "PutLogEvents", {"logGroupName": "g", "logStreamName": "s", "logEvents": [{"timestamp": 10**15, "message": "m"}]}, "InvalidParameterException"),
    ("logs", "PutMetricFilter", {**FILTER, "metricTransformations": [{**METRIC, "metricNamespace": "AWS/Mine"}]}, "InvalidParameterException"),
    ("s3", "CreateBucket", {"Bucket": "abc", "CreateBucketConfiguration": {"LocationConstraint": "mars-1"}}, "InvalidLocationConstraint"),
    ("s3", "CopyObject", {**OBJECT, "CopySource": "b/c", "MetadataDirective": "KEEP"}, "InvalidArgument"),
    ("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": on(BUCKET, "s3:GetObject")}, "MalformedPolicy"),
    ("s3", "PutBucketPolicy", {"Bucket": "b", "Policy": on(f"{BUCKET}/*", "s3:ListBucket")}, "MalformedPolicy"),
    ("s3", "PutObject", {**OBJECT, "ChecksumCRC32": "no base 64"}, "InvalidRequest"),
    ("s3", "PutObject", {**OBJECT, "IfNoneMatch": '"etag"'}, "NotImplemented"),
    ("s3", "PutObject", {**OBJECT, "StorageClass": "COLD"}, "InvalidStorageClass"),
    ("sns", "AddPermission", {"TopicArn": TOPIC, "Label": "l", "AWSAccountId": ["nobody"], "ActionName": ["Publish"]}, "InvalidParameter"),
    ("sns", "AddPermission", {"TopicArn": TOPIC, "Label": "l", "AWSAccountId": [ACCOUNT], "ActionName": ["Frob"]}, "InvalidParameter"),
    ("sns", "CreateTopic", {"Name": "new", "Attributes": {"DeliveryPolicy": "x"}}, "InvalidParameter"),
    ("sns", "CreateTopic", {"Name": "new", "Attributes": {"TracingConfig": "On"}}, "InvalidParameter"),
    ("sns", "Publish", {"Message": "m"}, "InvalidParameter"),
    ("sns", "Publish", {"TopicArn": "top", "Message": "m"}, "InvalidParameter"),
    ("sns", "Publish", {"PhoneNumber": "abc", "Message": "m"}, "InvalidParameter"),
    ("sns", "Publish", {"TopicArn": TOPIC, "Message": "m", "MessageStructure": "yaml"}, "InvalidParameter"),
    ("sns", "Publish", {"TopicArn": TOPIC, "Message": "m", "MessageAttributes": {"AWS.a": {"DataType": "String", "StringValue": "x"}}}, "ParameterValueInvalid"),
    ("ssm", "DescribeParameters", {"ParameterFilters": [{"Key": "Name", "Option": "Like", "Values": ["a"]}]}, "InvalidFilterOption"),
    ("ssm", "PutParameter", {"Name": "/a", "Value": "{{ssm:b}}", "Type": "String"}, "ValidationException"),
    ("cloudwatch", "PutMetricData", {"Namespace": "N", "MetricData": datum(Dimensions=TWICE)}, "InvalidParameterValue"),
    ("cloudwatch", "PutMetricData", {"Namespace": "N", "MetricData": [{"MetricName": "m", "StatisticValues": STATISTICS}]}, "InvalidParameterValue"),
    ("dynamodb", "Query", {"TableName": "t", "KeyConditionExpression": "id = :v", "FilterExpression": "#i = :v", "ExpressionAttributeNames": {"#i": "id"}}, "ValidationException"),
    ("dynamodb", "UpdateItem", {"TableName": "t", "Key": {}, "UpdateExpression": "SET a = :a SET b = :b"}, "ValidationException"),
    ("dynamodb", "UpdateItem", {"TableName": "t", "Key": {}, "UpdateExpression": "SET a = :a" + " " * 4096}, "ValidationException"),
    ("events", "DeleteRule", {"Name": "r"}, "ValidationException"),
    ("events", "PutRule", {"Name": "r"}, "ValidationException"),
    ("events", "PutRule", {"Name": "r", "ScheduleExpression": "rate(5 minute)"}, "ValidationException"),
    ("events", "PutRule", {"Name": "r", "ScheduleExpression": "rate(1 hours)"}, "ValidationException"),
    ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "new", "Arn": TOPIC}]}, "LimitExceededException"),
    ("iam", "AddUserToGroup", {"UserName": "ann", "GroupName": "more"}, "LimitExceeded"),
    ("iam", "CreateGroup", {"GroupName": "HERE"}, "EntityAlreadyExists"),
    ("iam", "CreateUser", {"UserName": "Here"}, "EntityAlreadyExists"),
    ("iam", "CreateLoginProfile", {"UserName": "ann", "Password": "short"}, "PasswordPolicyViolation"),
    ("iam", "CreateOpenIDConnectProvider", {"Url": "http://example.com"}, "InvalidInput"),
    ("kms", "CancelKeyDeletion", {"KeyId": "off"}, "KMSInvalidStateException"),
    ("kms", "CreateAlias", {"AliasName": "alias/a", "TargetKeyId": "going"}, "KMSInvalidStateException"),
    ("kms", "CreateGrant", {**GRANT, "GranteePrincipal": ROLE.replace("here", "nowhere")}, "InvalidArnException"),
    ("kms", "CreateGrant", {**GRANT, "GranteePrincipal": "nobody"}, "InvalidArnException"),
    ("kms", "CreateKey", {"KeySpec": "ECC_NIST_P256"}, "ValidationException"),
    ("kms", "EnableKeyRotation", {"KeyId": "rsa"}, "UnsupportedOperationException"),
    ("kms", "ScheduleKeyDeletion", {"KeyId": "going"}, "KMSInvalidStateException"),
    ("lambda", "CreateAlias", {"FunctionName": "f", "Name": "live", "FunctionVersion": "2"}, "ResourceNotFoundException"),
    ("lambda", "CreateFunction", {**FUNCTION, "MemorySize": 10_241}, "InvalidParameterValueException"),
    ("lambda", "CreateFunction", {**FUNCTION, "Timeout": 901}, "InvalidParameterValueException"),
    ("lambda", "CreateFunction", {**FUNCTION, "Runtime": "python3.6"}, "InvalidParameterValueException"),
    ("lambda", "CreateFunction", {**FUNCTION, "Environment": {"Variables": {"AWS_REGION": "x"}}}, "InvalidParameterValueException"),
    ("lambda", "CreateFunction", {**FUNCTION, "Code": {"S3Bucket": "b", "S3Key": "none"}}, "InvalidParameterValueException"),
    ("lambda", "CreateFunction", {**FUNCTION, "Tags": {str(n): "v" for n in range(51)}}, "InvalidParameterValueException"),
    ("lambda", "Invoke", {"FunctionName": "f", "Payload": b"{"}, "InvalidRequestContentException"),
    ("lambda", "Invoke", {"FunctionName": "f", "Payload": b"1" * 6_291_457}, "RequestEntityTooLargeException"),
    ("lambda", "PutFunctionConcurrency", {"FunctionName": "f", "ReservedConcurrentExecutions": 901}, "InvalidParameterValueException"),
    ("logs", "DescribeLogStreams", {"logGroupName": "g", "orderBy": "LastEventTime", "logStreamNamePrefix": "a"}, "InvalidParameterException"),
    ("logs", "FilterLogEvents", {"logGroupName": "g", "logStreamNames": ["a"], "logStreamNamePrefix": "a"}, "InvalidParameterException"),
    ("logs", "PutSubscriptionFilter", {"logGroupName": "g", "filterName": "c", "filterPattern": "", "destinationArn": RULE}, "LimitExceededException"),
    ("s3", "CompleteMultipartUpload", {**OBJECT, "UploadId": "u", "MultipartUpload": parts(2, 1)}, "InvalidPartOrder"),
    ("s3", "CompleteMultipartUpload", {**OBJECT, "UploadId": "u", "MultipartUpload": parts(1, 2)}, "EntityTooSmall"),
    ("s3", "CreateBucket", {"Bucket": "a-.b"}, "InvalidBucketName"),
    ("s3", "CreateBucket", {"Bucket": "west"}, "BucketAlreadyOwnedByYou"),
    ("s3", "PutBucketLifecycleConfiguration", {"Bucket": "b", "LifecycleConfiguration": rules(Expiration={"Date": NOT_MIDNIGHT})}, "InvalidArgument"),
    ("s3", "PutBucketLifecycleConfiguration", {"Bucket": "b", "LifecycleConfiguration": rules(Expiration={"Days": 30}, Transitions=[{"Days": 30, "StorageClass": "GLACIER"}])}, "InvalidArgument"),
    ("s3", "PutBucketNotificationConfiguration", {"Bucket": "b", "NotificationConfiguration": {"LambdaFunctionConfigurations": [{"LambdaFunctionArn": RULE + "none", "Events": ["s3:ObjectCreated:*"]}]}}, "InvalidArgument"),
    ("s3", "PutObject", {**OBJECT, "Metadata": {"a": "x" * 2048}}, "MetadataTooLarge"),
    ("s3", "PutObject", {**OBJECT, "Tagging": "a=1&a=2"}, "InvalidTag"),
    ("s3", "PutObject", {**OBJECT, "Tagging": "aws:a=1"}, "InvalidTag"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "ScheduleExpression": "often", "FlexibleTimeWindow": OFF}, "ValidationException"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": {"Mode": "FLEXIBLE"}}, "ValidationException"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF, "ScheduleExpressionTimezone": "Mars/Base"}, "ValidationException"),
    ("sns", "CreateTopic", {"Name": "top", "Attributes": {"DisplayName": "new"}}, "InvalidParameter"),
    ("sns", "Publish", {"TopicArn": TOPIC, "Message": ""}, "InvalidParameter"),
    ("sns", "Publish", {"TopicArn": TOPIC, "Message": "m", "Subject": "a\nb"}, "InvalidParameter"),
    ("sns", "Publish", {"TopicArn": TOPIC, "Message": "{}", "MessageStructure": "json"}, "InvalidParameter"),
    ("sns", "SetTopicAttributes", {"TopicArn": TOPIC, "AttributeName": "Colour"}, "InvalidParameter"),
    ("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "https", "Endpoint": "http://a.b"}, "InvalidParameter"),
    ("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "lambda", "Endpoint": RULE, "Attributes": {"FilterPolicy": '{"a": "b"}'}}, "InvalidParameter"),
    ("ssm", "PutParameter", {"Name": "/p", "Value": "1", "Type": "SecureString", "Overwrite": True}, "HierarchyTypeMismatchException"),
    ("ssm", "PutParameter", {"Name": "/p", "Value": "1", "Tier": "Standard", "Overwrite": True}, "ValidationException"),
    ("stepfunctions", "CreateStateMachine", {**MACHINE, "name": "a b"}, "InvalidName"),
    ("stepfunctions", "CreateStateMachine", {**MACHINE, "name": "a", "definition": "{"}, "InvalidDefinition"),
    ("stepfunctions", "CreateActivity", {"name": "a b"}, "InvalidName"),
    ("stepfunctions", "CreateStateMachine", {**MACHINE, "name": "a", "roleArn": "nobody"}, "InvalidArn"),
    ("stepfunctions", "CreateStateMachine", {**MACHINE, "name": "a", "loggingConfiguration": {"level": "ALL", "destinations": [{"cloudWatchLogsLogGroup": {"logGroupArn": "arn:aws:logs:us-east-1:123456789012:log-group:none:*"}}]}}, "InvalidLoggingConfiguration"),
    ("stepfunctions", "SendTaskSuccess", {"taskToken": "t", "output": "{"}, "InvalidOutput"),
    ("stepfunctions", "StartExecution", {"stateMachineArn": "a"}, "InvalidArn"),
    ("stepfunctions", "TagResource", {"resourceArn": MACHINE_ARN, "tags": []}, "ResourceNotFound"),
    ("stepfunctions", "StartExecution", {"stateMachineArn": "arn:aws:states:us-east-1:123456789012:stateMachine:a", "input": "{"}, "InvalidExecutionInput"),
    ("cloudformation", "CreateStack", {"StackName": "s", "RoleARN": ROLE.replace("here", "nowhere")}, "ValidationError"),
    ("cloudformation", "CreateStack", {"StackName": "s", "Parameters": [{"ParameterKey": "P"}, {"ParameterKey": "P"}]}, "ValidationError"),
    ("cloudwatch", "DescribeAlarms", {"AlarmNames": ["a"], "AlarmNamePrefix": "a"}, "InvalidParameterCombination"),
    ("cloudwatch", "ListMetrics", {"NextToken": "made-up"}, "InvalidNextToken"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "AlarmName": "composite"}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "AlarmActions": ["arn:aws:dynamodb:us-east-1:123456789012:table/t"]}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**ALARM, "ComparisonOperator": "GreaterThanUpperThreshold"}, "ValidationError"),
    ("cloudwatch", "PutMetricAlarm", {**EXPRESSION, "Metrics": [{"Id": "a", "Expression": "b + 1"}]}, "ValidationError"),
    ("cloudwatch", "PutMetricData", {"Namespace": "N", "MetricData": []}, "MissingParameter"),
    ("cloudwatch", "PutMetricData", {"Namespace": "N", "MetricData": datum(Value=1e120)}, "InvalidParameterValue"),
    ("cloudwatch", "PutMetricData", {"Namespace": "N", "MetricData": datum(Value=float("nan"))}, "InvalidParameterValue"),
    ("cloudwatch", "PutMetricData", {"Namespace": "N", "MetricData": [{"MetricName": "m", "Values": [1.0], "Counts": [-1.0]}]}, "InvalidParameterValue"),
    ("cloudwatch", "SetAlarmState", {"AlarmName": "a", "StateValue": "OK", "StateReason": "r", "StateReasonData": "{"}, "InvalidFormat"),
    ("dynamodb", "CreateTable", {**TABLE, "AttributeDefinitions": [{"AttributeName": "z", "AttributeType": "S"}]}, "ValidationException"),
    ("dynamodb", "CreateTable", {**TABLE, "BillingMode": "PROVISIONED"}, "ValidationException"),
    ("dynamodb", "CreateTable", {**TABLE, "StreamSpecification": {"StreamEnabled": True}}, "ValidationException"),
    ("dynamodb", "Query", {"TableName": "t", "KeyConditionExpression": "id = :a OR id = :b"}, "ValidationException"),
    ("dynamodb", "RestoreTableToPointInTime", {"SourceTableName": "ttt", "TargetTableName": "new"}, "PointInTimeRecoveryUnavailableException"),
    ("dynamodb", "TransactWriteItems", {"TransactItems": [{"Put": {"TableName": "t", "Item": {}}, "Delete": {"TableName": "t", "Key": {}}}]}, "ValidationException"),
    ("dynamodb", "UpdateItem", {"TableName": "t", "Key": {}, "UpdateExpression": "SET a.b = :a, #a = :b", "ExpressionAttributeNames": {"#a": "a"}}, "ValidationException"),
    ("dynamodb", "UpdateTimeToLive", {"TableName": "t", "TimeToLiveSpecification": {"Enabled": True, "AttributeName": "a"}}, "ValidationException"),
    ("events", "DisableRule", {"Name": "none"}, "ResourceNotFoundException"),
    ("events", "ListRules", {"NextToken": "made-up"}, "ValidationException"),
    ("events", "PutRule", {"Name": "r", "EventPattern": '{"source": "aws.s3"}'}, "InvalidEventPatternException"),
    ("events", "PutRule", {"Name": "r", "EventPattern": '{"detail": {"a": [{"numeric": ["~", 1]}]}}'}, "InvalidEventPatternException"),
    ("events", "PutRule", {"Name": "r", "ScheduleExpression": "cron(60 12 * * ? *)"}, "ValidationException"),
    ("events", "PutRule", {"Name": "r", "ScheduleExpression": "cron(0 12 1 * MON *)"}, "ValidationException"),
    ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": TOPIC, "Input": "{}", "InputPath": "$"}]}, "ValidationException"),
    ("events", "PutTargets", {"Rule": "r", "Targets": [{"Id": "1", "Arn": MACHINE_ARN}]}, "ValidationException"),
    ("iam", "ListRoles", {"Marker": "made-up"}, "ValidationError"),
    ("kms", "CreateAlias", {"AliasName": "alias/", "TargetKeyId": KEY}, "ValidationException"),
    ("kms", "Decrypt", {"CiphertextBlob": OF_OTHER_KEY, "KeyId": "off"}, "IncorrectKeyException"),
    ("kms", "EnableKey", {"KeyId": "going"}, "KMSInvalidStateException"),
    ("kms", "GetKeyPolicy", {"KeyId": KEY, "PolicyName": "mine"}, "NotFoundException"),
    ("lambda", "AddPermission", {"FunctionName": "f", "StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "nobody"}, "InvalidParameterValueException"),
    ("lambda", "CreateEventSourceMapping", {"FunctionName": "f", "EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:q"}, "InvalidParameterValueException"),
    ("lambda", "CreateFunction", {**FUNCTION, "FunctionName": "a" * 65}, "InvalidParameterValueException"),
    ("logs", "DescribeLogGroups", {"nextToken": "made-up"}, "InvalidParameterException"),
    ("logs", "PutMetricFilter", {**FILTER, "metricTransformations": [{**METRIC, "metricValue": "lots"}]}, "InvalidParameterException"),
    ("logs", "PutMetricFilter", {**FILTER, "filterPattern": "{ $.a = 1 }", "metricTransformations": [{**METRIC, "dimensions": dict.fromkeys("abcd", "$.d")}]}, "InvalidParameterException"),
    ("logs", "PutMetricFilter", {**FILTER, "metricTransformations": [{**METRIC, "dimensions": {"d": "$.d"}}]}, "InvalidParameterException"),
    ("logs", "PutSubscriptionFilter", {"logGroupName": "none", "filterName": "c", "filterPattern": "", "destinationArn": "here"}, "InvalidParameterException"),
    ("logs", "PutResourcePolicy", {"policyName": "p", "policyDocument": "{}"}, "InvalidParameterException"),
    ("logs", "StopQuery", {"queryId": "none"}, "ResourceNotFoundException"),
    ("s3", "GetObject", {**OBJECT, "Key": "code.zip", "PartNumber": 5}, "InvalidPartNumber"),
    ("s3", "GetObject", {**OBJECT, "PartNumber": 1, "Range": "bytes=0-1"}, "InvalidRequest"),
    ("s3", "ListObjectsV2", {"Bucket": "b", "ContinuationToken": "made-up"}, "InvalidArgument"),
    ("s3", "ListObjectVersions", {"Bucket": "b", "VersionIdMarker": "v"}, "InvalidArgument"),
    ("s3", "PutBucketLifecycleConfiguration", {"Bucket": "b", "LifecycleConfiguration": rules(Transitions=[{"Days": 40, "StorageClass": "GLACIER"}, {"Days": 60, "StorageClass": "STANDARD_IA"}])}, "InvalidArgument"),
    ("s3", "PutBucketLogging", {"Bucket": "b", "BucketLoggingStatus": {"LoggingEnabled": {"TargetBucket": "none", "TargetPrefix": ""}}}, "InvalidTargetBucketForLogging"),
    ("s3", "PutBucketVersioning", {"Bucket": "b", "VersioningConfiguration": {}}, "IllegalVersioningConfigurationException"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "ScheduleExpression": "at(tomorrow)", "FlexibleTimeWindow": OFF}, "ValidationException"),
    ("scheduler", "CreateSchedule", {**SCHEDULE, "Target": {"Arn": TOPIC, "RoleArn": ROLE.replace("here", "nowhere")}, "ScheduleExpression": "rate(1 day)", "FlexibleTimeWindow": OFF}, "ValidationException"),
    ("sns", "ListTopics", {"NextToken": "made-up"}, "InvalidParameter"),
    ("sns", "CreateTopic", {"Name": "a.fifo"}, "InvalidParameter"),
    ("sns", "Publish", {"TopicArn": TOPIC, "Message": "m", "MessageAttributes": {"a": {"DataType": "Number", "StringValue": "x"}}}, "ParameterValueInvalid"),
    ("sns", "SetTopicAttributes", {"TopicArn": TOPIC, "AttributeName": "FifoTopic", "AttributeValue": "true"}, "InvalidParameter"),
    ("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "a@b.cd", "Attributes": {"Colour": "red"}}, "InvalidParameter"),
    ("sns", "Subscribe", {"TopicArn": TOPIC, "Protocol": "email", "Endpoint": "a@b.cd", "Attributes": {"FilterPolicy": '{"a": [{"like": "b"}]}'}}, "InvalidParameter"),
    ("ssm", "AddTagsToResource", {"ResourceType": "Parameter", "ResourceId": "/none", "Tags": [{"Key": "a", "Value": "b"}]}, "InvalidResourceId"),
    ("ssm", "DescribeParameters", {"NextToken": "made-up"}, "InvalidNextToken"),
    ("ssm", "GetParameters", {"Names": ["/p", "/p"]}, "ValidationException"),
    ("ssm", "GetParametersByPath", {"Path": "/", "ParameterFilters": [{"Key": "Path", "Values": ["/x"]}]}, "InvalidFilterKey"),
    ("ssm", "PutParameter", {"Name": "/a//b", "Value": "1", "Type": "String"}, "ValidationException"),
    ("ssm", "PutParameter", {"Name": "/a", "Value": "1", "Type": "String", "Tier": "Advanced", "Policies": '[{"Type": "Never"}]'}, "InvalidPolicyTypeException"),
    ("stepfunctions", "CreateStateMachine", {**MACHINE, "name": "a", "roleArn": ROLE.replace("here", "nowhere")}, "AccessDeniedException"),
    ("stepfunctions", "CreateStateMachine", {**MACHINE, "name": "a", "definition": '{"StartAt": "A", "States": {"A": {"Type": "Pass", "Result": NaN, "End": true}}}'}, "InvalidDefinition"),
    ("stepfunctions", "UpdateStateMachine", {"stateMachineArn": MACHINE_ARN}, "MissingRequiredParameter"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("service", "operation", "parameters", "code"),
    REFUSED,
    ids=[f"{service} {operation} {n}" for n, (service, operation, *_) in enumerate(REFUSED)],
)
def test_refused(service: str, operation: str, parameters: dict[str, Any], code: str) -> None:
    assert refusal(service, operation, there(), **parameters).code == code


def jsonata(**states: Any) -> dict[str, Any]:
    return {**machine(**states), "QueryLanguage": "JSONata"}


def mapped(config: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    processor = INNER if config is None else {**INNER, "ProcessorConfig": config}
    return {
        "Type": "Map",
        "ItemProcessor": processor,
        **({} if "End" in more else {"Next": "B"}),
        **more,
    }


def task(resource: str, **parameters: Any) -> dict[str, Any]:
    return {
        "Type": "Task",
        "Resource": f"arn:aws:states:::{resource}",
        "Parameters": parameters,
        "Next": "B",
    }


def machine(**states: Any) -> dict[str, Any]:
    return {"StartAt": "A", "States": states}


END = {"Type": "Pass", "End": True}
DISTRIBUTED = {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
INNER = {"StartAt": "B", "States": {"B": END}}
TASK = {"Type": "Task", "Resource": RULE, "End": True}


@pytest.mark.parametrize(
    "definition",
    [
        machine(A=END),
        machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Succeed"}),
        machine(A={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True, "Next": "B"}], "Default": "C"}, B=END, C={"Type": "Fail"}),
        machine(A={**TASK, "Retry": [{"ErrorEquals": ["States.ALL"]}], "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "B"}]}, B=END),
        machine(A={"Type": "Map", "ItemProcessor": {**INNER, "ProcessorConfig": {"Mode": "INLINE"}}, "End": True}),
        machine(A={"Type": "Parallel", "Branches": [INNER], "End": True}),
        {**machine(A={"Type": "Pass", "Output": "{% 1 %}", "End": True}), "QueryLanguage": "JSONata"},
        machine(A={"Type": "Wait", "Seconds": 0, "Next": "B"}, B=END),
        machine(A=mapped(DISTRIBUTED, ItemReader={"Resource": "arn:aws:states:::s3:getObject"}, Label="a", ToleratedFailurePercentage=0.5, End=True)),
        machine(A={"Type": "Pass", "Assign": {"a": 1, "b.$": "$.c['d.e'][0]"}, "End": True}),
        machine(A=task("sns:publish.waitForTaskToken", **{"TopicArn": "a", "Message.$": "$"}), B=END),
        jsonata(A={"Type": "Choice", "Choices": [{"Condition": "{% true %}", "Next": "B"}]}, B=END),
    ],
)  # fmt: skip
def test_definitions_that_are_right_pass(definition: Any) -> None:
    assert list(problems(definition)) == []


@pytest.mark.parametrize(
    "definition",
    [
        [], 1, {}, {"StartAt": "A", "States": 1}, {"StartAt": ["A"], "States": {"A": END}},
        {"StartAt": "A", "States": {}}, {"StartAt": "A", "States": {"A": 1}},
        {"States": {"A": END}}, {"StartAt": "B", "States": {"A": END}},
        {**machine(A=END), "Colour": 1},
        machine(A={"Type": "Pass"}), machine(A={**END, "Next": "A"}), machine(A={"Type": "Paas"}),
        machine(A={"Type": ["Pass"], "End": True}), machine(A={**END, "Colour": 1}),
        machine(A={"Type": "Pass", "Next": "Z"}), machine(A=END, B=END),
        machine(A={"Type": "Choice", "Choices": []}), machine(A={"Type": "Choice", "Choices": [1]}),
        machine(A={"Type": "Choice", "Choices": [{"Variable": "$.a", "IsPresent": True}]}),
        machine(A={"Type": "Wait", "End": True}),
        machine(A={"Type": "Wait", "Seconds": -1, "End": True}),
        machine(A={"Type": "Wait", "Seconds": 1, "Timestamp": "2030-01-01T00:00:00Z", "End": True}),
        machine(A={"Type": "Task", "End": True}), machine(A={**TASK, "Resource": "here"}),
        machine(A={"Type": "Succeed", "Next": "A"}), machine(A={**END, "InputPath": "a"}),
        machine(A={**TASK, "Retry": [{"ErrorEquals": ["States.ALL"], "MaxAttempts": -1}]}),
        machine(A={**TASK, "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "A"},
                                     {"ErrorEquals": ["Other"], "Next": "A"}]}),
        machine(A={**TASK, "Retry": 1}), machine(A={**TASK, "Retry": [1]}),
        machine(A={"Type": "Parallel", "End": True}), machine(A={"Type": "Map", "End": True}),
        machine(A={"Type": "Parallel", "Branches": [1], "End": True}),
        {**machine(A={**END, "InputPath": "$.a"}), "QueryLanguage": "JSONata"},
        {"StartAt": "A" * 81, "States": {"A" * 81: END}},
        {**machine(A=END), "TimeoutSeconds": 0}, {**machine(A=END), "Version": "2.0"},
        machine(A={"Type": "Pass", "Next": "B"}, B={"Type": "Pass", "Next": "A"}),
        machine(A={"Type": "Fail", "Error": "x", "ErrorPath": "$.e"}),
        jsonata(A={**END, "QueryLanguage": "JSONPath"}),
        jsonata(A={"Type": "Choice", "Choices": [{"Condition": "yes", "Next": "B"}]}, B=END),
    ],
)  # fmt: skip
def test_definitions_that_are_wrong_are_told_why(definition: Any) -> None:
    assert all(problem.startswith(("SCHEMA_", "MISSING_")) for problem in problems(definition))
    assert list(problems(definition))


@pytest.mark.parametrize(
    "state",
    [
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "StringIs": "x", "Next": "B"}]},
        {"Type": "Choice", "Choices": [{"StringEquals": "x", "Next": "B"}]},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "NumericEquals": "x", "Next": "B"}]},
        {"Type": "Choice", "Choices": [{"Not": {"Variable": "$.a", "IsNull": True, "Next": "B"}, "Next": "B"}]},
        {"Type": "Choice", "Choices": [{"Variable": "$.a", "TimestampEquals": "soon", "Next": "B"}]},
        {"Type": "Wait", "Timestamp": "tomorrow", "Next": "B"},
        {"Type": "Wait", "Seconds": "5", "Next": "B"},
        {"Type": "Pass", "Parameters": {"a.$": "b"}, "Next": "B"},
        {"Type": "Pass", "Parameters": {"a.$": "States.Format('{}'"}, "Next": "B"},
        {**TASK, "TimeoutSeconds": 0},
        {**TASK, "TimeoutSeconds": 10, "HeartbeatSeconds": 20},
        {**TASK, "Resource": "arn:aws:states:::nope:frob"},
        {**TASK, "Retry": [{"ErrorEquals": ["X"], "MaxAttempts": 100_000_000}]},
        {"Type": "Map", "MaxConcurrency": -1, "ItemProcessor": INNER, "Next": "B"},
        {"Type": "Parallel", "Branches": [{"StartAt": "A", "States": {"A": END}}], "Next": "B"},
        mapped({"Mode": "WEIRD"}), mapped({"Mode": "DISTRIBUTED"}), mapped(ItemsPath="items"),
        mapped(Iterator=INNER), mapped(ItemReader={"Resource": "arn:aws:states:::s3:getObject"}),
        mapped(DISTRIBUTED, ToleratedFailurePercentage=101), mapped(DISTRIBUTED, Label=""),
        mapped(DISTRIBUTED, ItemReader={"Resource": "arn:aws:states:::s3:putObject"}),
        {"Type": "Map", "ItemProcessor": {**INNER, "QueryLanguage": "JSONata"}, "Next": "B"},
        {"Type": "Pass", "InputPath": "$[", "Next": "B"},
        {"Type": "Pass", "Assign": {"1a": 1}, "Next": "B"},
        {"Type": "Pass", "Assign": {"states": 1}, "Next": "B"},
        task("sns:publish", TopicArn="a", Message="b", Colour=1), task("lambda:invoke"),
        task("sagemaker:createTrainingJob.later"), task("sns:frob", Message="b"),
    ],
)  # fmt: skip
def test_a_state_that_is_wrong(state: dict[str, Any]) -> None:
    inner = {"StartAt": "A", "States": {"A": state, "B": {"Type": "Succeed"}}}
    assert any("/A" in problem for problem in problems(inner))


@pytest.mark.parametrize(
    ("expression", "right"),
    [
        ("cron(0/15 8-17 ? JAN,MAR MON-FRI 2030-2040)", True),
        ("cron(0 9 L * ? *)", True),
        ("cron(0 9 ? * 6#3 *)", True),
        ("cron(0 9 15W * ? *)", True),
        ("cron(0 24 * * ? *)", False),
        ("cron(0 9 * * * *)", False),
        ("cron(0 9 ? * ? *)", False),
        ("cron(0/0 9 * * ? *)", False),
        ("cron(* * * * *)", False),
    ],
)
def test_cron_expressions(expression: str, right: bool) -> None:
    assert is_cron(expression) is right
