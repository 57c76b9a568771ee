"""A user's serving script in MultiModel mode: what Multi Model Server and the toolkit make of it.

https://github.com/aws/sagemaker-inference-toolkit (transformer.py) with the defaults of
https://github.com/aws/sagemaker-scikit-learn-container (handler_service.py).
"""

from __future__ import annotations

import inspect
import sys
import traceback
from types import SimpleNamespace
from typing import Any

from sagemaker_inference import decoder, encoder, errors

from sagemaker_sklearn_container.frames import Answer, Request
from sagemaker_sklearn_container.serving import ANY, FUNCTIONS, JSON, UTF8_TYPES

TEXT = "text/plain"


class MultiModel:
    """One of the models of a container, behind the functions that all of them share."""

    def __init__(self, script: Any, model_directory: str, default_accept: str) -> None:
        self._default_accept = default_accept
        self._context = SimpleNamespace(system_properties={"model_dir": model_directory})
        given = {name: getattr(script, name, None) for name in FUNCTIONS}
        self._transform = getattr(script, "transform_fn", None)
        if self._transform and any(given.values()):
            raise ValueError(
                "Cannot use transform_fn implementation in conjunction with input_fn, predict_fn, "
                "and/or output_fn implementation"
            )
        self._read = given["input_fn"] or _default_input
        self._predict = given["predict_fn"] or _default_predict
        self._write = given["output_fn"] or _default_output
        self._model = self._call(getattr(script, "model_fn", _default_model), model_directory)

    def answer(self, request: Request) -> Answer:
        """What the server answers, with the reason of a failure, unlike in SingleModel mode."""
        try:
            return self._answer(request)
        except Exception as error:
            trace = traceback.format_exc()
            print(trace, end="", file=sys.stderr)
            status, message = 500, str(error)
            if isinstance(error, errors.BaseInferenceToolkitError):
                status, message = error.status_code, error.message
            return Answer(status, TEXT, "", f"{message}\n{trace}".encode())

    def _answer(self, request: Request) -> Answer:
        accept = request.accept
        if accept in ("", ANY):
            accept = self._default_accept
        content_type = request.content_type or JSON
        content: str | bytes = request.body
        if content_type in UTF8_TYPES:
            content = request.body.decode("utf-8")
        if self._transform:
            result = self._call(self._transform, self._model, content, content_type, accept)
        else:
            data = self._call(self._read, content, content_type)
            result = self._call(self._write, self._call(self._predict, data, self._model), accept)
        body, answered = result[:2] if isinstance(result, tuple) else (result, accept)
        if not isinstance(body, (str, bytes, bytearray)):
            raise TypeError(
                f"a {type(body).__name__} cannot be an answer in MultiModel mode: return str or "
                "bytes, or a tuple of these and the content type"
            )
        return Answer(200, answered, "", body.encode() if isinstance(body, str) else bytes(body))

    def _call(self, function: Any, *arguments: Any) -> Any:
        """With the context too where the function has room for it."""
        wanted = len(inspect.signature(function).parameters)
        if wanted == len(arguments) + 1:
            return function(*arguments, self._context)
        return function(*arguments)


def _default_model(model_dir: str) -> Any:
    raise NotImplementedError(
        "Please provide a model_fn implementation.\n"
        "See documentation for model_fn at https://github.com/aws/sagemaker-python-sdk"
    )


def _default_input(data: str | bytes, content_type: str) -> Any:
    array = decoder.decode(data, content_type)
    if len(array.shape) == 1:
        array = array.reshape(1, -1)
    return array.astype("float32") if content_type in UTF8_TYPES else array


def _default_predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _default_output(prediction: Any, accept: str) -> Any:
    return encoder.encode(prediction, accept), accept
