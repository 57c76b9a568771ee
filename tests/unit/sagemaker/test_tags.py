import pytest

from localaws.hosting.gauges import SIMULATED_METRICS
from tests.unit.sagemaker.platform import Platform

TAGS = [{"Key": "City", "Value": "Chicago"}, {"Key": "Stage", "Value": "dev"}]


def model_arn(platform: Platform) -> str:
    return str(platform.create_model(Tags=TAGS)["ModelArn"])


def test_a_resource_keeps_the_tags_of_its_creation(platform: Platform) -> None:
    assert platform.call("ListTags", ResourceArn=model_arn(platform)) == {"Tags": TAGS}


def test_the_description_does_not_show_them(platform: Platform) -> None:
    platform.create_model(Tags=TAGS)
    assert "Tags" not in platform.call("DescribeModel", ModelName="model")


def test_tags_are_added_and_replaced_by_key(platform: Platform) -> None:
    arn = model_arn(platform)
    added = [{"Key": "City", "Value": "Houston"}, {"Key": "Team", "Value": "a"}]
    assert platform.call("AddTags", ResourceArn=arn, Tags=added) == {
        "Tags": [{"Key": "City", "Value": "Houston"}, TAGS[1], {"Key": "Team", "Value": "a"}]
    }


def test_tags_are_deleted_by_key(platform: Platform) -> None:
    arn = model_arn(platform)
    platform.call("DeleteTags", ResourceArn=arn, TagKeys=["City", "Unknown"])
    assert platform.call("ListTags", ResourceArn=arn) == {"Tags": [TAGS[1]]}


def test_a_resource_has_fifty_tags_at_most(platform: Platform) -> None:
    arn = model_arn(platform)
    many = [{"Key": str(number), "Value": ""} for number in range(49)]
    error = platform.refusal("AddTags", ResourceArn=arn, Tags=many)
    assert "can have 50 tags, not 51" in error.message


def test_tags_go_with_their_resource(platform: Platform) -> None:
    arn = model_arn(platform)
    platform.call("DeleteModel", ModelName="model")
    platform.create_model()
    assert platform.call("ListTags", ResourceArn=arn) == {"Tags": []}


@pytest.mark.parametrize("key", ["simulated-metrics", "metrics-period-seconds"])
def test_an_endpoint_says_by_a_tag_what_is_simulated(platform: Platform, key: str) -> None:
    arn = platform.deployed()["EndpointArn"]
    tags = {tag["Key"]: tag["Value"] for tag in platform.call("ListTags", ResourceArn=arn)["Tags"]}
    expected = {"simulated-metrics": " ".join(SIMULATED_METRICS), "metrics-period-seconds": "1"}
    assert tags[key] == expected[key]
