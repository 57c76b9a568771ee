"""Which models are invoked how often: said, recorded, or seen on a live endpoint."""

import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fleet.cache.copies import published_models
from fleet.cache.endpoint import describe_endpoint
from fleet.cache.metrics import CloudWatchMetrics
from fleet.cache.traffic import read_trace
from fleet.capacity.lru import Popularity, ReuseDistances
from fleet.capacity.observed import Observation, observe
from fleet.capacity.plan import HitRatio, Workload
from fleet.capacity.prices import PriceList
from fleet.errors import HousingError

if TYPE_CHECKING:
    import boto3


class TrafficError(HousingError):
    """Too little is said of the traffic; one line says what is missing."""


@dataclass(frozen=True)
class Traffic:
    """A workload, the hit ratio at each cache size, and a line that says where they are from."""

    workload: Workload
    hit_ratio: HitRatio
    source: str


def popular(models: int, requests_per_second: float, exponent: float) -> Traffic:
    """Requests that are drawn independently, models by Zipf's law."""
    return Traffic(
        Workload(models, requests_per_second),
        Popularity.zipf(models, exponent).hit_ratio,
        f"Zipf({exponent:g}) over {models:,} models, by Che's approximation",
    )


def recorded(path: Path, requests_per_second: float, models: int | None = None) -> Traffic:
    """A CSV file with a column ``target_model``, simulated exactly; first requests do not count.

    Raises
    ------
    HousingError
        For a file that is not one.
    """
    trace = [name for part in read_trace(path) for name in part.target_models]
    distances = ReuseDistances(trace)
    return Traffic(
        Workload(max(models or 0, distances.models), requests_per_second),
        distances.warm_hit_ratio,
        f"{distances.requests:,} requests for {distances.models:,} models in {path}, simulated",
    )


def live(
    session: "boto3.Session", endpoint_name: str, prices: PriceList, hours: float
) -> tuple[Traffic, Observation]:
    """What CloudWatch says that an endpoint did in the last hours, for all of its models.

    Raises
    ------
    HousingError
        Where it says too little.
    TrafficError
    """
    endpoint = describe_endpoint(session, endpoint_name)
    if endpoint.instance_type not in prices.instances:
        known = ", ".join(prices.instances)
        raise TrafficError(f"no size and price of {endpoint.instance_type}; known are {known}")
    seen = observe(
        CloudWatchMetrics(session.client("cloudwatch"), endpoint),
        endpoint,
        prices.instances[endpoint.instance_type],
        time.time(),
        hours,
    )
    models = sum(1 for _ in published_models(session.client("s3"), endpoint))
    exponent = seen.zipf_exponent(models)
    traffic = popular(models, seen.requests_per_second, exponent)
    source = (
        f"endpoint {endpoint_name} in the last {hours:g} hours: {seen.models_held:,} of "
        f"{models:,} models loaded, {seen.hit_ratio:.1%} warm, which is Zipf({exponent:.2f})"
    )
    return replace(traffic, workload=seen.workload(models), source=source), seen
