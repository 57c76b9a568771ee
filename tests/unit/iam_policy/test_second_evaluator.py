"""An evaluator that was written apart decides random policies and requests alike.

``make soak`` compares 50,000 pairs (``benchmarks.soak.policy_decisions``).
"""

import random

from benchmarks.soak.policy_decisions import decision, draw_case, run
from benchmarks.soak.policy_oracle import decide


def test_random_policies_are_decided_alike() -> None:
    assert run(1500, seed=1) == []


def test_the_pairs_are_of_all_kinds() -> None:
    draw = random.Random(2)
    cases = [draw_case(draw) for _ in range(300)]
    assert {decide(case) for case in cases} == {"allowed", "explicitDeny", "implicitDeny"}
    assert {decision(case) for case in cases} == {"allowed", "explicitDeny", "implicitDeny"}
