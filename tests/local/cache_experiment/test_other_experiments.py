"""Experiments of other traffic, output and endpoints than the default."""

import json
from pathlib import Path

from tests.local.cache_experiment.conftest import Watched
from tests.local.commands import housing


def test_popular_models_stay_in_the_cache(watched: Watched, tmp_path: Path) -> None:
    results = watched.experiment(
        tmp_path, "--traffic", "zipf", "--copies", "30", "--passes", "120", "--pace", "max"
    )
    models = {row["target_model"] for row in results["invocations"]}
    cache = results["summary"]["cache"]
    assert (cache["lookups"], cache["loads"]) == (120, len(models))


def test_a_trace_is_replayed_in_its_order(watched: Watched, tmp_path: Path) -> None:
    trace = tmp_path / "trace.csv"
    trace.write_text("target_model\nb/b.tar.gz\na/a.tar.gz\nb/b.tar.gz\n")
    results = watched.experiment(tmp_path / "output", "--trace", str(trace), "--concurrency", "1")
    invoked = [row["target_model"].split("/", 2)[2] for row in results["invocations"]]
    assert invoked == ["b/b.tar.gz", "a/a.tar.gz", "b/b.tar.gz"]
    assert results["summary"]["cache"]["hits"] == 1


def test_the_summary_can_be_read_by_a_program(watched: Watched, tmp_path: Path) -> None:
    three = ("--passes", "3", "--json", "--output", str(tmp_path))
    done = housing(watched.aws, "cache-experiment", *three)
    assert json.loads(done.stdout)["invocations"] == 3


def test_requests_that_all_fail_are_one_clear_line(watched: Watched, tmp_path: Path) -> None:
    payload = tmp_path / "payload"
    payload.write_text("not,a,house")
    two = ("--passes", "2", "--payload", str(payload), "--output", str(tmp_path))
    failed = housing(watched.aws, "cache-experiment", *two)
    assert "endpoint housing-dev answered every request with ModelError" in failed.stderr
    assert watched.copies() == []


def test_an_unknown_endpoint_is_one_clear_line(watched: Watched) -> None:
    failed = housing(watched.aws, "cache-experiment", "--endpoint", "no-such-endpoint")
    assert "endpoint no-such-endpoint" in failed.stderr
    assert "Traceback" not in failed.stderr
