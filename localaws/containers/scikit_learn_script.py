"""A user's serving script: its functions, the container's defaults for them, and its answers.

The behaviour is that of the toolkit in SingleModel mode: Flask behind sagemaker-containers 2.8.6
(https://github.com/aws/sagemaker-containers, _transformer.py and _worker.py) with the defaults of
https://github.com/aws/sagemaker-scikit-learn-container (serving.py).
"""

import json
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

from localaws.containers.contract import ContainerRequest, ContainerResponse, LogSink
from localaws.containers.scikit_learn_environment import container_variables, environment_of
from localaws.containers.scikit_learn_modules import ScriptModules, toolkit
from localaws.containers.scikit_learn_output import captured_output, kept_root_logger

JSON = "application/json"
UTF8_TYPES = (JSON, "text/csv")
ANY = "*/*"
HTML = "text/html; charset=utf-8"
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"

INTERNAL_SERVER_ERROR = ContainerResponse(
    b"<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n"
    b"<h1>Internal Server Error</h1>\n<p>The server encountered an internal error and was unable "
    b"to complete your request. Either the server is overloaded or there is an error in the "
    b"application.</p>\n",
    HTML,
    status=500,
)
"""What Flask answers when a function of the script raises; the reason is in the log alone."""

Transform = Callable[[Any, str | bytes, str, str], Any]


class ScriptError(Exception):
    """A script that cannot be served; the text is its traceback, or one line."""


@dataclass(frozen=True)
class ServingSettings:
    """``default_accept`` stands in for a missing Accept; ``log`` takes what the script prints."""

    default_accept: str
    environment: Mapping[str, str]
    log: LogSink


class Script:
    """A script and the modules beside it, apart from those of every other endpoint."""

    def __init__(self, code_directory: Path, program: str, settings: ServingSettings) -> None:
        self._name = program.removesuffix(".py")
        if not (code_directory / f"{self._name}.py").is_file():
            raise ScriptError(f"{program} is not in {code_directory.name}/ of the model artifact")
        self._modules = ScriptModules(code_directory)
        self._settings = settings

    def load_model(self, model_directory: Path) -> "ServedModel":
        """Import the script and load its model. Raises ``ScriptError`` when either fails."""
        variables = container_variables(self._settings.environment)
        with captured_output(self._settings.log), environment_of(variables):
            try:
                with self._modules.importable(), kept_root_logger():
                    module = self._modules.load(self._name)
                    transform = _transform_function(module)
                    model = _model_function(module)(str(model_directory))
            except ScriptError:
                raise
            except BaseException as error:  # SystemExit and the like end a script, not localaws.
                raise ScriptError(traceback.format_exc()) from error
        return ServedModel(model, transform, variables, self._settings)


class ServedModel:
    """A loaded model behind the functions of its script."""

    def __init__(
        self,
        model: Any,
        transform: Transform,
        variables: dict[str, str],
        settings: ServingSettings,
    ) -> None:
        self._model = model
        self._transform = transform
        self._variables = variables
        self._settings = settings

    def invoke(self, request: ContainerRequest) -> ContainerResponse:
        content_type = request.content_type or JSON
        accept = request.accept
        if accept in ("", ANY):
            accept = self._settings.default_accept
        # Decoded only for exactly these types: "text/csv; charset=utf-8" reaches the script as
        # bytes (sagemaker_containers/_worker.py, Request.content).
        content: str | bytes = request.body
        if content_type in UTF8_TYPES:
            content = request.body.decode("utf-8", "replace")
        with captured_output(self._settings.log), environment_of(self._variables):
            try:
                return _response(self._transform(self._model, content, content_type, accept))
            except BaseException:  # SystemExit and the like end a script's worker, not localaws.
                self._settings.log(traceback.format_exc().rstrip())
                return INTERNAL_SERVER_ERROR

    def close(self) -> None:
        """Nothing to free."""


def _model_function(module: ModuleType) -> Callable[[str], Any]:
    function: Callable[[str], Any] = getattr(
        module, "model_fn", toolkit("_transformer").default_model_fn
    )
    return function


def _transform_function(module: ModuleType) -> Transform:
    functions = {
        name: function
        for name in ("input_fn", "predict_fn", "output_fn")
        if (function := getattr(module, name, None)) is not None
    }
    transform: Transform | None = getattr(module, "transform_fn", None)
    if transform is None:
        return _pipeline(**functions)
    if functions:
        raise ScriptError(
            "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"
        )
    return transform


def _default_input(data: str | bytes, content_type: str) -> Any:
    array = toolkit("_encoders").decode(data, content_type)
    return array.astype("float32") if content_type in UTF8_TYPES else array


def _default_predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _default_output(prediction: Any, accept: str) -> Any:
    return toolkit("_transformer").default_output_fn(prediction, accept)


def _pipeline(
    input_fn: Callable[[str | bytes, str], Any] = _default_input,
    predict_fn: Callable[[Any, Any], Any] = _default_predict,
    output_fn: Callable[[Any, str], Any] = _default_output,
) -> Transform:
    def transform(model: Any, content: str | bytes, content_type: str, accept: str) -> Any:
        return output_fn(predict_fn(input_fn(content, content_type), model), accept)

    return transform


def _response(result: Any) -> ContainerResponse:
    """What the server makes of a function's result.

    A tuple is (body, content type); a plain string or bytes are HTML, a dict or list JSON, as Flask
    has it; anything else must be a response.
    """
    if isinstance(result, tuple):
        result = toolkit("_worker").Response(response=result[0], mimetype=result[1])
    if isinstance(result, str | bytes | bytearray):
        body = result.encode() if isinstance(result, str) else bytes(result)
        return ContainerResponse(body, HTML)
    if isinstance(result, dict | list):
        text = json.dumps(result, sort_keys=True, separators=(",", ":"))
        return ContainerResponse(f"{text}\n".encode(), JSON)
    if not hasattr(result, "get_data"):
        raise TypeError(
            "The view function for 'invocations' did not return a valid response: "
            f"a {type(result).__name__} is not a string, dict, list, tuple or Response"
        )
    return ContainerResponse(
        result.get_data(),
        result.content_type,
        result.status_code,
        result.headers.get(CUSTOM_ATTRIBUTES, ""),
    )
