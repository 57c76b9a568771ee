"""The short way of one row against the general way, to the bit."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.linear_learner.models import random_model
from training.linear_learner.model import LinearModel
from training.linear_learner.predictor import FeatureDimensionError, predict
from training.linear_learner.single_row import SingleRow
from training.linear_learner.wire import RequestError, decode_request, encode_predictions

JSON = "application/json"
CSV = "text/csv"

numbers = st.one_of(
    st.integers(-(10**45), 10**45),
    st.floats(width=32),
    st.floats(),
    st.integers(-9, 9),
    st.floats(-1000, 1000),
)


def general_answer(model: LinearModel, body: bytes, content_type: str) -> bytes | None:
    """What the general way answers; None for a mistake."""
    try:
        scores = predict(model, decode_request(body, content_type))
        return encode_predictions(scores, JSON)[0]
    except (RequestError, FeatureDimensionError):
        return None


@given(row=st.lists(numbers, min_size=1, max_size=70), as_json=st.booleans(), seed=st.integers(0))
def test_a_row_has_the_answer_of_the_general_way(
    row: list[float], as_json: bool, seed: int
) -> None:
    model = random_model("regressor", len(row), seed=seed)
    if as_json:
        body, content_type = json.dumps({"instances": [{"features": row}]}).encode(), JSON
    else:
        body, content_type = ",".join(map(repr, row)).encode(), CSV
    answer = SingleRow(model).answer(body, content_type)
    assert answer == general_answer(model, body, content_type)


@pytest.mark.parametrize("features", [1, 13, 64, 1000, 20_000])
def test_so_has_a_row_of_any_width(features: int) -> None:
    model = random_model("regressor", features)
    row = np.random.default_rng(1).normal(size=features).astype(np.float32)
    body = ",".join(map(repr, row.tolist())).encode()
    answer = SingleRow(model).answer(body, CSV)
    assert answer is not None
    assert answer == general_answer(model, body, CSV)


@pytest.mark.parametrize("body", [b"1,2", b" 1, 2 \n", b"1,+2e0\r\n", b"01,2."])
def test_csv_is_read_as_the_general_way_reads_it(body: bytes) -> None:
    model = random_model("regressor", 2)
    answer = SingleRow(model).answer(body, CSV)
    assert answer is not None
    assert answer == general_answer(model, body, CSV)


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"1,2", "text/csv; label_size=1"),
        (b"1,2\n3,4", CSV),
        (b"1,\r2", CSV),
        (b"1,\n2", CSV),
        (b"1_0,2", CSV),
        (b"1,2,3", CSV),
        (b"1", CSV),
        (b"", CSV),
        (b"1,x", CSV),
        (b"1,nan", CSV),
        (b"1,1e39", CSV),
        (b"3.4028235e38,3.4028235e38", CSV),
        (b"", JSON),
        (b"{", JSON),
        (b"[1, 2]", JSON),
        (b'{"instances": []}', JSON),
        (b'{"instances": "1"}', JSON),
        (b'{"instances": {"features": [1, 2]}}', JSON),
        (b'{"instances": [[1, 2]]}', JSON),
        (b'{"instances": [{"features": []}]}', JSON),
        (b'{"instances": [{"features": [1, true]}]}', JSON),
        (b'{"instances": [{"features": [1, "2"]}]}', JSON),
        (b'{"instances": [{"features": [1, Infinity]}]}', JSON),
        (b'{"instances": [{"features": [1, 2]}, {"features": [1, 2]}]}', JSON),
        (b'{"instances": [{"data": {"features": {"values": [1, 2]}}}]}', JSON),
        (b"[" * 100_000, JSON),
    ],
)
def test_what_is_not_plainly_one_row_is_left_to_the_general_way(
    body: bytes, content_type: str
) -> None:
    assert SingleRow(random_model("regressor", 2)).answer(body, content_type) is None
