"""What the page shows, asked of the services as any client asks them."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any

import botocore.session
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.hosting.runtime import Runtime
from localaws.page.dashboards import Chart, charts
from localaws.state import State

MAXIMUM_ITEMS = 100
MAXIMUM_MODELS = 1_000
LOG_LINES = 400
MATRIX_ROLES, MATRIX_MODELS = 30, 12
FINE_PERIOD, COARSE_PERIOD = 10, 60
FINE_MINUTES = 30
TIMEOUT_SECONDS = 30
TIMES_SECONDS = 60
LATENCIES = {
    "ModelLoadingWaitTime": "waiting for the model",
    "OverheadLatency": "the platform",
}
"""Parts of an invocation beside its containers, as the page calls them."""


class Services:
    """Clients of this localaws under its administrator's key."""

    def __init__(self, state: State, endpoint_url: str) -> None:
        self._state = state
        self._endpoint_url = endpoint_url

    @cached_property
    def _session(self) -> botocore.session.Session:
        return botocore.session.Session()

    def client(self, service: str) -> Any:
        """A client of a service."""
        return self._session.create_client(
            service,
            region_name=self._state.region,
            endpoint_url=self._endpoint_url,
            aws_access_key_id=self._state.credentials.access_key_id,
            aws_secret_access_key=self._state.credentials.secret_access_key,
            config=Config(
                proxies={},
                connect_timeout=TIMEOUT_SECONDS,
                read_timeout=TIMEOUT_SECONDS,
                retries={"total_max_attempts": 1},
                s3={"addressing_style": "path"},
            ),
        )


class Views:
    """Reads for the page; every answer is bounded and fit for JSON."""

    def __init__(self, services: Services, runtime: Runtime) -> None:
        self._services = services
        self._runtime = runtime
        self._clients: dict[str, Any] = {}

    def overview(self) -> dict[str, Any]:
        """Endpoints with their caches, jobs, runs of state machines, stacks and dashboards."""
        sagemaker = self._client("sagemaker")
        endpoints = sagemaker.list_endpoints(MaxResults=MAXIMUM_ITEMS)["Endpoints"]
        caches = {cache.endpoint: cache for cache in self._runtime.caches()}
        dashboards = self._client("cloudwatch").list_dashboards()["DashboardEntries"]
        return {
            "endpoints": [
                {
                    "name": endpoint["EndpointName"],
                    "status": endpoint["EndpointStatus"],
                    "cache": asdict(caches[endpoint["EndpointName"]])
                    if endpoint["EndpointName"] in caches
                    else None,
                }
                for endpoint in endpoints
            ],
            "jobs": list(self._jobs()),
            "runs": list(self._runs()),
            "stacks": list(self._stacks()),
            "dashboards": [entry["DashboardName"] for entry in dashboards[:MAXIMUM_ITEMS]],
        }

    def dashboard(self, name: str, minutes: int) -> list[dict[str, Any]]:
        """The charts of a dashboard over the last minutes, as GetMetricData has their values."""
        cloudwatch = self._client("cloudwatch")
        body = cloudwatch.get_dashboard(DashboardName=name)["DashboardBody"]
        period = FINE_PERIOD if minutes <= FINE_MINUTES else COARSE_PERIOD
        end = datetime.now(UTC)
        start = end - timedelta(minutes=minutes)
        return [self._drawn(chart, start, end, period) for chart in charts(body, period)]

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

    def log(self, group: str, prefix: str) -> list[str]:
        """The last lines of a job's log."""
        logs = self._client("logs")
        try:
            streams = logs.describe_log_streams(logGroupName=group, logStreamNamePrefix=prefix)
        except ClientError:
            return []
        lines: list[str] = []
        for stream in streams["logStreams"][:4]:
            events = logs.get_log_events(
                logGroupName=group, logStreamName=stream["logStreamName"], limit=LOG_LINES
            )
            lines += [event["message"].rstrip() for event in events["events"]]
        return lines[-LOG_LINES:]

    def history(self, run: str) -> list[str]:
        """What a run of a state machine went through, a line an event."""
        events = self._client("stepfunctions").get_execution_history(
            executionArn=run, maxResults=LOG_LINES
        )["events"]
        return [_event_line(event) for event in events]

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

    def _client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = self._services.client(service)
        return self._clients[service]

    def _jobs(self) -> Iterator[dict[str, Any]]:
        sagemaker = self._client("sagemaker")
        for kind in ("Training", "Transform"):
            listed = getattr(sagemaker, f"list_{kind.lower()}_jobs")(MaxResults=20)
            for job in listed[f"{kind}JobSummaries"]:
                yield {
                    "kind": kind.lower(),
                    "name": job[f"{kind}JobName"],
                    "status": job[f"{kind}JobStatus"],
                    "since": job["CreationTime"].isoformat(),
                    "log_group": f"/aws/sagemaker/{kind}Jobs",
                }

    def _runs(self) -> Iterator[dict[str, Any]]:
        states = self._client("stepfunctions")
        try:
            machines = states.list_state_machines(maxResults=20)["stateMachines"]
        except ClientError:
            return
        for machine in machines:
            listed = states.list_executions(stateMachineArn=machine["stateMachineArn"])
            for run in listed["executions"][:10]:
                yield {
                    "machine": machine["name"],
                    "name": run["name"],
                    "arn": run["executionArn"],
                    "status": run["status"],
                    "since": run["startDate"].isoformat(),
                }

    def _stacks(self) -> Iterator[dict[str, str]]:
        for stack in self._client("cloudformation").describe_stacks()["Stacks"][:MAXIMUM_ITEMS]:
            yield {"name": stack["StackName"], "status": stack["StackStatus"]}

    def _drawn(self, chart: Chart, start: datetime, end: datetime, period: int) -> dict[str, Any]:
        answer = self._client("cloudwatch").get_metric_data(
            MetricDataQueries=[dict(line.query) for line in chart.lines],
            StartTime=start,
            EndTime=end,
            ScanBy="TimestampAscending",
        )
        labels = {line.query["Id"]: line.label for line in chart.lines}
        return {
            "title": chart.title,
            "top": chart.top,
            "period": period,
            "start": start.timestamp(),
            "end": end.timestamp(),
            "lines": [
                {
                    "label": labels[result["Id"]],
                    "points": [
                        [moment.timestamp(), value]
                        for moment, value in zip(
                            result["Timestamps"], result["Values"], strict=True
                        )
                    ],
                }
                for result in answer["MetricDataResults"]
            ],
        }

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


def _event_line(event: Mapping[str, Any]) -> str:
    """An event for people: time, kind, state, and why it failed."""
    details: Mapping[str, Any] = next(
        (value for name, value in event.items() if name.endswith("EventDetails")), {}
    )
    texts = [
        str(details[name]) for name in ("name", "resource", "error", "cause") if details.get(name)
    ]
    return " ".join([f"{event['timestamp']:%H:%M:%S}", event["type"], *texts])


def _sum_of(identity: str, metric: Mapping[str, Any], statistic: str) -> dict[str, Any]:
    return {
        "Id": identity,
        "MetricStat": {"Metric": dict(metric), "Period": 1, "Stat": statistic},
    }
