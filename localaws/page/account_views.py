"""What the page shows of the account, asked of the services as any client asks them."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from localaws.hosting.runtime import Runtime
from localaws.page.clients import Clients
from localaws.page.dashboards import Chart, charts

MAXIMUM_ITEMS = 100
LOG_LINES = 400
FINE_PERIOD, COARSE_PERIOD = 10, 60
FINE_MINUTES = 30


class AccountViews:
    """Reads of the whole account; every answer is bounded and fit for JSON."""

    def __init__(self, clients: Clients, runtime: Runtime) -> None:
        self._client = clients.of
        self._runtime = runtime

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


def _event_line(event: Mapping[str, Any]) -> str:
    """An event for people: time, kind, state, and why it failed."""
    details: Mapping[str, Any] = next(
        (value for name, value in event.items() if name.endswith("EventDetails")), {}
    )
    texts = [
        str(details[name]) for name in ("name", "resource", "error", "cause") if details.get(name)
    ]
    return " ".join([f"{event['timestamp']:%H:%M:%S}", event["type"], *texts])
