"""Which of an account's quotas a stage needs, and whether they are large enough.

A new account has none of most instance types, and SageMaker refuses what goes beyond.
https://docs.aws.amazon.com/general/latest/gr/sagemaker.html
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from fleet.checks import Finding, failed, passed, warned
from fleet.config import DeploymentConfig

if TYPE_CHECKING:
    import boto3

SERVICE = "sagemaker"
TRAINING_INSTANCE_TYPE = "ml.m5.xlarge"
JOBS_AT_A_TIME = 4
"""Of ``housing train`` as it is; it waits where the account has room for fewer."""
CONSOLE = "https://console.aws.amazon.com/servicequotas/home/services/sagemaker/quotas"


@dataclass(frozen=True)
class Need:
    """A quota by its name; with fewer than ``least`` nothing works, ``most`` is never exceeded."""

    quota: str
    least: int
    most: int


@dataclass(frozen=True)
class Quota:
    """What an account has of a quota."""

    code: str
    value: int


def needs(config: DeploymentConfig) -> Iterator[Need]:
    """The quotas of a stage. While it is updated, an endpoint has its old and its new instances."""
    count = config.instance_count
    peak = max(count, config.auto_scaling.max_capacity if config.auto_scaling else 0)
    yield Need(f"{config.instance_type} for endpoint usage", count, 2 * peak)
    yield Need("Number of instances across active endpoints", count, 2 * peak)
    yield Need("Maximum number of instances per endpoint", count, peak)
    jobs = {TRAINING_INSTANCE_TYPE: (1, JOBS_AT_A_TIME)}
    retraining = config.retraining
    _, most = jobs.get(retraining.instance_type, (0, 0))
    least = retraining.instance_count
    jobs[retraining.instance_type] = (least, max(least, most))
    for instance_type, (least, most) in jobs.items():
        yield Need(f"{instance_type} for training job usage", least, most)
    yield Need(f"{TRAINING_INSTANCE_TYPE} for transform job usage", 1, 1)


def read_quotas(session: "boto3.Session") -> Mapping[str, Quota]:
    """All of SageMaker's quotas of the account, by name."""
    pages = session.client("service-quotas").get_paginator("list_service_quotas")
    return {
        quota["QuotaName"]: Quota(quota["QuotaCode"], int(quota["Value"]))
        for page in pages.paginate(ServiceCode=SERVICE)
        for quota in page["Quotas"]
    }


def judge(need: Need, quotas: Mapping[str, Quota], ask: str) -> Finding:
    """Whether an account has what a stage needs; ``ask`` is the command that asks for more."""
    quota = quotas.get(need.quota)
    if quota is None:
        return warned("AWS lists none of that name", f"look it up: {CONSOLE}")
    amount = f"{need.least}" if need.least == need.most else f"{need.least} to {need.most}"
    detail = f"{quota.value}; {amount} are needed"
    if quota.value < need.least:
        return failed(detail, ask)
    return warned(detail, ask) if quota.value < need.most else passed(detail)


def request_increases(session: "boto3.Session", config: DeploymentConfig) -> Iterator[str]:
    """Ask AWS for every quota that the stage may exhaust; a line of each.

    Raises
    ------
    ClientError
        Service Quotas refuses.
    """
    client = session.client("service-quotas")
    quotas = read_quotas(session)
    for need in needs(config):
        quota = quotas.get(need.quota)
        if quota is None or quota.value >= need.most:
            continue
        try:
            answer = client.request_service_quota_increase(
                ServiceCode=SERVICE, QuotaCode=quota.code, DesiredValue=need.most
            )
            status = answer["RequestedQuota"]["Status"]
        except ClientError as error:
            if error.response["Error"]["Code"] != "ResourceAlreadyExistsException":
                raise
            status = "asked before"
        yield f"{need.quota}: {need.most}, {status}"
