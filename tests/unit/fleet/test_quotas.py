"""What a stage needs of an account's quotas, and what is said where there is less."""

import pytest

from fleet.checks import Outcome
from fleet.config import DeploymentConfig
from fleet.quotas import Need, Quota, judge, needs

ENDPOINTS = "ml.m5.xlarge for endpoint usage"
NEED = Need(ENDPOINTS, 2, 16)


def test_an_endpoint_needs_its_instances_twice_at_its_peak() -> None:
    scaling = {"minCapacity": 2, "maxCapacity": 8, "invocationsPerInstance": 100}
    config = DeploymentConfig.model_validate({"instanceCount": 2, "autoScaling": scaling})
    assert NEED in list(needs(config))


def test_jobs_of_retraining_count_with_those_of_the_command() -> None:
    config = DeploymentConfig.model_validate({"retraining": {"instanceCount": 6}})
    assert Need("ml.m5.xlarge for training job usage", 6, 6) in list(needs(config))


def test_retraining_on_another_type_has_a_quota_of_its_own() -> None:
    retraining = {"instanceType": "ml.c5.xlarge", "instanceCount": 2}
    found = list(needs(DeploymentConfig.model_validate({"retraining": retraining})))
    assert Need("ml.c5.xlarge for training job usage", 2, 2) in found
    assert Need("ml.m5.xlarge for training job usage", 1, 4) in found


@pytest.mark.parametrize(
    ("value", "outcome"),
    [
        (0, Outcome.FAILED),
        (1, Outcome.FAILED),
        (2, Outcome.WARNED),
        (15, Outcome.WARNED),
        (16, Outcome.PASSED),
    ],
)
def test_less_than_the_least_fails_and_less_than_the_most_warns(
    value: int, outcome: Outcome
) -> None:
    finding = judge(NEED, {ENDPOINTS: Quota("L-2F737F8D", value)}, "ask")
    assert finding.outcome is outcome
    assert finding.advice == ("ask" if value < 16 else "")


def test_a_quota_that_is_not_listed_is_to_be_looked_up() -> None:
    assert judge(NEED, {}, "ask").outcome is Outcome.WARNED
