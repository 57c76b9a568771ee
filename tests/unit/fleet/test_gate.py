"""The gate: what may serve, and why the rest may not."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from fleet.gate import GateRules, distance, judge
from fleet.versions import Candidate, Verdict

BASELINES = {"median_mae": 60_000.0, "least_squares_mae": 10_000.0}


def candidate(
    mae: float = 20_000.0,
    serving: float | None = None,
    rows: int = 700,
    baselines: Mapping[str, float] = BASELINES,
) -> Candidate:
    metrics = {"mae": mae} if serving is None else {"mae": mae, "serving_mae": serving}
    return Candidate(
        "Chicago_IL", "key", "digest", 900, train_rows=rows, metrics=metrics, baselines=baselines
    )


RULES = GateRules()


def reasons(judged: Candidate, rules: GateRules = RULES) -> str:
    verdict = judge(judged, rules)
    assert verdict.passed == (not verdict.reasons)
    return "; ".join(verdict.reasons)


def test_a_model_between_the_baselines_passes() -> None:
    assert judge(candidate(), GateRules()) == Verdict(passed=True)


def test_the_distance_is_0_at_least_squares_and_1_at_the_median() -> None:
    assert distance(candidate(mae=10_000.0)) == 0
    assert distance(candidate(mae=60_000.0)) == 1
    assert distance(candidate(mae=35_000.0)) == 0.5


def test_the_distance_is_unknown_where_least_squares_is_no_better_than_the_median() -> None:
    assert distance(candidate(baselines={**BASELINES, "least_squares_mae": 60_000.0})) is None


@pytest.mark.parametrize("mae", [float("nan"), float("inf")])
def test_predictions_that_are_no_numbers_are_refused(mae: float) -> None:
    assert reasons(candidate(mae=mae)) == "its predictions are not finite numbers"


def test_an_error_that_nobody_measured_is_refused() -> None:
    unmeasured = Candidate("Chicago_IL", "key", "digest", 900, train_rows=700)
    assert reasons(unmeasured) == "its error was not measured on validation rows"


def test_too_few_rows_are_refused_with_what_is_needed() -> None:
    assert reasons(candidate(rows=49)) == "49 training rows; at least 50 are needed"
    assert not reasons(candidate(rows=50))


def test_a_model_no_better_than_the_median_is_refused() -> None:
    assert "predicting the median gives 60,000" in reasons(candidate(mae=60_000.0))


def test_the_user_reported_44604_on_noise_free_houses_is_refused_with_its_distance() -> None:
    noise_free = {"median_mae": 80_000.0, "least_squares_mae": 2_533.0}
    assert reasons(candidate(mae=44_604.0, baselines=noise_free)) == (
        "error 44,604; least squares gives 2,533, which is 54% of the way to the median;"
        " at most 50%"
    )


def test_a_model_worse_than_the_serving_one_by_more_than_allowed_is_refused() -> None:
    assert not reasons(candidate(mae=20_900.0, serving=20_000.0))
    assert "the version that serves has 20,000" in reasons(candidate(21_100.0, 20_000.0))


def test_the_rules_decide() -> None:
    strict = GateRules(maximum_distance=0.1, maximum_regression=0.0)
    assert "at most 10%" in reasons(candidate(), strict)


def test_answers_that_agree_with_the_labels_hardly_better_than_by_chance_are_refused() -> None:
    noise = replace(candidate(), validation_rows=300, metrics={"mae": 20_000.0, "signal": 2.96})
    assert reasons(noise) == (
        "its answers to 300 rows agree with the labels 2.96 standard deviations better than with"
        " shuffled ones; at least 3 are needed"
    )
    assert not reasons(replace(noise, metrics={"mae": 20_000.0, "signal": 3.0}))
