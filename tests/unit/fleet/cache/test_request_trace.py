"""The parts of one request."""

from dataclasses import replace

import pytest

from fleet.cache.request_trace import RequestTrace

COLD = RequestTrace(
    client=1.700,
    overhead=1.560,
    loading_wait=1.500,
    download=0.300,
    load=1.200,
    containers={"preprocessor": 0.030, "linear-learner": 0.010},
    requests=1,
    cold_requests=1,
    own_requests=1,
)
WARM = replace(COLD, loading_wait=None, download=None, load=None, overhead=0.02, cold_requests=0)


def test_network_is_what_sagemaker_did_not_see() -> None:
    assert dict(COLD.steps)["  client library and network"] == pytest.approx(0.1)


def test_waiting_for_the_model_is_taken_out_of_the_overhead() -> None:
    steps = dict(COLD.steps)
    assert steps["  authorization, routing and other overhead"] == pytest.approx(0.06)
    assert steps["  waiting for the model"] == 1.5


def test_the_parts_add_up_to_what_the_client_saw() -> None:
    parts = [s or 0.0 for name, s in COLD.steps if name.startswith("  ") and name[2] != " "]
    assert sum(parts) == pytest.approx(COLD.client)


def test_a_warm_request_waits_for_no_model() -> None:
    assert not any("model" in name for name, _ in WARM.steps)


def test_a_model_that_is_on_disk_is_not_downloaded() -> None:
    names = [name.strip() for name, _ in replace(COLD, download=None).steps]
    assert "load into memory" in names
    assert "download from S3" not in names


def test_values_of_other_requests_are_called_averages() -> None:
    assert COLD.scope == "CloudWatch counted no other requests in the period (1 of 1 cold)."
    shared = replace(COLD, requests=5)
    assert shared.scope.startswith("These are averages: CloudWatch counted 4 other requests")
