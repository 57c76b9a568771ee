"""Requests and answers, to the byte."""

import json
import struct
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.linear_learner.models import random_model
from training.linear_learner.model import Float32Array, LinearModel
from training.linear_learner.predictor import Predictions, predict
from training.linear_learner.wire import RequestError, decode_request, encode_predictions
from training.linear_learner.wire.recordio import Record, Tensor, write_record

JSON = "application/json"
JSON_LINES = "application/jsonlines"
RECORDIO = "application/x-recordio-protobuf"
CSV = "text/csv"

REGRESSION = Predictions(np.array([11.719074249267578, 3.0], np.float32))
BINARY = Predictions(
    np.array([0.04764571785926819, 0.9899773597717285], np.float32), np.array([0, 1])
)
MULTICLASS = Predictions(np.array([[0.25, 0.5, 0.25]], np.float32), np.array([1]))


def encoded(predictions: Predictions, accept: str) -> tuple[bytes, str]:
    return encode_predictions(predictions, accept)


def refusal(body: bytes, content_type: str) -> RequestError:
    with pytest.raises(RequestError) as refused:
        decode_request(body, content_type)
    return refused.value


class TestARequest:
    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            (CSV, b"1,2.5,-3\n4,5e2,6\n"),
            (CSV, b"1,2.5,-3\r\n4,5e2,6"),
            (CSV, b" 1, 2.5 ,-3\n\n4,500.0,6"),
            (CSV, b"+1,25e-1,-3.\r4,5E+02,006\n \n"),
            ("text/csv; charset=utf-8", b"1,2.5,-3\n4,500,6"),
            ("Text/CSV;label_size=0", b"1,2.5,-3\n4,500,6"),
            ("text/csv; label_size=1", b"9,1,2.5,-3\n9,4,500,6"),
            (JSON, b'{"instances":[{"features":[1,2.5,-3]},{"features":[4,500,6]}]}'),
            ("", b'{"instances":[{"features":[1,2.5,-3]},{"features":[4,500,6]}]}'),
            (
                JSON,
                b'{"instances":[{"data":{"features":{"values":[1,2.5,-3]}}},'
                b'{"data":{"features":{"keys":[0,1,2],"shape":[3],"values":[4,500,6]}}}]}',
            ),
            (JSON, b'{"instances":[{"features":[1,2.5,-3],"label":1},{"features":[4,500,6]}]}'),
            (JSON_LINES, b'{"features":[1,2.5,-3]}\n{"features":[4,500,6]}'),
            (JSON_LINES, b'{"features":[1,2.5,-3]}\n{"data":{"features":{"values":[4,500,6]}}}\n'),
            (
                JSON,
                b'{"instances":[{"features":{"values":[1,2.5,-3]}},{"data":{"features":[4,500,6]}}]}',
            ),
        ],
    )
    def test_is_read_in_every_documented_form(self, content_type: str, body: bytes) -> None:
        features = decode_request(body, content_type)
        assert features.dtype == np.float32
        assert features.tolist() == [[1, 2.5, -3], [4, 500, 6]]

    @pytest.mark.parametrize("content_type", [JSON, JSON_LINES])
    def test_may_be_sparse(self, content_type: str) -> None:
        row = b'{"data":{"features":{"keys":[3,1],"shape":[5],"values":[7,0.5]}}}'
        body = b'{"instances":[' + row + b"]}" if content_type == JSON else row
        assert decode_request(body, content_type).tolist() == [[0, 0.5, 0, 7, 0]]

    def test_may_be_the_bytes_that_the_python_sdk_writes(self) -> None:
        """``write_numpy_to_dense_tensor`` of sagemaker 2 for the features [1, 2, 3]."""
        body = bytes.fromhex(
            "0a23d7ce1c0000000a1a0a0676616c7565731210120e0a0c0000803f0000004000004040"
        )
        assert decode_request(body, RECORDIO).tolist() == [[1, 2, 3]]

    @given(st.integers(1, 5), st.integers(1, 6), st.integers(0, 99))
    def test_means_the_same_in_every_format(self, rows: int, width: int, seed: int) -> None:
        features = np.random.default_rng(seed).normal(size=(rows, width)).astype(np.float32)
        instances = [{"features": row.tolist()} for row in features]
        bodies = {
            JSON: json.dumps({"instances": instances}).encode(),
            JSON_LINES: "\n".join(map(json.dumps, instances)).encode(),
            CSV: "\n".join(",".join(map(repr, row)) for row in features.tolist()).encode(),
            RECORDIO: b"".join(write_record(Record({"values": Tensor(r)}, {})) for r in features),
        }
        for content_type, body in bodies.items():
            assert np.array_equal(decode_request(body, content_type), features)


class TestARequestThatCannotBeRead:
    @pytest.mark.parametrize("content_type", ["application/octet-stream", "image/png", "csv"])
    def test_of_another_content_type_is_answered_415(self, content_type: str) -> None:
        error = refusal(b"1,2,3", content_type)
        assert (error.status, error.message) == (415, f"content-type {content_type} not supported")

    @pytest.mark.parametrize("content_type", [CSV, JSON, JSON_LINES, RECORDIO])
    def test_without_a_body_is_answered_204(self, content_type: str) -> None:
        assert (refusal(b"", content_type).status, refusal(b" \n", content_type).status) == (
            204,
            204,
        )

    @pytest.mark.parametrize(
        ("content_type", "body"),
        [
            (CSV, b"1,2\n3"),
            (CSV, b"1,house"),
            (CSV, b"1,"),
            (CSV, b"1_000,2"),
            (CSV, b"1,nan"),
            (CSV, b"1,inf"),
            (CSV, b"1,1e39"),
            (CSV, b"\xff\xfe"),
            (CSV, b"\xef\xbb\xbf1,2"),
            (CSV, "\u0661,2".encode()),
            (CSV, "1,2\u20283,4".encode()),
            (CSV, b'"1","2"'),
            ("text/csv; label_size=2", b"1,2"),
            ("text/csv; label_size=one", b"1,2"),
            (JSON, b"1,2,3"),
            (JSON, b"[1,2]"),
            (JSON, b'{"rows":[]}'),
            (JSON, b'{"instances":[]}'),
            (JSON, b'{"instances":[[1,2]]}'),
            (JSON, b'{"instances":[{"features":[]}]}'),
            (JSON, b'{"instances":[{"features":[1]},{"features":[1,2]}]}'),
            (JSON, b'{"instances":[{"features":["1"]}]}'),
            (JSON, b'{"instances":[{"features":[true]}]}'),
            (JSON, b'{"instances":[{"features":[1,false]}]}'),
            (JSON, b'{"instances":[{"features":[null]}]}'),
            (JSON, b'{"instances":[{"features":[NaN]}]}'),
            (JSON, b'{"instances":[{"features":[1e400]}]}'),
            (JSON, b'{"instances":[{"features":[1' + b"0" * 400 + b"]}]}"),
            (JSON, b'{"instances":[{"features":{"a":1}}]}'),
            (JSON, b'{"instances":[{"data":{"features":{"values":7}}}]}'),
            (JSON, b'{"instances":[{"data":{"features":{"keys":[9],"shape":[3],"values":[1]}}}]}'),
            (JSON, b'{"instances":[{"data":{"features":{"keys":[-1],"shape":[3],"values":[1]}}}]}'),
            (JSON, b'{"instances":[{"data":{"features":{"keys":[1],"values":[1]}}}]}'),
            (JSON, b"[" * 100_000),
            (JSON_LINES, b'{"features":[1,2]}\n{"features":'),
            (RECORDIO, b"1,2,3"),
            (RECORDIO, write_record(Record({"other": Tensor(np.ones(2, np.float32))}, {}))),
        ],
    )
    def test_is_answered_400_in_the_words_of_the_service(
        self, content_type: str, body: bytes
    ) -> None:
        error = refusal(body, content_type)
        assert (error.status, error.message) == (400, "unable to evaluate payload provided")
        assert error.detail

    @pytest.mark.parametrize(
        ("content_type", "body", "detail"),
        [
            (CSV, b"1,2\n3,house", "row 2, column 2: 'house' is not a number"),
            ("text/csv;label_size=1", b"a,2\nb,", "row 2, column 2: '' is not a number"),
            ("text/csv;label_size=1", b"1,2,3\n1,2", "row 2: 2 columns; the first row has 3"),
            ("text/csv;label_size=2", b"1,2", "row 1: no column after the first 2"),
            (
                JSON,
                b'{"instances":[{"features":[1,"2"]}]}',
                "row 1, column 2 is not a finite number",
            ),
        ],
    )
    def test_says_in_the_log_where_it_is_at_fault(
        self, content_type: str, body: bytes, detail: str
    ) -> None:
        assert refusal(body, content_type).detail == detail

    def test_cannot_make_the_container_allocate_a_huge_dense_table(self) -> None:
        row = '{"data":{"features":{"keys":[0],"shape":[1000000000],"values":[1]}}}'
        error = refusal(f'{{"instances":[{row}]}}'.encode(), JSON)
        assert (error.status, error.detail) == (
            400,
            "1 rows of 1000000000 cells are too many to make dense: at most 67108864 cells",
        )

    @given(body=st.binary(max_size=80), content_type=st.sampled_from([CSV, JSON, JSON_LINES]))
    def test_raises_nothing_else(self, body: bytes, content_type: str) -> None:
        decode_or_refuse(body, content_type)

    @given(data=st.data())
    def test_raises_nothing_else_for_damaged_records(self, data: st.DataObject) -> None:
        row = Tensor(np.arange(3, dtype=np.float32))
        body = bytearray(write_record(Record({"values": row}, {})))
        for _ in range(data.draw(st.integers(1, 3))):
            body[data.draw(st.integers(0, len(body) - 1))] = data.draw(st.integers(0, 255))
        decode_or_refuse(bytes(body[: data.draw(st.integers(0, len(body)))]), RECORDIO)


class TestAnAnswer:
    @pytest.mark.parametrize(
        ("accept", "predictions", "body"),
        [
            (
                JSON,
                REGRESSION,
                b'{"predictions": [{"score": 11.719074249267578}, {"score": 3.0}]}',
            ),
            (
                JSON,
                BINARY,
                b'{"predictions": [{"score": 0.04764571785926819, "predicted_label": 0}, '
                b'{"score": 0.9899773597717285, "predicted_label": 1}]}',
            ),
            (
                JSON,
                MULTICLASS,
                b'{"predictions": [{"score": [0.25, 0.5, 0.25], "predicted_label": 1}]}',
            ),
            (JSON_LINES, REGRESSION, b'{"score":11.719074249267578}\n{"score":3.0}\n'),
            (
                JSON_LINES,
                BINARY,
                b'{"predicted_label":0,"score":0.047645717859268}\n'
                b'{"predicted_label":1,"score":0.989977359771728}\n',
            ),
            (JSON_LINES, MULTICLASS, b'{"predicted_label":1,"score":[0.25,0.5,0.25]}\n'),
            (CSV, REGRESSION, b"11.719074249267578\n3.0"),
            (CSV, BINARY, b"0.04764571785926819,0\n0.9899773597717285,1"),
            (CSV, MULTICLASS, b"0.25,0.5,0.25,1"),
        ],
    )
    def test_is_to_the_byte_as_the_service_writes_it(
        self, accept: str, predictions: Predictions, body: bytes
    ) -> None:
        assert encoded(predictions, accept) == (body, accept)

    def test_in_recordio_is_a_label_of_two_tensors(self) -> None:
        predictions = Predictions(np.array([0.4], np.float32), np.array([0]))
        payload = bytes.fromhex(
            "121b0a0f7072656469637465645f6c6162656c120812060a0400000000"
            "12110a0573636f7265120812060a04cdcccc3e"
        )
        frame = struct.pack("<II", 0xCED7230A, len(payload)) + payload
        assert encoded(predictions, RECORDIO) == (frame, RECORDIO)

    def test_in_json_lines_is_cut_off_after_fifteen_decimals_not_rounded(self) -> None:
        scores = Predictions(np.array([1.9e-15, 1e-20, -0.0625, 411700.25], np.float32))
        body, _ = encoded(scores, JSON_LINES)
        assert body == (
            b'{"score":0.000000000000001}\n{"score":0.0}\n{"score":-0.0625}\n{"score":411700.25}\n'
        )

    @given(st.floats(width=32, allow_nan=False, allow_infinity=False))
    def test_in_json_lines_is_a_number_however_large(self, score: float) -> None:
        body, _ = encoded(Predictions(np.array([score], np.float32)), JSON_LINES)
        assert json.loads(body)["score"] == pytest.approx(score, abs=1e-15)

    @pytest.mark.filterwarnings("error")
    @pytest.mark.parametrize("predictor_type", ["regressor", "multiclass_classifier"])
    @pytest.mark.parametrize("accept", [JSON, JSON_LINES, CSV, RECORDIO])
    def test_with_a_score_that_no_float32_holds_is_a_refusal(
        self, predictor_type: str, accept: str
    ) -> None:
        outputs = 1 if predictor_type == "regressor" else 4
        model = random_model(predictor_type, 3, outputs)
        large = replace(model, weights=1e30 * model.weights)
        predictions = predict(large, np.full((1, 3), 1e30, np.float32))
        with pytest.raises(RequestError, match="a score is too large for a float32") as refused:
            encode_predictions(predictions, accept)
        assert refused.value.status == 400

    @pytest.mark.parametrize(
        ("accept", "answered"),
        [
            ("", JSON),
            ("*/*", JSON),
            ("image/png", JSON),
            ("application/jsonlines;verbose=true", JSON_LINES),
            ("image/png, text/csv;q=0.5", CSV),
            ("Text/CSV", CSV),
        ],
    )
    def test_is_json_unless_something_else_is_asked_for_and_known(
        self, accept: str, answered: str
    ) -> None:
        assert encoded(REGRESSION, accept)[1] == answered

    def test_to_the_real_requests_is_the_real_answer(
        self,
        real_model: LinearModel,
        real_features: Float32Array,
        real_answers: list[dict[str, float]],
    ) -> None:
        body, _ = encode_predictions(predict(real_model, real_features), JSON)
        answers = json.loads(body)["predictions"]
        assert [answer["predicted_label"] for answer in answers] == [
            answer["predicted_label"] for answer in real_answers
        ]
        assert [list(answer) for answer in answers] == [["score", "predicted_label"]] * 334

    @given(st.lists(st.floats(0, 1, width=32), min_size=1, max_size=5))
    def test_in_json_keeps_every_bit_of_the_score(self, scores: list[float]) -> None:
        body, _ = encoded(Predictions(np.array(scores, np.float32)), JSON)
        assert [answer["score"] for answer in json.loads(body)["predictions"]] == scores


def decode_or_refuse(body: bytes, content_type: str) -> None:
    try:
        features = decode_request(body, content_type)
    except RequestError:
        return
    assert features.dtype == np.float32
    assert features.ndim == 2
