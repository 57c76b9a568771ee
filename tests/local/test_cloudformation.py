"""Stacks through CloudFormation's API, with templates small enough to read."""

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.local.conftest import LocalAws

Template = dict[str, Any]


class Stack:
    """A stack of a test, deployed and deleted by it."""

    def __init__(self, localaws: LocalAws, name: str) -> None:
        self.session = localaws.session()
        self.name = name
        self._client = self.session.client("cloudformation")
        self._exists = False

    def deploy(self, resources: Template, **template: Any) -> str:
        """Create or update the stack; its final status."""
        body = json.dumps({"Resources": resources, **template})
        act = self._client.update_stack if self._exists else self._client.create_stack
        act(StackName=self.name, TemplateBody=body, Capabilities=["CAPABILITY_NAMED_IAM"])
        self._exists = True
        return self.wait()

    def wait(self) -> str:
        """Wait until nothing is in progress; the status."""
        while True:
            status = self._client.describe_stacks(StackName=self.name)["Stacks"][0]["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return status
            time.sleep(0.05)

    def delete(self) -> None:
        """Delete the stack and wait for its end."""
        self._client.delete_stack(StackName=self.name)
        try:
            self.wait()
        except ClientError:
            self._exists = False

    def physical_id(self, logical_id: str) -> str:
        """What ``Ref`` answers for a resource."""
        detail = self._client.describe_stack_resource(
            StackName=self.name, LogicalResourceId=logical_id
        )
        return detail["StackResourceDetail"]["PhysicalResourceId"]

    def reasons(self) -> list[str]:
        """Why resources failed."""
        events = self._client.describe_stack_events(StackName=self.name)["StackEvents"]
        return [
            event.get("ResourceStatusReason", "")
            for event in events
            if event["ResourceStatus"].endswith("FAILED")
        ]


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
    with pytest.raises(ClientError, match=r"Unrecognized resource types: \[AWS::DynamoDB::Table\]"):
        stack.deploy({"Table": {"Type": "AWS::DynamoDB::Table", "Properties": {}}})


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
