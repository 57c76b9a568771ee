"""The two alarms of a target tracking policy, as Application Auto Scaling makes them."""

import uuid
from collections.abc import Mapping
from typing import Any

from localaws.backend import MetricAlarm
from localaws.sagemaker.resources import validation_exception

PERIOD_SECONDS = 60
SCALE_OUT_PERIODS = 3
SCALE_IN_PERIODS = 15
SCALE_IN_SHARE = 0.9
"""Of the target value, below which instances are taken away."""

PREDEFINED_METRICS: Mapping[str, Mapping[str, Any]] = {
    "SageMakerVariantInvocationsPerInstance": {
        "namespace": "AWS/SageMaker",
        "metric": "InvocationsPerInstance",
        "statistic": "Sum",
    }
}


def tracking_alarms(policy: Mapping[str, Any]) -> list[MetricAlarm]:
    """The alarm that scales out and, unless scale-in is disabled, the one that scales in.

    Raises
    ------
    AwsError
        For a metric that is not available here, or a target that no count meets.
    """
    configuration = policy["TargetTrackingScalingPolicyConfiguration"]
    metric = _metric(configuration, policy["ResourceId"])
    target = float(configuration["TargetValue"])
    if target <= 0:
        raise validation_exception(f"TargetValue must be above 0, not {target:g}.")

    def alarm(side: str, comparison: str, threshold: float, periods: int) -> MetricAlarm:
        return MetricAlarm(
            name=f"TargetTracking-{policy['ResourceId']}-Alarm{side}-{_identity(policy, side)}",
            description=(
                f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy {policy['PolicyARN']}."
            ),
            **metric,
            period_seconds=PERIOD_SECONDS,
            evaluation_periods=periods,
            comparison=comparison,
            threshold=threshold,
            actions=(policy["PolicyARN"],),
        )

    alarms = [alarm("High", "GreaterThanThreshold", target, SCALE_OUT_PERIODS)]
    if not configuration.get("DisableScaleIn"):
        low = SCALE_IN_SHARE * target
        alarms.append(alarm("Low", "LessThanThreshold", low, SCALE_IN_PERIODS))
    return alarms


def _identity(policy: Mapping[str, Any], side: str) -> uuid.UUID:
    """The same for the same policy, so that putting it again replaces its alarms."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"{policy['PolicyARN']}/{side}")


def _metric(configuration: Mapping[str, Any], resource_id: str) -> dict[str, Any]:
    custom = configuration.get("CustomizedMetricSpecification")
    predefined = configuration.get("PredefinedMetricSpecification")
    if (custom is None) == (predefined is None):
        raise validation_exception(
            "A target tracking policy needs either PredefinedMetricSpecification or "
            "CustomizedMetricSpecification."
        )
    if custom is not None:
        return _customized(custom)
    name = predefined["PredefinedMetricType"] if predefined else ""
    if name not in PREDEFINED_METRICS:
        raise validation_exception(
            f"PredefinedMetricType {name} is not available here; available is "
            f"{', '.join(PREDEFINED_METRICS)}."
        )
    _, endpoint, _, variant = resource_id.split("/")
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    return {**PREDEFINED_METRICS[name], "dimensions": dimensions}


def _customized(specification: Mapping[str, Any]) -> dict[str, Any]:
    if specification.get("Metrics"):
        raise validation_exception(
            "Metric math in CustomizedMetricSpecification is not available here."
        )
    missing = [
        member for member in ("MetricName", "Namespace", "Statistic") if member not in specification
    ]
    if missing:
        raise validation_exception(f"CustomizedMetricSpecification needs {', '.join(missing)}.")
    dimensions = specification.get("Dimensions", [])
    return {
        "namespace": specification["Namespace"],
        "metric": specification["MetricName"],
        "statistic": specification["Statistic"],
        "dimensions": {dimension["Name"]: dimension["Value"] for dimension in dimensions},
    }
