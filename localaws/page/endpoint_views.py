"""What the page shows of one endpoint: its models, who may invoke them, and an invocation."""

import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from localaws.hosting.runtime import Runtime
from localaws.page.clients import Clients

MAXIMUM_MODELS = 1_000
MATRIX_ROLES, MATRIX_MODELS = 30, 12
TIMES_SECONDS = 60
LATENCIES = {
    "ModelLoadingWaitTime": "waiting for the model",
    "OverheadLatency": "the platform",
}
"""Parts of an invocation beside its containers, as the page calls them."""


class EndpointViews:
    """Reads of an endpoint by its name; every answer is bounded and fit for JSON."""

    def __init__(self, clients: Clients, runtime: Runtime) -> None:
        self._client = clients.of
        self._runtime = runtime

    def models(self, endpoint: str) -> dict[str, Any]:
        """The models that an endpoint may be asked for, of its bucket."""
        location = self._model_location(endpoint)
        if location is None:
            return {"models": [], "more": False}
        bucket, prefix = location
        page = self._client("s3").list_objects_v2(
            Bucket=bucket, Prefix=prefix, MaxKeys=MAXIMUM_MODELS
        )
        return {
            "models": [
                {
                    "target_model": item["Key"].removeprefix(prefix),
                    "bytes": item["Size"],
                    "since": item["LastModified"].isoformat(),
                }
                for item in page.get("Contents", [])
            ],
            "more": page["IsTruncated"],
        }

    def times(self, endpoint: str, since: float) -> dict[str, Any]:
        """Where the time of the invocations since a moment went, by the endpoint's own metrics.

        ``since`` is in seconds since the epoch. Metrics come once a second: without invocations
        there are none yet. Milliseconds of each part are averages over the invocations.
        """
        parts = list(self._parts_of_latency(endpoint))
        queries = [
            _sum_of(f"q{number}", metric, statistic)
            for number, (_, metric, statistic) in enumerate(parts)
        ]
        start = datetime.fromtimestamp(int(since), UTC)
        answer = self._client("cloudwatch").get_metric_data(
            MetricDataQueries=queries,
            StartTime=start,
            EndTime=start + timedelta(seconds=TIMES_SECONDS),
        )
        sums = [sum(result["Values"]) for result in answer["MetricDataResults"]]
        count, *microseconds = sums
        return {
            "invocations": int(count),
            "parts": [
                [name, round(value / count / 1000, 2)]
                for (name, _, _), value in zip(parts[1:], microseconds, strict=True)
                if count and value
            ],
        }

    def access(self, endpoint: str) -> dict[str, Any]:
        """Which roles may invoke which models, by IAM's own simulation; the first of each."""
        iam = self._client("iam")
        arn = self._client("sagemaker").describe_endpoint(EndpointName=endpoint)["EndpointArn"]
        models = [m["target_model"] for m in self.models(endpoint)["models"][:MATRIX_MODELS]]
        roles = iam.list_roles(MaxItems=1_000)["Roles"]
        rows: list[dict[str, Any]] = []
        for role in roles:
            if len(rows) == MATRIX_ROLES:
                break
            decisions = [self._may_invoke(iam, role["Arn"], arn, model) for model in models]
            if any(decisions):
                rows.append({"role": role["RoleName"], "may": decisions})
        return {"models": models, "roles": rows}

    def invoke(self, endpoint: str, target_model: str, content_type: str, body: str) -> Any:
        """One invocation, its answer and the milliseconds that it took."""
        request = {"EndpointName": endpoint, "ContentType": content_type, "Body": body.encode()}
        if target_model:
            request["TargetModel"] = target_model
        was_loaded = self._is_loaded(endpoint, target_model)
        began = time.perf_counter()
        try:
            answer = self._client("sagemaker-runtime").invoke_endpoint(**request)
            text, status = answer["Body"].read().decode(errors="replace"), 200
        except ClientError as error:
            text = str(error)
            status = error.response["ResponseMetadata"].get("HTTPStatusCode", 500)
        milliseconds = (time.perf_counter() - began) * 1000
        return {
            "status": status,
            "answer": text,
            "milliseconds": round(milliseconds, 2),
            "was_loaded": was_loaded,
        }

    def _parts_of_latency(self, endpoint: str) -> Iterator[tuple[str, dict[str, Any], str]]:
        """Name, metric and statistic of each part; first the number of invocations."""
        named = {"Name": "EndpointName", "Value": endpoint}
        listed = self._client("cloudwatch").list_metrics(
            Namespace="AWS/SageMaker", Dimensions=[named]
        )["Metrics"]
        by_name: dict[str, list[dict[str, Any]]] = {}
        for metric in listed:
            by_name.setdefault(metric["MetricName"], []).append(metric)
        for metric in by_name.get("Invocations", []):
            yield "invocations", metric, "SampleCount"
        containers = by_name.get("ContainerLatency", []) or by_name.get("ModelLatency", [])
        for metric in containers:
            dimensions = {d["Name"]: d["Value"] for d in metric["Dimensions"]}
            yield dimensions.get("ContainerName", "container"), metric, "Sum"
        for name, text in LATENCIES.items():
            for metric in by_name.get(name, []):
                yield text, metric, "Sum"

    def _is_loaded(self, endpoint: str, target_model: str) -> bool:
        return any(
            target_model in instance.models
            for cache in self._runtime.caches()
            if cache.endpoint == endpoint
            for instance in cache.instances
        )

    def _model_location(self, endpoint: str) -> tuple[str, str] | None:
        sagemaker = self._client("sagemaker")
        described = sagemaker.describe_endpoint(EndpointName=endpoint)
        config = sagemaker.describe_endpoint_config(
            EndpointConfigName=described["EndpointConfigName"]
        )
        name = config["ProductionVariants"][0]["ModelName"]
        model = sagemaker.describe_model(ModelName=name)
        for container in [*model.get("Containers", []), model.get("PrimaryContainer", {})]:
            if container.get("Mode") == "MultiModel":
                bucket, _, prefix = container["ModelDataUrl"].partition("//")[2].partition("/")
                return bucket, prefix
        return None

    def _may_invoke(self, iam: Any, role_arn: str, endpoint_arn: str, model: str) -> bool:
        context: Mapping[str, Any] = {
            "ContextKeyName": "sagemaker:TargetModel",
            "ContextKeyValues": [model],
            "ContextKeyType": "string",
        }
        answer = iam.simulate_principal_policy(
            PolicySourceArn=role_arn,
            ActionNames=["sagemaker:InvokeEndpoint"],
            ResourceArns=[endpoint_arn],
            ContextEntries=[context],
        )
        return bool(answer["EvaluationResults"][0]["EvalDecision"] == "allowed")


def _sum_of(identity: str, metric: Mapping[str, Any], statistic: str) -> dict[str, Any]:
    return {
        "Id": identity,
        "MetricStat": {"Metric": dict(metric), "Period": 1, "Stat": statistic},
    }
