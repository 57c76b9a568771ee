"""Arguments and variables of a training script, as sagemaker-training makes them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localaws.containers.contract import TrainingHost
from localaws.containers.scikit_learn_variables import ScriptParameters

HOST = Path("/jobs/one/algo-1")

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)
)
NAMES = st.from_regex(r"[a-z][a-z_-]{0,10}", fullmatch=True).filter(
    lambda name: not name.startswith("sagemaker_")
)


def parameters(hyperparameters: dict[str, str], **environment: str) -> ScriptParameters:
    return ScriptParameters.of(
        TrainingHost(HOST, "algo-1", ("algo-1",), hyperparameters, environment)
    )


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ('"quoted"', "quoted"),
        ("bare", "bare"),
        ("10", 10),
        ("0.5", 0.5),
        ("true", True),
        ("null", None),
        ('{"a": 1}', {"a": 1}),
        ("1e", "1e"),
        ('"/opt/ml/model"', "/opt/ml/model"),
    ],
)
def test_a_hyperparameter_is_json_where_it_can_be(text: str, value: Any) -> None:
    assert parameters({"name": text}).user == {"name": value}


@pytest.mark.parametrize(
    ("text", "value"),
    [('"/opt/ml/model"', f"{HOST}/model"), ("/opt/ml", str(HOST)), ("/opt/mlx", "/opt/mlx")],
)
def test_a_path_is_the_real_one_where_the_kernel_shows_no_opt_ml(text: str, value: str) -> None:
    host = TrainingHost(HOST, "algo-1", ("algo-1",), {"name": text}, without_opt_ml="refused")
    assert ScriptParameters.of(host).user == {"name": value}


@pytest.mark.parametrize(
    ("user", "arguments"),
    [
        ({"b": "2", "alpha": "1"}, ["--alpha", "1", "-b", "2"]),
        ({"flag": "true"}, ["--flag", "True"]),
        ({"empty": "null"}, ["--empty", ""]),
        ({"map": '{"b": 2, "a": 1}'}, ["--map", "a=1,b=2"]),
        ({"list": "[1, 2]"}, ["--list", "[1, 2]"]),
    ],
)
def test_arguments_are_those_of_the_toolkit(user: dict[str, str], arguments: list[str]) -> None:
    assert parameters(user).arguments == arguments


@given(st.dictionaries(NAMES, JSON_VALUES))
def test_what_the_sdk_quotes_the_script_gets(values: dict[str, Any]) -> None:
    read = parameters({name: json.dumps(value) for name, value in values.items()})
    assert read.user == values
    assert len(read.arguments) == 2 * len(values)
    assert all(isinstance(argument, str) for argument in read.arguments)


def test_what_is_the_platforms_is_kept_from_the_script() -> None:
    read = parameters(
        {
            "sagemaker_program": '"train.py"',
            "sagemaker_submit_directory": '"s3://bucket/sourcedir.tar.gz"',
            "sagemaker_container_log_level": "10",
            "sagemaker_job_name": '"forest-1"',
            "sagemaker_region": '"eu-west-1"',
            "_tuning_objective_metric": '"validation:rmse"',
            "sagemaker_parameter_server_enabled": "true",
            "alpha": "1",
        }
    )
    assert (read.program, read.submitted) == ("train.py", "s3://bucket/sourcedir.tar.gz")
    assert (read.log_level, read.job_name, read.region) == (10, "forest-1", "eu-west-1")
    assert read.user == {"alpha": 1}
    assert read.framework == {"sagemaker_parameter_server_enabled": True}


def test_the_program_may_come_from_the_environment() -> None:
    assert parameters({}, SAGEMAKER_PROGRAM="train.py").program == "train.py"
