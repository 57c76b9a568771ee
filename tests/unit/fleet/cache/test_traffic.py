"""Traffic: which target model is invoked when."""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fleet.cache.traffic import TraceError, read_trace, scan, uniform, zipf

MODELS = [f"{n}.tar.gz" for n in range(50)]


def write(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "trace.csv"
    path.write_text(text)
    return path


def test_a_scan_invokes_the_first_models_once_each_in_order() -> None:
    first, second = scan(MODELS, [3, 5])
    assert first.target_models == tuple(MODELS[:3])
    assert second.target_models == tuple(MODELS[:5])


def test_draws_with_the_same_seed_are_the_same() -> None:
    assert zipf(MODELS, [40], 1.0, seed=7) == zipf(MODELS, [40], 1.0, seed=7)


def test_draws_with_another_seed_differ() -> None:
    assert zipf(MODELS, [40], 1.0, seed=7) != zipf(MODELS, [40], 1.0, seed=8)


def test_passes_of_one_experiment_are_drawn_anew() -> None:
    first, second = uniform(MODELS, [40, 40], seed=0)
    assert first.target_models != second.target_models


def test_zipf_draws_models_in_proportion_to_their_rank() -> None:
    (one,) = zipf(MODELS[:4], [50_000], exponent=1.0, seed=0)
    drawn = Counter(one.target_models)
    shares = [drawn[model] / 50_000 for model in MODELS[:4]]
    harmonic = 1 + 1 / 2 + 1 / 3 + 1 / 4
    assert shares == pytest.approx([1 / harmonic / rank for rank in (1, 2, 3, 4)], abs=0.01)


def test_uniform_draws_every_model_alike() -> None:
    (one,) = uniform(MODELS[:4], [50_000], seed=0)
    drawn = Counter(one.target_models)
    assert [drawn[model] / 50_000 for model in MODELS[:4]] == pytest.approx([0.25] * 4, abs=0.01)


@given(st.lists(st.integers(1, 60), min_size=1, max_size=4), st.floats(0, 3), st.integers(0, 99))
def test_every_pass_has_the_size_that_was_asked_for(
    sizes: list[int], exponent: float, seed: int
) -> None:
    passes = zipf(MODELS, sizes, exponent, seed)
    assert [len(one.target_models) for one in passes] == sizes


def test_a_trace_is_replayed_in_the_order_of_its_rows(tmp_path: Path) -> None:
    path = write(tmp_path, "time,target_model\n1,b.tar.gz\n2,a.tar.gz\n3,b.tar.gz\n")
    (one,) = read_trace(path)
    assert one.target_models == ("b.tar.gz", "a.tar.gz", "b.tar.gz")


def test_a_column_pass_divides_a_trace_into_passes(tmp_path: Path) -> None:
    path = write(tmp_path, "pass,target_model\n1,a\n1,b\n2,a\n")
    assert [one.target_models for one in read_trace(path)] == [("a", "b"), ("a",)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model\na\n", "needs a column target_model; it has: model"),
        ("", "needs a column target_model; it has: none"),
        ("target_model\n", "holds no rows"),
        ("target_model,x\na,1\n,2\n", "line 3: target_model is ''"),
        ("target_model\n/a\n", "line 2: target_model is '/a'"),
        ("target_model\n" + "a" * 1025 + "\n", "allowed are 1 to 1024 printable characters"),
    ],
)
def test_a_trace_that_cannot_be_replayed_is_refused_with_its_line(
    tmp_path: Path, text: str, message: str
) -> None:
    with pytest.raises(TraceError, match=message):
        read_trace(write(tmp_path, text))


def test_a_trace_that_is_not_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "trace.csv"
    path.write_bytes(b"\xff\xfe\x00target_model")
    with pytest.raises(TraceError, match="cannot be read as CSV"):
        read_trace(path)


def test_popularity_falls_with_rank() -> None:
    (one,) = zipf(MODELS[:5], [20_000], exponent=0.8, seed=1)
    drawn = Counter(one.target_models)
    assert all(drawn[a] > drawn[b] for a, b in pairwise(MODELS[:5]))
