"""The packages that scripts for the official container import."""

import subprocess
import sys
from textwrap import dedent

import pytest

from localaws.containers.python_environment import PACKAGES

NOTEBOOK = """
    from sagemaker_containers.beta.framework import (
        content_types, encoders, env, modules, transformer, worker)
    """
"""As in sklearn_preprocessor.py of AWS's notebook
linear_learner_multi_model_endpoint_inf_pipeline and in its inference pipeline examples."""


def run(source: str) -> str:
    """What a script prints that finds the packages and nothing of localaws."""
    done = subprocess.run(
        [sys.executable, "-c", dedent(source)],
        env={"PYTHONPATH": str(PACKAGES)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "source",
    [
        NOTEBOOK,
        "from sagemaker_containers.beta.framework import errors, files, functions, logging",
        "from sagemaker_containers.beta.framework import mapping, params, training_env",
        "from sagemaker_inference import content_types, decoder, encoder, errors, utils",
        "from sagemaker_training import content_types, encoders, environment, errors, files",
        "from sagemaker_training import functions, logging_config, mapping, params",
    ],
)
def test_import(source: str) -> None:
    run(source)


@pytest.mark.parametrize(
    "module", ["sagemaker_containers._encoders", "sagemaker_training.encoders"]
)
def test_encoders_of_training_and_serving_write_arrays(module: str) -> None:
    source = f"""
        from {module} import encode, decode
        print(decode("1,2", "text/csv").tolist(), decode("1,2\\n3,4", "text/csv").tolist())
        print(encode([[1, 2]], "application/json"), repr(encode([1, 2], "text/csv")))
        print(decode(encode([[1.5]], "application/x-npy"), "application/x-npy").tolist())
        """
    assert run(source).splitlines() == [
        "[1.0, 2.0] [[1.0, 2.0], [3.0, 4.0]]",
        "[[1, 2]] '1\\n2\\n'",
        "[[1.5]]",
    ]


def test_the_inference_toolkit_reads_csv_as_numbers() -> None:
    source = """
        from sagemaker_inference import decoder, encoder
        print(decoder.decode("1,2", "text/csv").tolist())
        print(repr(encoder.encode([[1, 2]], "text/csv")))
        """
    assert run(source).splitlines() == ["[1, 2]", "'1,2\\n'"]


def test_a_format_without_an_encoder_is_named() -> None:
    source = """
        from sagemaker_containers.beta.framework import encoders, errors
        try:
            encoders.encode([1], "image/png")
        except errors.UnsupportedFormatError as error:
            print(error.message.splitlines()[0])
        """
    assert run(source) == "Content type image/png is not supported by this framework.\n"


def test_no_pickle_is_loaded_from_a_request() -> None:
    source = """
        import io, numpy
        from sagemaker_containers.beta.framework import encoders
        buffer = io.BytesIO()
        numpy.save(buffer, numpy.array([{}], dtype=object), allow_pickle=True)
        try:
            encoders.decode(buffer.getvalue(), "application/x-npy")
        except ValueError as error:
            print("refused")
        """
    assert run(source) == "refused\n"


def test_an_accept_header_is_told_apart_as_by_the_toolkit() -> None:
    source = """
        from sagemaker_inference import encoder, utils
        types = utils.parse_accept("text/csv; q=0.5, application/json")
        print(types, [type for type in types if type in encoder.SUPPORTED_CONTENT_TYPES])
        """
    assert run(source) == "['text/csv;q=0.5', 'application/json'] ['application/json']\n"


def test_an_error_says_what_it_is_to_be_answered_with() -> None:
    source = """
        from sagemaker_inference.errors import GenericInferenceToolkitError
        error = GenericInferenceToolkitError(400)
        print(error.status_code, error.message, error.phrase)
        """
    assert run(source) == "400 Invalid Request Invalid Request\n"


@pytest.mark.parametrize(
    "environment",
    [
        "sagemaker_containers.training_env()",
        "sagemaker_containers.beta.framework.training_env()",
        "sagemaker_training.environment.Environment()",
    ],
)
def test_the_training_environment_has_what_the_job_was_told(environment: str) -> None:
    source = f"""
        import os
        os.environ["SM_TRAINING_ENV"] = '{{"current_host": "algo-2", "hosts": ["algo-2"]}}'
        import sagemaker_containers.beta.framework, sagemaker_training.environment
        env = {environment}
        print(env.current_host, env["hosts"], sorted(env), hasattr(env, "gpus"))
        """
    assert run(source) == "algo-2 ['algo-2'] ['current_host', 'hosts'] False\n"


def test_functions_get_the_arguments_that_they_take() -> None:
    source = """
        from sagemaker_containers.beta.framework import functions
        print(functions.matching_args(lambda a, b: 0, {"a": 1, "c": 2}))
        """
    assert run(source) == "{'a': 1}\n"
