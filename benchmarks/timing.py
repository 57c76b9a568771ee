"""How long a call takes."""

import time
from collections.abc import Callable


def seconds_per_call(
    call: Callable[[], object], *, at_least: float = 0.5, repeats: int = 3
) -> float:
    """The best of some averages: other work on the machine only ever adds to the time."""
    call()
    best = float("inf")
    for _ in range(repeats):
        calls = 0
        begin = time.perf_counter()
        while (elapsed := time.perf_counter() - begin) < at_least / repeats:
            call()
            calls += 1
        best = min(best, elapsed / calls)
    return best
