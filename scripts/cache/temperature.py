"""Which invocations were cold.

SageMaker does not say it of a single invocation: CloudWatch counts cache hits per period, and that
is all. So the *number* of cold invocations of a pass is CloudWatch's (ModelCacheHit: SampleCount
minus Sum), and *which* ones they were is inferred: the slowest of the pass. Loading a model takes
ten times an invocation and more, so that the two groups hardly overlap; where they do, a single row
may be wrong while the counts stay right.
"""

from collections.abc import Sequence
from dataclasses import replace

from scripts.cache.invocation import Invocation


def mark_cold(invocations: Sequence[Invocation], misses: int | None) -> list[Invocation]:
    """Mark the slowest ``misses`` of one pass as cold and the others as warm.

    Failed invocations are neither, nor is any when ``misses`` is None (CloudWatch had no data).
    """
    if misses is None:
        return list(invocations)
    succeeded = [invocation for invocation in invocations if invocation.succeeded]
    slowest = sorted(succeeded, key=lambda invocation: invocation.latency, reverse=True)
    cold = {invocation.request.number for invocation in slowest[:misses]}
    return [
        replace(invocation, cold=invocation.request.number in cold)
        if invocation.succeeded
        else invocation
        for invocation in invocations
    ]
