"""What an experiment says in a few numbers."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from fleet.cache.invocation import Invocation


@dataclass(frozen=True)
class Latencies:
    """Latencies at the client in milliseconds."""

    count: int
    p50: float
    p95: float
    p99: float

    @classmethod
    def of(cls, invocations: Sequence[Invocation]) -> "Latencies | None":
        """None when there are no invocations."""
        if not invocations:
            return None
        milliseconds = np.array([invocation.latency for invocation in invocations]) * 1000
        p50, p95, p99 = np.percentile(milliseconds, (50, 95, 99))
        return cls(len(invocations), float(p50), float(p95), float(p99))


@dataclass(frozen=True)
class CacheCounts:
    """What CloudWatch counted: cache look-ups, hits among them, models loaded and unloaded."""

    lookups: int
    hits: int
    loads: int
    unloads: int

    @property
    def misses(self) -> int:
        return self.lookups - self.hits

    @property
    def hit_ratio(self) -> float | None:
        """None before the first look-up."""
        return self.hits / self.lookups if self.lookups else None


@dataclass(frozen=True)
class Summary:
    """Figures of one pass, or of all of them.

    ``seconds`` run from the first request to the last answer; ``throughput`` is successful
    invocations a second within them. ``cache`` is None when CloudWatch had no data.
    """

    label: str
    invocations: int
    errors: dict[str, int]
    retries: int
    seconds: float
    throughput: float
    cold: Latencies | None
    warm: Latencies | None
    cache: CacheCounts | None


def summarize(
    label: str,
    invocations: Sequence[Invocation],
    cache: CacheCounts | None,
    idle_seconds: float = 0.0,
) -> Summary:
    """Sum up; ``idle_seconds`` are pauses between passes that throughput must not count."""
    succeeded = [invocation for invocation in invocations if invocation.succeeded]
    errors = [invocation.error for invocation in invocations if invocation.error]
    begin = min((invocation.started for invocation in invocations), default=0.0)
    end = max((invocation.finished for invocation in invocations), default=0.0)
    seconds = max(end - begin - idle_seconds, 0.0)
    return Summary(
        label=label,
        invocations=len(invocations),
        errors={code: errors.count(code) for code in sorted(set(errors))},
        retries=sum(invocation.retries for invocation in invocations),
        seconds=seconds,
        throughput=len(succeeded) / seconds if seconds else 0.0,
        cold=Latencies.of([invocation for invocation in succeeded if invocation.cold is True]),
        warm=Latencies.of([invocation for invocation in succeeded if invocation.cold is False]),
        cache=cache,
    )
