"""The Linear Learner container: what it answers, and what its training process leaves."""

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from localaws.artifacts import unpack
from localaws.containers import linear_learner_training
from localaws.containers.algorithm_program import CUSTOMER_ERROR
from localaws.containers.contract import ContainerRequest, ContainerSettings, ModelLoadError
from localaws.containers.linear_learner import IMAGE, LinearLearnerModel
from training.linear_learner.artifact import read_model_directory, write_model_file
from training.linear_learner.model import LinearModel, PredictorType

DATA = Path(__file__).parents[2] / "data" / "linear_learner"
CSV = "text/csv;label_size=1"


@pytest.fixture
def model(tmp_path: Path) -> LinearLearnerModel:
    """score = a + 10 b"""
    weights = np.array([[1], [10]], np.float32)
    linear = LinearModel(PredictorType.REGRESSOR, "squared_loss", weights, np.zeros(1, np.float32))
    (tmp_path / "model_algo-1").write_bytes(write_model_file(linear))
    return IMAGE.container(ContainerSettings("image", log=lambda line: None)).load(tmp_path)


def ask(model: LinearLearnerModel, body: str, content_type: str, accept: str) -> tuple[int, bytes]:
    answer = model.invoke(ContainerRequest(body.encode(), content_type, accept))
    return answer.status, answer.body


class TestServing:
    @pytest.mark.parametrize("accept", ["", "*/*", "application/json"])
    def test_answers_json_by_default(self, model: LinearLearnerModel, accept: str) -> None:
        expected = (200, b'{"predictions": [{"score": 21.0}]}')
        assert ask(model, "1,2", "text/csv", accept) == expected

    def test_reads_json_when_no_content_type_is_given(self, model: LinearLearnerModel) -> None:
        body = '{"instances": [{"features": [1, 2]}]}'
        assert ask(model, body, "", "application/jsonlines") == (200, b'{"score":21.0}\n')

    @pytest.mark.parametrize("body", ["1,2,3", "1", "a,b"])
    def test_answers_400_to_rows_that_it_cannot_score(
        self, model: LinearLearnerModel, body: str
    ) -> None:
        expected = (400, b"unable to evaluate payload provided")
        assert ask(model, body, "text/csv", "") == expected

    def test_answers_415_to_a_content_type_that_it_does_not_know(
        self, model: LinearLearnerModel
    ) -> None:
        assert ask(model, "x", "image/png", "")[0] == 415

    def test_says_in_its_log_what_was_wrong(self, tmp_path: Path) -> None:
        unpack((DATA / "model.tar.gz").read_bytes(), tmp_path / "model")
        lines: list[str] = []
        settings = ContainerSettings("image", log=lines.append)
        model = IMAGE.container(settings).load(tmp_path / "model")
        ask(model, "1,2", "text/csv", "")
        assert lines == [
            "Customer Error: The feature dimension of the input: 2 does not match the feature "
            "dimension of the model: 14. Please fix the input and try again."
        ]

    def test_the_default_accept_comes_from_the_environment(self, tmp_path: Path) -> None:
        unpack((DATA / "model.tar.gz").read_bytes(), tmp_path / "model")
        variables = {"SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/jsonlines"}
        model = IMAGE.container(ContainerSettings("image", variables)).load(tmp_path / "model")
        row = ",".join(["1"] * 14)
        assert ask(model, row, "text/csv", "*/*")[1].startswith(b'{"predicted_label":')

    def test_a_folder_without_a_model_does_not_load(self, tmp_path: Path) -> None:
        container = IMAGE.container(ContainerSettings("image", log=lambda line: None))
        with pytest.raises(ModelLoadError, match="unable to load model"):
            container.load(tmp_path)


@pytest.mark.parametrize(
    ("uri", "matches"),
    [
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/linear-learner:1", True),
        ("390948362332.dkr.ecr.cn-north-1.amazonaws.com.cn/linear-learner:latest", True),
        ("linear-learner", True),
        ("382416733822.dkr.ecr.us-east-1.amazonaws.com/my-linear-learner:1", False),
    ],
)
def test_the_image_is_known_by_the_name_of_its_repository(uri: str, matches: bool) -> None:
    assert IMAGE.matches(uri) is matches


class TestTraining:
    """The process of a training job, on a folder laid out like /opt/ml."""

    PARAMETERS: Mapping[str, str] = {"predictor_type": "regressor", "mini_batch_size": "4"}

    @pytest.fixture(autouse=True)
    def base(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        for folder in ("input/config", "model", "output"):
            (tmp_path / folder).mkdir(parents=True)
        monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
        return tmp_path

    def train(
        self,
        base: Path,
        files: Mapping[str, str | bytes],
        parameters: Mapping[str, str] = PARAMETERS,
        content_type: str = CSV,
    ) -> tuple[int, str]:
        """The exit code and the failure file; ``files`` by ``channel/name``."""
        for path, contents in files.items():
            target = base / "input" / "data" / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(contents.encode() if isinstance(contents, str) else contents)
        channels = {path.partition("/")[0]: {"ContentType": content_type} for path in files}
        config = base / "input" / "config"
        (config / "hyperparameters.json").write_text(json.dumps(dict(parameters)))
        (config / "inputdataconfig.json").write_text(json.dumps(channels))
        code = linear_learner_training.main()
        failure = base / "output" / "failure"
        return code, failure.read_text() if failure.exists() else ""

    def test_leaves_the_model_of_all_files_of_its_channel(self, base: Path) -> None:
        files = {"train/a.csv": "1,2\n2,4\n", "train/deep/b.csv": "3,6\n4,8\n"}
        assert self.train(base, files) == (0, "")
        assert read_model_directory(base / "model").feature_dim == 1

    def test_logs_as_the_real_algorithm_does(
        self, base: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        rows = "".join(f"{number},{number * 2}\n" for number in range(8))
        self.train(base, {"train/a.csv": rows, "validation/a.csv": rows})
        output = capsys.readouterr().out
        assert output.startswith("Docker entrypoint called with argument(s): train\n")
        assert (
            "Reading provided configuration from /opt/ml/input/config/hyperparameters.json"
            in output
        )
        assert "#quality_metric: host=algo-1, validation mse <loss>=" in output

    @pytest.mark.parametrize(
        ("files", "reason"),
        [
            ({"train/a.csv": "1,2\n1,x\n"}, "train/a.csv, row 2, column 2: 'x' is not a number"),
            ({"train/a.csv": "1,nan\n"}, "train/a.csv, row 1, column 2: 'nan' is not a number"),
            ({"train/a.csv": "1\n2\n"}, "a label and at least one feature are needed"),
            ({"train/a.csv": ""}, "train/a.csv: no rows"),
            (
                {"train/deep/a.csv": "1,x\n"},
                "/opt/ml/input/data/train/deep/a.csv, row 1, column 2: 'x' is not a number",
            ),
            (
                {"train/a.csv": "1,2\n", "train/b.csv": "1,2,3\n"},
                "train/b.csv has rows of 2 features; /opt/ml/input/data/train/a.csv of 1",
            ),
            ({"train/a.csv": "1,2\n"}, "mini_batch_size"),
            ({"validation/a.csv": "1,2\n"}, "'train' is a required property"),
            (
                {"train/a.csv": "1,2\n" * 4, "validation/b.csv": "1,2,3\n"},
                "validation has 2 features",
            ),
        ],
    )
    def test_says_what_is_wrong_with_the_data(
        self, base: Path, files: Mapping[str, str], reason: str
    ) -> None:
        code, failure = self.train(base, files)
        assert code == CUSTOMER_ERROR
        assert reason in failure

    def test_names_every_wrong_hyperparameter(self, base: Path) -> None:
        wrong = {"predictor_type": "oracle", "epochs": "-1", "colour": "red"}
        code, failure = self.train(base, {"train/a.csv": "1,2\n"}, wrong)
        assert code == CUSTOMER_ERROR
        assert all(name in failure for name in wrong)

    def test_names_a_content_type_that_it_cannot_read(self, base: Path) -> None:
        _, failure = self.train(base, {"train/a": "x"}, content_type="csv")
        assert failure == "No iterator has been registered for ContentType ('csv', '1.0')"

    @pytest.mark.parametrize("size", ["0", "2", "one"])
    def test_reads_no_row_without_exactly_one_label(self, base: Path, size: str) -> None:
        content_type = f"text/csv; label_size={size}"
        code, failure = self.train(base, {"train/a": "1,2\n"}, content_type=content_type)
        assert code == CUSTOMER_ERROR
        assert failure == (
            f"ContentType is '{content_type}'; a row to train on has one label: label_size=1"
        )

    def test_refuses_bytes_that_are_no_recordio(self, base: Path) -> None:
        files = {"train/a": b"1,2\n"}
        code, failure = self.train(base, files, content_type="application/x-recordio-protobuf")
        assert code == CUSTOMER_ERROR
        assert "Unable to read data channel 'train'" in failure

    def test_leaves_no_model_when_it_fails(self, base: Path) -> None:
        self.train(base, {"train/a.csv": "x"})
        assert list((base / "model").iterdir()) == []
