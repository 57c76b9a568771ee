"""A store whose models are copied to another region, where a second endpoint serves them."""

import json

import pytest

from localaws.testing import LocalAws
from tests.local.library.conftest import LINEAR_LEARNER, deploy
from tests.local.loaded_cdk import cdk

HOME, AWAY = "eu-west-1", "eu-central-1"


@pytest.fixture(scope="module")
def buckets(account: LocalAws, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The example of two regions, deployed; the bucket of models by region."""
    folder = tmp_path_factory.mktemp("regions")
    here = account.state.account_id
    cdk(account, "bootstrap", *(f"aws://{here}/{region}" for region in (HOME, AWAY)), folder=folder)
    deploy(account, "two_regions", folder)
    found = {}
    for stack, region in (("Home", HOME), ("Away", AWAY)):
        cloudformation = account.session(region=region).client("cloudformation")
        for resource in cloudformation.describe_stack_resources(StackName=stack)["StackResources"]:
            is_bucket = resource["ResourceType"] == "AWS::S3::Bucket"
            if is_bucket and resource["LogicalResourceId"].startswith("StoreBucket"):
                found[region] = resource["PhysicalResourceId"]
    return found


def test_a_published_model_serves_in_the_other_region_too(
    account: LocalAws, buckets: dict[str, str]
) -> None:
    """As publishing does it: a copy within the bucket, at a key that is new."""
    s3 = account.session(region=HOME).client("s3")
    s3.put_object(Bucket=buckets[HOME], Key="jobs/1/model.tar.gz", Body=LINEAR_LEARNER)
    s3.copy_object(
        Bucket=buckets[HOME],
        Key="models/Berlin/Berlin.tar.gz",
        CopySource={"Bucket": buckets[HOME], "Key": "jobs/1/model.tar.gz"},
        IfNoneMatch="*",
    )
    away = account.session(region=AWAY)
    replica = away.client("s3").head_object(Bucket=buckets[AWAY], Key="models/Berlin/Berlin.tar.gz")
    assert replica["ReplicationStatus"] == "REPLICA"
    assert f":{AWAY}:" in replica["SSEKMSKeyId"]
    answer = away.client("sagemaker-runtime").invoke_endpoint(
        EndpointName="prices",
        TargetModel="Berlin/Berlin.tar.gz",
        ContentType="application/json",
        Body=json.dumps({"instances": [{"features": [0.0] * 10}]}),
    )
    assert len(json.loads(answer["Body"].read())["predictions"]) == 1
    listed = away.client("s3").list_objects_v2(Bucket=buckets[AWAY])["Contents"]
    assert [item["Key"] for item in listed] == ["models/Berlin/Berlin.tar.gz"]
