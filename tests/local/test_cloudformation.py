"""Stacks through CloudFormation's API, with templates small enough to read."""

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.stacks import Stack, Template, echo_endpoint, put_artifacts


@pytest.fixture
def stack(localaws: LocalAws, request: pytest.FixtureRequest) -> Iterator[Stack]:
    name = request.node.name.replace("_", "-").split("[")[0][:100]
    stack = Stack(localaws, name)
    yield stack
    stack.delete()


def bucket(**properties: Any) -> Template:
    return {"Bucket": {"Type": "AWS::S3::Bucket", "Properties": properties}}


def test_a_bucket_is_encrypted_as_its_template_says(stack: Stack) -> None:
    by_default = {"ServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms"}}
    stack.deploy(bucket(BucketEncryption={"ServerSideEncryptionConfiguration": [by_default]}))
    s3 = stack.session.client("s3")
    answer = s3.get_bucket_encryption(Bucket=stack.physical_id("Bucket"))
    rule = answer["ServerSideEncryptionConfiguration"]["Rules"][0]
    assert rule["ApplyServerSideEncryptionByDefault"]["SSEAlgorithm"] == "aws:kms"


def test_a_bucket_has_the_lifecycle_of_its_template(stack: Stack) -> None:
    rules = [
        {"Id": "logs", "Status": "Enabled", "ExpirationInDays": 90, "Prefix": "logs/"},
        {
            "Id": "old-versions",
            "Status": "Enabled",
            "NoncurrentVersionExpiration": {"NoncurrentDays": "30"},
            "AbortIncompleteMultipartUpload": {"DaysAfterInitiation": 1},
        },
    ]
    stack.deploy(bucket(LifecycleConfiguration={"Rules": rules}))
    s3 = stack.session.client("s3")
    answer = s3.get_bucket_lifecycle_configuration(Bucket=stack.physical_id("Bucket"))
    logs, old_versions = answer["Rules"]
    assert logs["Expiration"] == {"Days": 90}
    assert logs["Filter"] == {"Prefix": "logs/"}
    assert old_versions["NoncurrentVersionExpiration"] == {"NoncurrentDays": 30}
    assert old_versions["AbortIncompleteMultipartUpload"] == {"DaysAfterInitiation": 1}


def test_a_bucket_has_its_own_tags_and_those_of_the_stack(stack: Stack) -> None:
    stack.deploy(bucket(Tags=[{"Key": "project", "Value": "housing"}]))
    s3 = stack.session.client("s3")
    tags = s3.get_bucket_tagging(Bucket=stack.physical_id("Bucket"))["TagSet"]
    assert {"Key": "project", "Value": "housing"} in tags
    assert {"Key": "aws:cloudformation:stack-name", "Value": stack.name} in tags


def test_a_property_removed_from_the_template_is_removed_from_the_bucket(stack: Stack) -> None:
    expire = {"Rules": [{"Id": "x", "Status": "Enabled", "ExpirationInDays": 1}]}
    stack.deploy(bucket(LifecycleConfiguration=expire))
    stack.deploy(bucket())
    s3 = stack.session.client("s3")
    with pytest.raises(ClientError, match="NoSuchLifecycleConfiguration"):
        s3.get_bucket_lifecycle_configuration(Bucket=stack.physical_id("Bucket"))


def test_a_bucket_has_the_logging_ownership_and_versioning_of_its_template(stack: Stack) -> None:
    stack.deploy(
        bucket(
            LoggingConfiguration={"DestinationBucketName": "logs", "LogFilePrefix": "store/"},
            OwnershipControls={"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]},
            VersioningConfiguration={"Status": "Suspended"},
        )
    )
    s3 = stack.session.client("s3")
    name = stack.physical_id("Bucket")
    logging = s3.get_bucket_logging(Bucket=name)["LoggingEnabled"]
    ownership = s3.get_bucket_ownership_controls(Bucket=name)["OwnershipControls"]
    assert (logging["TargetBucket"], logging["TargetPrefix"]) == ("logs", "store/")
    assert ownership["Rules"] == [{"ObjectOwnership": "BucketOwnerEnforced"}]
    assert s3.get_bucket_versioning(Bucket=name)["Status"] == "Suspended"


def test_a_property_that_is_not_available_fails_the_stack(stack: Stack) -> None:
    status = stack.deploy(bucket(AccelerateConfiguration={"AccelerationStatus": "Enabled"}))
    assert status == "ROLLBACK_COMPLETE"
    assert any("property AccelerateConfiguration is not available" in r for r in stack.reasons())


def test_a_type_of_a_service_that_is_not_here_is_refused(stack: Stack) -> None:
    """AWS has it: it is not called unrecognized."""
    missing = r"localaws does not have the resource types \[AWS::EFS::FileSystem\]"
    with pytest.raises(ClientError, match=missing):
        stack.deploy({"Files": {"Type": "AWS::EFS::FileSystem", "Properties": {}}})


def test_a_type_that_aws_has_not_is_unrecognized(stack: Stack) -> None:
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::EFS::Files\]"):
        stack.deploy({"Files": {"Type": "AWS::EFS::Files", "Properties": {}}})


def test_a_bucket_with_objects_outlives_the_deletion_of_its_stack(stack: Stack) -> None:
    stack.deploy(bucket())
    name = stack.physical_id("Bucket")
    s3 = stack.session.client("s3")
    s3.put_object(Bucket=name, Key="model.tar.gz", Body=b"weights")
    stack.delete()
    assert stack.wait() == "DELETE_FAILED"
    assert s3.get_object(Bucket=name, Key="model.tar.gz")["Body"].read() == b"weights"
    s3.delete_object(Bucket=name, Key="model.tar.gz")


def test_a_condition_may_join_a_list_parameter(stack: Stack) -> None:
    trusts_others = {"Fn::Not": [{"Fn::Equals": ["", {"Fn::Join": ["", {"Ref": "Accounts"}]}]}]}
    other = {"Type": "AWS::SSM::Parameter", "Properties": {"Type": "String", "Value": "x"}}
    stack.deploy(
        {**bucket(), "Other": {**other, "Condition": "TrustsOthers"}},
        Parameters={"Accounts": {"Type": "CommaDelimitedList", "Default": ""}},
        Conditions={"TrustsOthers": trusts_others},
    )
    with pytest.raises(ClientError, match="does not exist"):
        stack.physical_id("Other")


@pytest.fixture
def store(localaws: LocalAws, stack: Stack) -> str:
    """A bucket with the artifacts of an echo endpoint."""
    name = f"{stack.name[:50]}-store"
    put_artifacts(localaws.session(), name)
    return name


def invoke(stack: Stack, endpoint: str) -> bytes:
    runtime = stack.session.client("sagemaker-runtime")
    answer = runtime.invoke_endpoint(EndpointName=endpoint, TargetModel="0.tar.gz", Body=b"row")
    return answer["Body"].read()


def described(stack: Stack, endpoint: str) -> dict[str, Any]:
    return dict(stack.session.client("sagemaker").describe_endpoint(EndpointName=endpoint))


def test_a_stack_with_an_endpoint_is_complete_when_the_endpoint_answers(
    stack: Stack, store: str
) -> None:
    assert stack.deploy(echo_endpoint(store, "cfn-create")) == "CREATE_COMPLETE"
    assert described(stack, "cfn-create")["EndpointStatus"] == "InService"
    assert invoke(stack, "cfn-create") == b"row"


def test_a_changed_model_replaces_model_and_config_and_moves_the_endpoint(
    stack: Stack, store: str
) -> None:
    stack.deploy(echo_endpoint(store, "cfn-replace"))
    before = [stack.physical_id(name) for name in ("Model", "Config", "Endpoint")]
    assert stack.deploy(echo_endpoint(store, "cfn-replace", COLOUR="blue")) == "UPDATE_COMPLETE"
    after = [stack.physical_id(name) for name in ("Model", "Config", "Endpoint")]
    assert [old == new for old, new in zip(before, after, strict=True)] == [False, False, True]
    config = described(stack, "cfn-replace")["EndpointConfigName"].lower()
    assert after[1].endswith(f"/{config}")
    assert invoke(stack, "cfn-replace") == b"row"


def test_replaced_models_and_configs_are_deleted_after_the_update(stack: Stack, store: str) -> None:
    stack.deploy(echo_endpoint(store, "cfn-cleanup"))
    old = stack.physical_id("Model").rpartition("/")[2]
    stack.deploy(echo_endpoint(store, "cfn-cleanup", COLOUR="blue"))
    with pytest.raises(ClientError, match="Could not find model"):
        stack.session.client("sagemaker").describe_model(ModelName=old)


def test_an_update_that_does_not_come_up_is_rolled_back_and_the_endpoint_keeps_answering(
    stack: Stack, store: str
) -> None:
    stack.deploy(echo_endpoint(store, "cfn-rollback"))
    before = described(stack, "cfn-rollback")["EndpointConfigName"]
    broken = echo_endpoint(store, "cfn-rollback", ECHO_START_ERROR="no such module: numpyy")
    assert stack.deploy(broken) == "UPDATE_ROLLBACK_COMPLETE"
    assert described(stack, "cfn-rollback")["EndpointConfigName"] == before
    assert invoke(stack, "cfn-rollback") == b"row"


def test_an_endpoint_that_does_not_come_up_fails_the_stack_and_leaves_nothing(
    stack: Stack, store: str
) -> None:
    broken = echo_endpoint(store, "cfn-broken", ECHO_START_ERROR="no such module: numpyy")
    assert stack.deploy(broken) == "ROLLBACK_COMPLETE"
    assert any("did not pass the ping health check" in reason for reason in stack.reasons())
    with pytest.raises(ClientError, match="Could not find endpoint"):
        described(stack, "cfn-broken")


def test_a_role_that_may_not_read_the_artifacts_fails_the_stack_with_the_services_message(
    stack: Stack, store: str
) -> None:
    resources = echo_endpoint(store, "cfn-denied")
    del resources["Role"]["Properties"]["Policies"]
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert any("Could not access model data at" in reason for reason in stack.reasons())


def test_a_misspelt_property_fails_the_stack(stack: Stack, store: str) -> None:
    resources = echo_endpoint(store, "cfn-misspelt")
    resources["Model"]["Properties"]["Containers"][1]["Modus"] = "MultiModel"
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    assert any("extraneous key [Modus]" in reason for reason in stack.reasons())


def test_deleting_the_stack_deletes_endpoint_config_and_model(stack: Stack, store: str) -> None:
    stack.deploy(echo_endpoint(store, "cfn-delete"))
    names = {kind: stack.physical_id(kind).rpartition("/")[2] for kind in ("Model", "Config")}
    stack.delete()
    sagemaker = stack.session.client("sagemaker")
    with pytest.raises(ClientError, match="Could not find endpoint"):
        sagemaker.describe_endpoint(EndpointName="cfn-delete")
    with pytest.raises(ClientError, match="Could not find endpoint configuration"):
        sagemaker.describe_endpoint_config(EndpointConfigName=names["Config"])
    with pytest.raises(ClientError, match="Could not find model"):
        sagemaker.describe_model(ModelName=names["Model"])


def test_a_scaled_variant_has_its_target_and_policy(stack: Stack, store: str) -> None:
    resources = echo_endpoint(store, "cfn-scaled")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/cfn-scaled/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    resources["Target"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalableTarget",
        "DependsOn": "Endpoint",
        "Properties": {**target, "MinCapacity": "1", "MaxCapacity": 4},
    }
    resources["Policy"] = {
        "Type": "AWS::ApplicationAutoScaling::ScalingPolicy",
        "Properties": {
            "PolicyName": "invocations",
            "PolicyType": "TargetTrackingScaling",
            "ScalingTargetId": {"Ref": "Target"},
            "TargetTrackingScalingPolicyConfiguration": {
                "TargetValue": 700,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        },
    }
    assert stack.deploy(resources) == "CREATE_COMPLETE"
    scaling = stack.session.client("application-autoscaling")
    targets = scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"]
    policies = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [t["MaxCapacity"] for t in targets if t["ResourceId"] == target["ResourceId"]] == [4]
    assert [p["PolicyName"] for p in policies] == ["invocations"]


def test_what_a_resource_needs_stays_while_that_cannot_be_deleted(localaws: LocalAws) -> None:
    """A key is never deleted before the bucket that it encrypts."""
    stack = Stack(localaws, "full-bucket")
    encryption = {
        "ServerSideEncryptionByDefault": {
            "SSEAlgorithm": "aws:kms",
            "KMSMasterKeyID": {"Fn::GetAtt": ["Key", "Arn"]},
        }
    }
    stack.deploy(
        {
            "Key": {"Type": "AWS::KMS::Key", "Properties": {}},
            "Bucket": {
                "Type": "AWS::S3::Bucket",
                "Properties": {
                    "BucketEncryption": {"ServerSideEncryptionConfiguration": [encryption]}
                },
            },
            "Other": {"Type": "AWS::SNS::Topic"},
        }
    )
    bucket, key = stack.physical_id("Bucket"), stack.physical_id("Key")
    s3 = localaws.session().client("s3")
    s3.put_object(Bucket=bucket, Key="a", Body=b"1")
    stack.delete()
    described = localaws.session().client("cloudformation").describe_stacks(StackName=stack.name)
    [left] = described["Stacks"]
    assert left["StackStatus"] == "DELETE_FAILED"
    assert left["StackStatusReason"] == "The following resource(s) failed to delete: [Bucket]."
    kms = localaws.session().client("kms")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"1"
    s3.delete_object(Bucket=bucket, Key="a")
    stack.delete()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "PendingDeletion"


def test_a_failed_creation_takes_the_bucket_back_before_the_key_that_it_needs(
    stack: Stack,
) -> None:
    arn = {"Fn::GetAtt": ["Key", "Arn"]}
    with_key = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": arn}
    encryption = {
        "ServerSideEncryptionConfiguration": [{"ServerSideEncryptionByDefault": with_key}]
    }
    allowed = {"Effect": "Allow", "Action": "kms:*", "Resource": "*", "Principal": {"AWS": "*"}}
    resources = {
        "Key": {
            "Type": "AWS::KMS::Key",
            "Properties": {"KeyPolicy": {"Version": "2012-10-17", "Statement": [allowed]}},
        },
        **bucket(BucketEncryption=encryption),
        "Late": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "DependsOn": "Bucket",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "AllTraffic",
                        "ModelName": "none-of-this-name",
                        "InitialInstanceCount": 1,
                        "InitialVariantWeight": 1,
                        "InstanceType": "ml.m5.xlarge",
                    }
                ]
            },
        },
    }
    assert stack.deploy(resources) == "ROLLBACK_COMPLETE"
    events = stack.session.client("cloudformation").describe_stack_events(StackName=stack.name)
    deleted = [
        event["LogicalResourceId"]
        for event in reversed(events["StackEvents"])
        if event["ResourceStatus"] == "DELETE_COMPLETE"
    ]
    assert deleted.index("Bucket") < deleted.index("Key")
