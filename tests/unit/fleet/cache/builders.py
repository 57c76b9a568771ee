"""Experiments as values, for tests of what is made of them."""

from fleet.cache.endpoint import WatchedEndpoint
from fleet.cache.experiment import Experiment, PassResult
from fleet.cache.invocation import Invocation, Request
from fleet.cache.metrics import (
    CACHE_METRICS,
    HIT_RATIO,
    HITS,
    LOADED_MODELS,
    LOOKUPS,
    MEMORY,
    Series,
)
from fleet.cache.summary import CacheCounts, summarize

START = 1_800_000_000.0


def endpoint(*simulated: str) -> WatchedEndpoint:
    return WatchedEndpoint(
        name="housing-dev",
        arn="arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing-dev",
        variant="AllTraffic",
        instance_type="ml.m4.xlarge",
        instance_count=1,
        bucket="bucket",
        model_prefix="models/",
        containers=("container-1", "container-2"),
        multi_model_container="container-2",
        simulated_metrics=frozenset(simulated),
    )


def experiment(*, complete: bool = True, counts: CacheCounts | None = None) -> Experiment:
    """Two passes of two models: both cold in the first, both warm in the second."""
    rows = [
        Invocation(
            Request(number, pass_number, f"{number % 2}.tar.gz"),
            START + 10 * pass_number + number,
            latency=1.0 if pass_number == 1 else 0.05,
            cold=pass_number == 1,
        )
        for number, pass_number in ((1, 1), (2, 1), (3, 2), (4, 2))
    ]
    passes = tuple(
        PassResult(
            "the first 2",
            START + 10 * number,
            START + 10 * number + 10,
            tuple(row for row in rows if row.request.pass_number == number),
            summarize("the first 2", rows[2 * number - 2 : 2 * number], counts),
        )
        for number in (1, 2)
    )
    timestamps = tuple(START + 10 + 4 * n for n in range(5))
    values = {
        LOADED_MODELS: (1.0, 2.0, 2.0, 2.0, 2.0),
        MEMORY: (5.0, 6.0, 6.0, 6.0, 6.0),
        HIT_RATIO: (0.0, 0.0, 1.0, 1.0, 1.0),
        LOOKUPS: (1.0, 1.0, 1.0, 1.0, 0.0),
        HITS: (0.0, 0.0, 1.0, 1.0, 0.0),
    }
    return Experiment(
        period=1,
        start=START,
        end=START + 30,
        passes=passes,
        summary=summarize("all", rows, counts),
        metrics={
            metric: Series(1, timestamps, values.get(metric, (0.0,) * 5))
            for metric in CACHE_METRICS
        },
        metrics_complete=complete,
    )
