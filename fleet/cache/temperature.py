"""Which invocations were cold.

SageMaker does not say it of a single invocation: CloudWatch counts look-ups and hits of each
period, and that is all. So *how many* invocations of a period were cold is CloudWatch's, and
*which* ones is inferred. Invocations are counted off to periods in the order in which they began.
In a period of hits alone or misses alone all of them are what it says; in a mixed one the slowest
are taken for the cold ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from fleet.cache.invocation import Invocation


@dataclass(frozen=True)
class PeriodCount:
    """Cache look-ups of one CloudWatch period, and those that found no model."""

    lookups: int
    misses: int


def mark_cold(
    invocations: Sequence[Invocation], periods: Sequence[PeriodCount]
) -> list[Invocation]:
    """Mark the invocations of one pass as cold or warm, given its periods in order.

    Failed invocations are neither, nor is any without periods (CloudWatch had no data). Where the
    look-ups are more or fewer than the invocations, the pass is treated as one period.
    """
    succeeded = sorted((row for row in invocations if row.succeeded), key=lambda row: row.started)
    if not periods:
        return list(invocations)
    if sum(period.lookups for period in periods) != len(succeeded):
        periods = [PeriodCount(len(succeeded), sum(period.misses for period in periods))]
    cold: set[int] = set()
    begin = 0
    for period in periods:
        rows = succeeded[begin : begin + period.lookups]
        begin += period.lookups
        slowest = sorted(rows, key=lambda row: row.latency, reverse=True)[: period.misses]
        cold.update(row.request.number for row in slowest)
    return [
        replace(row, cold=row.request.number in cold) if row.succeeded else row
        for row in invocations
    ]
