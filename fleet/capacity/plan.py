"""What each number of each instance type would do for a fleet of models, and cost."""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from fleet.capacity.prices import Instance, PriceList

HOURS_PER_MONTH = 730
SECONDS_PER_MONTH = HOURS_PER_MONTH * 3600
GIB_IN_MIB = 1024
BUSY = 0.7
"""Share of an instance's processors above which requests would begin to queue."""

COUNTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64)
"""How many instances are compared, and as many as hold all models where that is between them."""

HitRatio = Callable[[int], float]
"""The share of requests that are warm where so many models fit."""


@dataclass(frozen=True)
class Workload:
    """A fleet of models and how it is used.

    Attributes
    ----------
    models
        How many there are.
    requests_per_second
        Of all models together.
    model_mib
        Memory of one loaded model. About 101.5 MiB for Linear Learner, which keeps a server
        process for each (the notebook's chart: 121 models on an ml.m4.xlarge).
    idle_percent, limit_percent
        Of an instance's memory: used before a model is loaded, and never exceeded by models.
    warm_seconds, load_seconds
        A request whose model is loaded, and what waiting for the model adds to one whose model
        is not. Defaults: 50 ms and 1.6 s, of the notebook's ml.m4.xlarge.
    cpu_seconds
        Processor time of a request in all containers.
    """

    models: int
    requests_per_second: float
    model_mib: float = 101.5
    idle_percent: float = 4.0
    limit_percent: float = 79.0
    warm_seconds: float = 0.05
    load_seconds: float = 1.6
    cpu_seconds: float = 0.005

    def models_on(self, instance: Instance) -> int:
        """Models that one instance keeps loaded."""
        percent = self.limit_percent - self.idle_percent
        return int(instance.memory_gib * GIB_IN_MIB * percent / 100 / self.model_mib)


@dataclass(frozen=True)
class Target:
    """What an option has to reach; None asks for nothing."""

    hit_ratio: float | None = None
    p99_seconds: float | None = None


@dataclass(frozen=True)
class Option:
    """An endpoint that could serve the workload.

    ``p50`` and ``p99`` in seconds, of a mixture of warm and cold requests without queueing;
    ``monthly`` in US dollars; ``processors`` is the share of the instances' processor time.
    """

    instance_type: str
    count: int
    models_held: int
    hit_ratio: float
    cold_per_minute: float
    p50: float
    p99: float
    processors: float
    monthly: float

    @property
    def is_too_busy(self) -> bool:
        """Whether requests would queue for processors."""
        return self.processors > BUSY

    def reaches(self, target: Target) -> bool:
        """Whether it is good enough and has processors enough."""
        return (
            not self.is_too_busy
            and (target.hit_ratio is None or self.hit_ratio >= target.hit_ratio)
            and (target.p99_seconds is None or self.p99 <= target.p99_seconds)
        )


@dataclass(frozen=True)
class Plan:
    """All options, and what the alternatives to a multi-model endpoint would cost a month."""

    options: tuple[Option, ...]
    target: Target
    endpoint_a_model: float
    serverless: float

    @property
    def cheapest(self) -> Option | None:
        """The cheapest option that reaches the target."""
        good = [option for option in self.options if option.reaches(self.target)]
        return min(good, key=lambda option: option.monthly, default=None)

    def is_worth_showing(self, option: Option) -> bool:
        """Whether no option with processors enough is as good for less, or with fewer instances."""
        rank = (round(option.monthly), option.count)
        return not option.is_too_busy and not any(
            other.hit_ratio >= option.hit_ratio and (round(other.monthly), other.count) < rank
            for other in self.options
            if not other.is_too_busy
        )


def make_plan(
    workload: Workload,
    hit_ratio: HitRatio,
    prices: PriceList,
    target: Target,
    counts: Sequence[int] = COUNTS,
    serverless_gib: int = 1,
) -> Plan:
    """Compare all instance types of a price list.

    Several instances are counted as one cache of their joint size: SageMaker sends requests for
    a model to the instance that holds it
    (https://docs.aws.amazon.com/sagemaker/latest/dg/multi-model-endpoints.html). Models that are
    so busy that several instances load them make it smaller.
    """
    smallest = min(instance.hour for instance in prices.instances.values())
    requests = workload.requests_per_second * SECONDS_PER_MONTH
    return Plan(
        options=tuple(_options(workload, cache(hit_ratio), prices, counts)),
        target=target,
        endpoint_a_model=workload.models * smallest * HOURS_PER_MONTH,
        serverless=requests * workload.warm_seconds * serverless_gib * prices.serverless_gib_second,
    )


def _options(
    workload: Workload, hit_ratio: HitRatio, prices: PriceList, counts: Sequence[int]
) -> Iterator[Option]:
    for name, instance in prices.instances.items():
        fit = workload.models_on(instance)
        enough = max(1, math.ceil(workload.models / fit)) if fit else 1
        for count in sorted({min(count, enough) for count in counts}):
            held = min(workload.models, fit * count)
            warm = hit_ratio(held)
            yield _option(workload, name, instance, count, held, warm)


def _option(
    workload: Workload, name: str, instance: Instance, count: int, held: int, warm: float
) -> Option:
    cold = 1 - warm
    cold_seconds = workload.warm_seconds + workload.load_seconds
    busy = workload.requests_per_second * workload.cpu_seconds / (instance.vcpus * count)
    return Option(
        instance_type=name,
        count=count,
        models_held=held,
        hit_ratio=warm,
        cold_per_minute=cold * workload.requests_per_second * 60,
        p50=cold_seconds if cold > 0.5 else workload.warm_seconds,
        p99=cold_seconds if cold > 0.01 else workload.warm_seconds,
        processors=busy,
        monthly=instance.hour * count * HOURS_PER_MONTH,
    )
