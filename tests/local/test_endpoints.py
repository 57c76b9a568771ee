"""Endpoints, as boto3 sees them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.hosting import Hosting, make_hosting, make_role, wait_until
from localaws.testing.memory import model_archive
from localaws.testing.stacks import ECHO

ENDPOINT = "test-endpoints"


@pytest.fixture(scope="module")
def hosting(localaws: LocalAws) -> Hosting:
    hosting = make_hosting(localaws.session(), "test-endpoints")
    description = hosting.deploy(ENDPOINT)
    assert description["EndpointStatus"] == "InService"
    return hosting


def error_of(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str, int]:
    answer: Any = caught.value.response
    status = answer["ResponseMetadata"]["HTTPStatusCode"]
    return answer["Error"]["Code"], answer["Error"]["Message"], status


# Invocations


def test_an_invocation_is_answered_with_its_headers(hosting: Hosting) -> None:
    answer = hosting.invoke(ENDPOINT, b"1988,3040.78", CustomAttributes="trace=1")
    assert answer["Body"] == b"1988,3040.78"
    assert (answer["ContentType"], answer["InvokedProductionVariant"]) == ("text/csv", "AllTraffic")
    assert answer["CustomAttributes"] == "trace=1"


def test_a_missing_target_model_is_a_validation_error(hosting: Hosting) -> None:
    with pytest.raises(ClientError) as caught:
        hosting.runtime.invoke_endpoint(EndpointName=ENDPOINT, Body=b"x")
    code, message, status = error_of(caught)
    assert (code, status) == ("ValidationError", 400)
    assert "is missing a target model header" in message


def test_a_target_model_that_is_not_there_could_not_be_downloaded(hosting: Hosting) -> None:
    with pytest.raises(ClientError) as caught:
        hosting.invoke(ENDPOINT, TargetModel="nowhere.tar.gz")
    code, message, _ = error_of(caught)
    assert code == "ValidationError"
    assert message.startswith("Failed to download model data (bucket: test-endpoints, key: models/")


def test_an_unknown_endpoint_is_not_found(hosting: Hosting) -> None:
    with pytest.raises(ClientError) as caught:
        hosting.invoke("unknown")
    assert error_of(caught)[:2] == (
        "ValidationError",
        "Endpoint unknown of account 123456789012 not found.",
    )


def test_a_container_error_is_a_model_error_with_the_original(hosting: Hosting) -> None:
    hosting.deploy("test-model-error", hosting.pipeline(ECHO_STATUS="415"))
    with pytest.raises(ClientError) as caught:
        hosting.invoke("test-model-error", b"nonsense")
    answer: Any = caught.value.response
    assert error_of(caught)[0::2] == ("ModelError", 424)
    assert answer["Error"]["Message"].startswith(
        'Received client error (415) from container-2 with message "nonsense".'
    )
    assert (answer["OriginalStatusCode"], answer["OriginalMessage"]) == (415, "nonsense")
    assert answer["LogStreamArn"].endswith("/aws/sagemaker/Endpoints/test-model-error")


def test_six_mebibytes_are_the_limit(hosting: Hosting) -> None:
    hosting.deploy("test-body-limit", [{"Image": ECHO}])
    request = {"EndpointName": "test-body-limit", "ContentType": "text/csv"}
    answer = hosting.runtime.invoke_endpoint(Body=bytes(6_291_456), **request)
    assert len(answer["Body"].read()) == 6_291_456
    with pytest.raises(ClientError) as caught:
        hosting.runtime.invoke_endpoint(Body=bytes(6_291_457), **request)
    assert error_of(caught)[0] == "ValidationError"


def test_a_model_overwritten_or_deleted_in_s3_is_served_from_the_cache(hosting: Hosting) -> None:
    key = "models/short-lived.tar.gz"
    hosting.s3.put_object(Bucket=hosting.bucket, Key=key, Body=model_archive())
    hosting.invoke(ENDPOINT, TargetModel="short-lived.tar.gz")
    hosting.s3.delete_object(Bucket=hosting.bucket, Key=key)
    assert hosting.invoke(ENDPOINT, b"still", TargetModel="short-lived.tar.gz")["Body"] == b"still"


# Refusals of the control plane


def test_boto3_gets_the_services_codes_and_texts(hosting: Hosting) -> None:
    with pytest.raises(ClientError) as caught:
        hosting.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
    assert error_of(caught) == (
        "ValidationException",
        "Cannot create already existing endpoint "
        f'"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{ENDPOINT}".',
        400,
    )


def test_a_request_against_the_service_model_is_refused(hosting: Hosting) -> None:
    with pytest.raises(ClientError) as caught:
        hosting.sagemaker.describe_endpoint(EndpointName="under_score")
    assert "failed to satisfy constraint" in error_of(caught)[1]


def test_what_is_not_available_names_its_operation(hosting: Hosting) -> None:
    with pytest.raises(ClientError) as caught:
        hosting.sagemaker.list_notebook_instances()
    assert "ListNotebookInstances" in error_of(caught)[1]


# The role of the model


def test_a_role_without_list_bucket_cannot_make_a_multi_model_model(hosting: Hosting) -> None:
    get_only = [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::test-endpoints/*"}
    ]
    role_arn = make_role(hosting.session, "test-endpoints-get-only", get_only)
    with pytest.raises(ClientError) as caught:
        hosting.create_config("test-get-only", role_arn=role_arn)
    assert "s3:ListBucket" in error_of(caught)[1]


def test_a_role_without_get_object_cannot_load_models(hosting: Hosting) -> None:
    list_only = [
        {"Effect": "Allow", "Action": "s3:ListBucket", "Resource": "arn:aws:s3:::test-endpoints"}
    ]
    role_arn = make_role(hosting.session, "test-endpoints-list-only", list_only)
    hosting.deploy("test-list-only", role_arn=role_arn)
    with pytest.raises(ClientError) as caught:
        hosting.invoke("test-list-only")
    assert "has permissions to download the object" in error_of(caught)[1]


def test_a_role_that_sagemaker_may_not_assume_is_refused(hosting: Hosting) -> None:
    everything = [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]
    role_arn = make_role(
        hosting.session, "test-endpoints-ec2", everything, service="ec2.amazonaws.com"
    )
    with pytest.raises(ClientError) as caught:
        hosting.create_config("test-ec2", role_arn=role_arn)
    assert "sagemaker.amazonaws.com" in error_of(caught)[1]


# Life of an endpoint


def test_a_health_check_that_fails_gives_its_reason(hosting: Hosting) -> None:
    containers = hosting.pipeline(ECHO_START_ERROR="no free port")
    description = hosting.deploy("test-unhealthy", containers)
    assert description["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in description["FailureReason"]
    assert "no free port" in description["FailureReason"]


def test_an_endpoint_is_updated_and_deleted(hosting: Hosting) -> None:
    name = "test-life"
    hosting.deploy(name)
    hosting.create_config("test-life-2", InstanceType="ml.m5.xlarge")
    hosting.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="test-life-2")
    assert hosting.settled(name)["EndpointConfigName"] == "test-life-2"
    hosting.sagemaker.delete_endpoint(EndpointName=name)
    hosting.sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName=name, WaiterConfig={"Delay": 1}
    )


def test_boto3s_own_waiter_is_content(hosting: Hosting) -> None:
    hosting.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=ENDPOINT, WaiterConfig={"Delay": 1}
    )


def test_pages_of_a_listing_can_be_walked(hosting: Hosting) -> None:
    pages = hosting.sagemaker.get_paginator("list_models").paginate(
        NameContains="test-", PaginationConfig={"PageSize": 1}
    )
    names = [model["ModelName"] for page in pages for model in page["Models"]]
    assert ENDPOINT in names
    assert len(names) == len(set(names))


def test_tags_can_be_read_and_written(hosting: Hosting) -> None:
    arn = hosting.describe(ENDPOINT)["EndpointArn"]
    hosting.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "City", "Value": "Chicago"}])
    tags = hosting.sagemaker.list_tags(ResourceArn=arn)["Tags"]
    assert {"Key": "City", "Value": "Chicago"} in tags


def test_a_variant_can_be_registered_for_scaling(hosting: Hosting) -> None:
    scaling: Any = hosting.session.client("application-autoscaling")
    target = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": f"endpoint/{ENDPOINT}/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=3)
    scaling.put_scaling_policy(
        **target,
        PolicyName="follow",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": 70.0,
            "PredefinedMetricSpecification": {
                "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
            },
        },
    )
    found = scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]
    assert [policy["PolicyName"] for policy in found] == ["follow"]
    scaling.deregister_scalable_target(**target)


# Metrics and logs


def test_metrics_arrive_in_cloudwatch(hosting: Hosting) -> None:
    name = "test-metrics"
    hosting.deploy(name)
    for model in "aab":
        hosting.invoke(name, TargetModel=f"{model}.tar.gz")
    cloudwatch: Any = hosting.session.client("cloudwatch")
    dimensions = [{"Name": "EndpointName", "Value": name}]

    def listed(namespace: str) -> set[str]:
        metrics = cloudwatch.list_metrics(Namespace=namespace, Dimensions=dimensions)["Metrics"]
        return {metric["MetricName"] for metric in metrics}

    expected = {"Invocations", "ModelLatency", "OverheadLatency", "ModelCacheHit"}
    wait_until(lambda: expected <= listed("AWS/SageMaker"), "metrics of invocations")
    wait_until(
        lambda: (
            {"LoadedModelCount", "MemoryUtilization", "DiskUtilization", "CPUUtilization"}
            == listed("/aws/sagemaker/Endpoints")
        ),
        "metrics of instances",
    )


def test_metric_data_can_be_queried(hosting: Hosting) -> None:
    name = "test-metric-data"
    hosting.deploy(name)
    for model in "aaab":
        hosting.invoke(name, TargetModel=f"{model}.tar.gz")
    cloudwatch: Any = hosting.session.client("cloudwatch")

    def total(metric: str, statistic: str) -> list[float]:
        dimensions = {"EndpointName": name, "VariantName": "AllTraffic"}
        stat = {
            "Metric": {
                "Namespace": "AWS/SageMaker",
                "MetricName": metric,
                "Dimensions": [{"Name": key, "Value": dimensions[key]} for key in dimensions],
            },
            "Period": 3600,
            "Stat": statistic,
        }
        now = datetime.now(UTC)
        answer = cloudwatch.get_metric_data(
            MetricDataQueries=[{"Id": "m", "MetricStat": stat}],
            StartTime=now - timedelta(hours=2),
            EndTime=now + timedelta(hours=1),
        )
        values: list[float] = answer["MetricDataResults"][0]["Values"]
        return values

    wait_until(lambda: sum(total("Invocations", "Sum")) == 4, "the sum of Invocations")
    wait_until(lambda: sum(total("ModelCacheHit", "Sum")) == 2, "the hits")
    assert sum(total("ModelCacheHit", "SampleCount")) == 4


def test_container_output_arrives_in_cloudwatch_logs(hosting: Hosting) -> None:
    name = "test-logs"
    hosting.deploy(name)
    hosting.invoke(name)
    logs: Any = hosting.session.client("logs")
    group = f"/aws/sagemaker/Endpoints/{name}"

    def messages() -> list[str]:
        try:
            events = logs.filter_log_events(logGroupName=group)["events"]
        except ClientError:
            return []
        return [event["message"] for event in events]

    wait_until(lambda: any("/invoke HTTP/1.1" in text for text in messages()), "log events")
    streams = logs.describe_log_streams(logGroupName=group)["logStreams"]
    names = sorted(stream["logStreamName"].split("/")[::2] for stream in streams)
    assert names == [["AllTraffic", "container-1"], ["AllTraffic", "container-2"]]


# A restart


def test_endpoints_answer_again_after_stop_and_start(own_localaws: LocalAws) -> None:
    hosting = make_hosting(own_localaws.session(), "test-restart")
    hosting.deploy("test-restart")
    own_localaws.run("python", "-m", "localaws", "stop", "--state-dir", _state(own_localaws))
    own_localaws.run(
        "python",
        "-m",
        "localaws",
        "start",
        "--port",
        _port(own_localaws),
        "--state-dir",
        _state(own_localaws),
    )
    assert hosting.describe("test-restart")["EndpointStatus"] == "InService"
    assert hosting.invoke("test-restart", b"again")["Body"] == b"again"


def _state(localaws: LocalAws) -> str:
    return str(localaws.state.directory)


def _port(localaws: LocalAws) -> str:
    return localaws.endpoint_url.rpartition(":")[2]
