"""The artifact: read from any source, written as the service writes it."""

import gzip
import io
import json
import re
import struct
import tarfile
import zipfile
from datetime import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.unit.linear_learner.archives import (
    edited,
    members_of,
    model_members,
    packed,
    unpacked,
    zipped,
)
from tests.unit.linear_learner.models import LOSSES, assert_same, random_model
from training.linear_learner.artifact import (
    ArtifactError,
    read_artifact,
    read_artifact_bytes,
    read_model_directory,
    write_artifact,
    write_model_file,
)
from training.linear_learner.model import LinearModel

WHEN_THE_REAL_ONE_WAS_WRITTEN = datetime(2023, 1, 17, 17, 54, 14)

FLOATS = st.floats(width=32, allow_nan=False, allow_infinity=False)


@st.composite
def models(draw: st.DrawFn) -> LinearModel:
    predictor_type = draw(st.sampled_from(sorted(LOSSES)))
    outputs = draw(st.integers(2, 5)) if predictor_type == "multiclass_classifier" else 1
    model = random_model(
        predictor_type, draw(st.integers(1, 20)), outputs, seed=draw(st.integers(0, 99))
    )
    return LinearModel(
        model.predictor_type,
        model.loss,
        model.weights,
        model.bias,
        threshold=draw(FLOATS),
        graph_number=draw(st.integers(0, 999)),
    )


class TestARealArtifact:
    def test_is_read(self, real_model: LinearModel) -> None:
        assert real_model.predictor_type == "binary_classifier"
        assert real_model.loss == "logistic"
        assert real_model.weights.shape == (14, 1)
        assert real_model.threshold == 0.46301859617233276
        assert real_model.metrics_params["f_beta"] == 1.0

    def test_is_written_again_byte_for_byte(
        self, real_artifact: bytes, real_model: LinearModel
    ) -> None:
        (model_file,) = unpacked(real_artifact).values()
        assert write_model_file(real_model, WHEN_THE_REAL_ONE_WAS_WRITTEN) == model_file

    def test_has_a_gzip_header_like_ours(
        self, real_artifact: bytes, real_model: LinearModel
    ) -> None:
        assert write_artifact(real_model)[:10] == real_artifact[:10]

    def test_is_read_from_a_file_and_from_a_directory(
        self, data_directory: Path, real_model: LinearModel, tmp_path: Path
    ) -> None:
        packed = data_directory / "model.tar.gz"
        for name, content in unpacked(packed.read_bytes()).items():
            (tmp_path / name).write_bytes(content)
        assert_same(read_artifact(packed), real_model)
        assert_same(read_model_directory(tmp_path), real_model)


class TestAWrittenArtifact:
    @given(models())
    def test_reads_as_the_same_model(self, model: LinearModel) -> None:
        assert_same(read_artifact_bytes(write_artifact(model)), model)

    def test_is_the_same_bytes_every_time(self, regressor: LinearModel) -> None:
        assert write_artifact(regressor) == write_artifact(regressor)

    def test_is_a_tar_of_one_ordinary_file_of_root(self, regressor: LinearModel) -> None:
        with tarfile.open(fileobj=io.BytesIO(write_artifact(regressor))) as archive:
            (member,) = archive.getmembers()
        assert (member.name, member.mode, member.uid, member.gid) == ("model_algo-1", 0o644, 0, 0)

    def test_holds_a_zip_of_four_stored_members(self, regressor: LinearModel) -> None:
        archive = zipfile.ZipFile(io.BytesIO(write_model_file(regressor)))
        assert {member.filename: member.compress_type for member in archive.infolist()} == {
            "mx-mod-symbol.json": zipfile.ZIP_STORED,
            "manifest.json": zipfile.ZIP_STORED,
            "additional-params.json": zipfile.ZIP_STORED,
            "mx-mod-0000.params": zipfile.ZIP_STORED,
        }

    @pytest.mark.parametrize(
        ("loss", "operator"),
        [
            ("squared_loss", "LinearRegressionOutput"),
            ("absolute_loss", "MAERegressionOutput"),
            ("huber_loss", "LinearRegressionOutput"),
        ],
    )
    def test_says_in_its_graph_how_scores_come_out(self, loss: str, operator: str) -> None:
        archive = zipfile.ZipFile(
            io.BytesIO(write_model_file(random_model("regressor", 2, loss=loss)))
        )
        assert json.loads(archive.read("mx-mod-symbol.json"))["nodes"][-1]["op"] == operator


class TestADamagedArtifact:
    def test_is_refused_wherever_it_is_cut_off(self, real_artifact: bytes) -> None:
        for length in range(len(real_artifact)):
            with pytest.raises(ArtifactError):
                read_artifact_bytes(real_artifact[:length])

    def test_is_refused_wherever_its_model_file_is_cut_off(
        self, real_artifact: bytes, tmp_path: Path
    ) -> None:
        (model_file,) = unpacked(real_artifact).values()
        for length in range(len(model_file)):
            (tmp_path / "model_algo-1").write_bytes(model_file[:length])
            with pytest.raises(ArtifactError):
                read_model_directory(tmp_path)

    @given(st.binary(max_size=200))
    def test_is_refused_when_it_is_something_else(self, data: bytes) -> None:
        with pytest.raises(ArtifactError):
            read_artifact_bytes(data)

    @given(st.data())
    def test_is_refused_or_read_but_nothing_else_happens(
        self, real_artifact: bytes, data: st.DataObject
    ) -> None:
        """Bytes of the tar, the zip and all that is inside are overwritten at random."""
        tar = bytearray(gzip.decompress(real_artifact)[:3072])
        for _ in range(data.draw(st.integers(1, 4))):
            tar[data.draw(st.integers(0, len(tar) - 1))] = data.draw(st.integers(0, 255))
        read_or_refuse(gzip.compress(bytes(tar)))

    @given(st.data())
    def test_is_refused_or_read_whatever_its_members_hold(self, data: st.DataObject) -> None:
        """The members are valid JSON or arrays, but not those of a model."""
        scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
        values: st.SearchStrategy[object] = (
            scalars | st.lists(scalars, max_size=2) | st.just({"nodes": []})
        )
        members = model_members(random_model("regressor", 2))
        name = data.draw(st.sampled_from(sorted(members)))
        document = json.loads(members[name]) if name.endswith(".json") else None
        if isinstance(document, dict) and document:
            document[data.draw(st.sampled_from(sorted(document)))] = data.draw(values)
            members[name] = json.dumps(document).encode()
        else:
            members[name] = members[name][:-1]
        read_or_refuse(packed({"model_algo-1": zipped(members)}))


class TestAModelThatContradictsItself:
    @pytest.mark.parametrize(
        "member", ["manifest.json", "additional-params.json", "mx-mod-symbol.json"]
    )
    def test_without_one_of_its_members_is_refused(
        self, member: str, regressor: LinearModel
    ) -> None:
        members = model_members(regressor)
        del members[member]
        with pytest.raises(ArtifactError, match=f"has no member '{member}'"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_whose_weights_do_not_fit_its_graph_is_refused(self, regressor: LinearModel) -> None:
        members = model_members(regressor)
        wider = model_members(random_model("regressor", 4))
        members["mx-mod-0000.params"] = wider["mx-mod-0000.params"]
        fault = r"arrays have shapes \(4, 1\) and \(1, 1\); by the graph, \(3, 1\) and \(1, 1\)"
        with pytest.raises(ArtifactError, match=fault):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_whose_weights_do_not_fit_its_predictor_type_is_refused(
        self, regressor: LinearModel, multiclass_classifier: LinearModel
    ) -> None:
        members = model_members(multiclass_classifier)
        of_a_regressor = model_members(regressor)
        graph = of_a_regressor["mx-mod-symbol.json"].replace(b"(3, 1)", b"(3, 4)")
        members["mx-mod-symbol.json"] = graph
        members["additional-params.json"] = of_a_regressor["additional-params.json"]
        with pytest.raises(ArtifactError, match=r"a regressor cannot have 4 output\(s\)"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    @pytest.mark.parametrize("shape", [b"(3,)", b"(3, 1, 1)", b"(-3, 1)", b"none"])
    def test_whose_graph_has_no_shape_is_refused(
        self, shape: bytes, regressor: LinearModel
    ) -> None:
        members = model_members(regressor)
        members["mx-mod-symbol.json"] = members["mx-mod-symbol.json"].replace(b"(3, 1)", shape)
        with pytest.raises(ArtifactError, match="the graph's weights have the shape"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_whose_graph_does_not_fit_its_loss_is_refused(self, regressor: LinearModel) -> None:
        members = model_members(regressor)
        members["additional-params.json"] = edited(
            members["additional-params.json"], loss_type="logistic"
        )
        with pytest.raises(
            ArtifactError,
            match="LinearRegressionOutput contradicts a regressor with the loss 'logistic'",
        ):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_whose_graph_does_not_fit_its_predictor_type_is_refused(
        self, real_artifact: bytes
    ) -> None:
        (model_file,) = unpacked(real_artifact).values()
        members = members_of(model_file)
        members["additional-params.json"] = edited(
            members["additional-params.json"], predictor_type="regressor"
        )
        with pytest.raises(ArtifactError, match="LogisticRegressionOutput contradicts a regressor"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    @pytest.mark.parametrize(
        ("name", "value", "fault"),
        [
            ("threshold", "0.5", "'threshold' in additional-params.json is '0.5'"),
            ("threshold", True, "'threshold' in additional-params.json is True"),
            ("threshold", float("nan"), "threshold: not finite numbers only"),
            ("loss_type", None, "'loss_type' in additional-params.json is None"),
            ("metrics_params", [], "'metrics_params' in additional-params.json is []"),
            ("predictor_type", "ranker", "'ranker' is not a valid PredictorType"),
        ],
    )
    def test_whose_parameters_are_not_what_they_should_be_is_refused(
        self, name: str, value: object, fault: str, regressor: LinearModel
    ) -> None:
        members = model_members(regressor)
        members["additional-params.json"] = edited(
            members["additional-params.json"], **{name: value}
        )
        with pytest.raises(ArtifactError, match=re.escape(fault)):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_without_one_of_its_parameters_is_refused(self, regressor: LinearModel) -> None:
        members = {**model_members(regressor), "additional-params.json": b'{"threshold": 0.5}'}
        with pytest.raises(ArtifactError, match=r"additional-params.json has no 'loss_type'"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_with_another_graph_is_refused(self, regressor: LinearModel) -> None:
        members = model_members(regressor)
        members["mx-mod-symbol.json"] = members["mx-mod-symbol.json"].replace(b'"dot"', b'"exp"')
        with pytest.raises(ArtifactError, match="not a linear model's"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_with_weights_that_are_not_numbers_is_refused(self, regressor: LinearModel) -> None:
        members = model_members(regressor)
        weight = struct.pack("<f", regressor.weights[0, 0])
        members["mx-mod-0000.params"] = members["mx-mod-0000.params"].replace(
            weight, struct.pack("<f", float("nan"))
        )
        with pytest.raises(ArtifactError, match="weights: not finite numbers only"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_that_is_missing_is_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ArtifactError, match="model_algo-1"):
            read_model_directory(tmp_path)
        with pytest.raises(ArtifactError, match="No such file"):
            read_artifact(tmp_path / "model.tar.gz")


def read_or_refuse(data: bytes) -> None:
    try:
        model = read_artifact_bytes(data)
    except ArtifactError:
        return
    assert isinstance(model, LinearModel)
