"""Instances beyond a quota that was set are refused, in SageMaker's words."""

from typing import Any

import pytest

from localaws.errors import AwsError
from localaws.service_quotas.quotas import GRANTED, SetQuotas
from localaws.state import StateError
from localaws.testing.memory import SCOPE
from tests.unit.sagemaker.endpoints import prepare, start_creating, update
from tests.unit.sagemaker.platform import Platform

TYPE = "ml.m5.xlarge for endpoint usage"
TOTAL = "Number of instances across active endpoints"
CODE = "L-2F737F8D"


def set_quota(platform: Platform, name: str, value: int) -> None:
    SetQuotas(platform.state_directory / "quotas.json").set(name, value)


def ask(platform: Platform, operation: str, **request: object) -> dict[str, Any]:
    whole = {"ServiceCode": "sagemaker", "QuotaCode": CODE, **request}
    return platform.apis.quotas.call(SCOPE, operation, whole)


@pytest.mark.parametrize("name", [TYPE, TOTAL])
def test_an_account_without_instances_gets_no_endpoint(platform: Platform, name: str) -> None:
    prepare(platform)
    set_quota(platform, name, 0)
    refused = platform.refusal(
        "CreateEndpoint", EndpointName="housing", EndpointConfigName="config"
    )
    assert refused.code == "ResourceLimitExceeded"
    assert f"'{name}' is 0 Instances, with current utilization of 0 Instances" in refused.message


def test_an_update_needs_the_new_instances_beside_the_old_ones(platform: Platform) -> None:
    prepare(platform)
    start_creating(platform)
    platform.settled()
    platform.create_config("config-2")
    set_quota(platform, TYPE, 1)
    refused = platform.refusal(
        "UpdateEndpoint", EndpointName="housing", EndpointConfigName="config-2"
    )
    assert "is 1 Instances, with current utilization of 1 Instances" in refused.message
    set_quota(platform, TYPE, 2)
    assert update(platform)["EndpointConfigName"] == "config-2"


def test_quotas_that_nobody_set_are_listed_with_what_was_granted(platform: Platform) -> None:
    answer = ask(platform, "GetServiceQuota")["Quota"]
    assert answer | {"QuotaName": TYPE, "Value": GRANTED} == answer


def test_the_default_quota_is_that_of_a_new_account(platform: Platform) -> None:
    answer = ask(platform, "GetAWSDefaultServiceQuota")["Quota"]
    assert answer | {"Value": 0} == answer


def test_an_increase_is_granted_at_once(platform: Platform) -> None:
    set_quota(platform, TYPE, 0)
    answer = ask(platform, "RequestServiceQuotaIncrease", DesiredValue=2)["RequestedQuota"]
    assert answer | {"Status": "APPROVED"} == answer
    increased = ask(platform, "GetServiceQuota")["Quota"]
    assert increased | {"Value": 2} == increased


def test_an_increase_is_to_something_greater(platform: Platform) -> None:
    with pytest.raises(AwsError, match="greater than the current quota value"):
        ask(platform, "RequestServiceQuotaIncrease", DesiredValue=2)


def test_pages_of_quotas_hold_each_once(platform: Platform) -> None:
    names: list[str] = []
    token: dict[str, str] = {}
    while True:
        request = {"ServiceCode": "sagemaker", "MaxResults": 100, **token}
        page = platform.apis.quotas.call(SCOPE, "ListServiceQuotas", request)
        names += [quota["QuotaName"] for quota in page["Quotas"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert len(names) == len(set(names)) > 200


def test_a_name_that_is_no_quota_is_refused(platform: Platform) -> None:
    with pytest.raises(StateError, match="no quota 'ml"):
        set_quota(platform, "ml.m5.huge for endpoint usage", 1)
