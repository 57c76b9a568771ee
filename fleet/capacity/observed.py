"""The workload of a live endpoint, as CloudWatch tells it."""

from dataclasses import dataclass

from fleet.cache.endpoint import WatchedEndpoint
from fleet.cache.metrics import (
    HITS,
    INVOCATION_NAMESPACE,
    INVOCATIONS,
    LOADED_MODELS,
    LOOKUPS,
    MEMORY,
    CloudWatchMetrics,
    Metric,
    Series,
)
from fleet.capacity.lru import Popularity
from fleet.capacity.plan import GIB_IN_MIB, Workload
from fleet.capacity.prices import Instance
from fleet.errors import HousingError

LATENCY = Metric(INVOCATION_NAMESPACE, "ModelLatency", "Average")
LOADING_WAIT = Metric(INVOCATION_NAMESPACE, "ModelLoadingWaitTime", "Average")
STEEPEST = 4.0
BISECTION_STEPS = 40
MICROSECONDS = 1e6


class ObservationError(HousingError):
    """CloudWatch does not tell enough of an endpoint; one line."""


@dataclass(frozen=True)
class Observation:
    """What an endpoint did in a stretch of time.

    Attributes
    ----------
    requests_per_second, hit_ratio
        Averages.
    models_held
        Most models that were loaded, on all instances together.
    model_mib, warm_seconds, load_seconds
        Memory of a model, and what warm requests and waiting for a model took; None where
        nothing tells.
    """

    requests_per_second: float
    hit_ratio: float
    models_held: int
    model_mib: float | None
    warm_seconds: float | None
    load_seconds: float | None

    def workload(self, models: int) -> Workload:
        """The same traffic for so many models; what was not seen is as usual."""
        usual = Workload(models, self.requests_per_second)
        return Workload(
            models,
            self.requests_per_second,
            model_mib=self.model_mib or usual.model_mib,
            warm_seconds=self.warm_seconds or usual.warm_seconds,
            load_seconds=self.load_seconds or usual.load_seconds,
        )

    def zipf_exponent(self, models: int) -> float:
        """The popularity curve of ``models`` models that explains the hit ratio.

        Raises
        ------
        ObservationError
            Where all models were loaded: every curve explains that.
        """
        if self.models_held >= models or self.hit_ratio >= 1:
            raise ObservationError(
                f"{self.models_held} of {models} models were loaded and "
                f"{self.hit_ratio:.0%} of the requests found theirs: that fits every popularity "
                "curve; give --zipf or --trace"
            )
        low, high = 0.0, STEEPEST
        for _ in range(BISECTION_STEPS):
            middle = (low + high) / 2
            if Popularity.zipf(models, middle).hit_ratio(self.models_held) < self.hit_ratio:
                low = middle
            else:
                high = middle
        return (low + high) / 2


def observe(
    metrics: CloudWatchMetrics,
    endpoint: WatchedEndpoint,
    instance: Instance,
    now: float,
    hours: float,
) -> Observation:
    """Read what the endpoint did in the last ``hours`` before ``now`` (seconds since the epoch).

    Raises
    ------
    ObservationError
        Where it was not invoked.
    """
    start = now - hours * 3600
    period = max(60, endpoint.metrics_period)
    series = metrics.read(
        [INVOCATIONS, HITS, LOOKUPS, LOADED_MODELS, MEMORY, LATENCY, LOADING_WAIT],
        start,
        now,
        period,
    )
    invocations = series[INVOCATIONS].total()
    if not invocations:
        raise ObservationError(
            f"endpoint {endpoint.name} was not invoked in the last {hours:g} hours; "
            "give --models, --rate and --zipf instead"
        )
    busiest = max(series[LOADED_MODELS].values, default=0.0)
    return Observation(
        requests_per_second=invocations / _observed_seconds(series[INVOCATIONS]),
        hit_ratio=series[HITS].total() / max(1.0, series[LOOKUPS].total()),
        models_held=round(busiest * endpoint.instance_count),
        model_mib=_memory_of_a_model(series[LOADED_MODELS], series[MEMORY], instance),
        warm_seconds=_seconds(series[LATENCY]),
        load_seconds=_seconds(series[LOADING_WAIT]),
    )


def _observed_seconds(series: Series) -> float:
    """From the first period that was counted to the end of the last one."""
    return series.timestamps[-1] - series.timestamps[0] + series.period


def _memory_of_a_model(loaded: Series, memory: Series, instance: Instance) -> float | None:
    """From the least to the most loaded moment: what memory grew by, over what models did."""
    used = memory.within(loaded.timestamps[0], loaded.timestamps[-1] + 1) if loaded.values else {}
    moments = [
        (models, used[at])
        for at, models in zip(loaded.timestamps, loaded.values, strict=True)
        if at in used
    ]
    if not moments:
        return None
    (fewest, least), (most, highest) = min(moments), max(moments)
    if most == fewest or highest <= least:
        return None
    return (highest - least) / 100 * instance.memory_gib * GIB_IN_MIB / (most - fewest)


def _mean(series: Series) -> float | None:
    return sum(series.values) / len(series.values) if series.values else None


def _seconds(series: Series) -> float | None:
    mean = _mean(series)
    return None if mean is None else mean / MICROSECONDS
