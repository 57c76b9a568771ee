"""A user's serving script in SingleModel mode: its functions, the defaults, and its answers.

The behaviour is that of Flask behind sagemaker-containers 2.8.6
(https://github.com/aws/sagemaker-containers, _transformer.py and _worker.py) with the defaults of
https://github.com/aws/sagemaker-scikit-learn-container (serving.py).
"""

from __future__ import annotations

import json
import sys
import traceback
from typing import Any

from sagemaker_containers import _encoders, _transformer, _worker

from sagemaker_sklearn_container.frames import Answer, Request

JSON = "application/json"
UTF8_TYPES = (JSON, "text/csv")
ANY = "*/*"
HTML = "text/html; charset=utf-8"
CUSTOM_ATTRIBUTES = "X-Amzn-SageMaker-Custom-Attributes"
FUNCTIONS = ("input_fn", "predict_fn", "output_fn")

INTERNAL_SERVER_ERROR = Answer(
    500,
    HTML,
    "",
    b"<!doctype html>\n<html lang=en>\n<title>500 Internal Server Error</title>\n"
    b"<h1>Internal Server Error</h1>\n<p>The server encountered an internal error and was unable "
    b"to complete your request. Either the server is overloaded or there is an error in the "
    b"application.</p>\n",
)
"""What Flask answers when a function of the script raises; the reason is in the log alone."""


class UserError(Exception):
    """A script that cannot be served."""


class ServedModel:
    """A model behind the functions of its script."""

    def __init__(self, script: Any, model_directory: str, default_accept: str) -> None:
        self._default_accept = default_accept
        self._transform = _transform_function(script)
        self._model = getattr(script, "model_fn", _transformer.default_model_fn)(model_directory)

    def answer(self, request: Request) -> Answer:
        """What the container answers; anything that the script raises is a 500."""
        content_type = request.content_type or JSON
        accept = request.accept
        if accept in ("", ANY):
            accept = self._default_accept
        # Decoded only for exactly these types: "text/csv; charset=utf-8" reaches the script as
        # bytes (sagemaker_containers/_worker.py, Request.content).
        content: str | bytes = request.body
        if content_type in UTF8_TYPES:
            content = request.body.decode("utf-8", "replace")
        try:
            return _response(self._transform(self._model, content, content_type, accept))
        except BaseException:  # SystemExit and the like are the script's too.
            traceback.print_exc(file=sys.stderr)
            return INTERNAL_SERVER_ERROR


def _transform_function(script: Any) -> Any:
    functions = {name: getattr(script, name, None) for name in FUNCTIONS}
    transform = getattr(script, "transform_fn", None)
    if transform is None:
        return _pipeline(**functions)
    if any(functions.values()):
        raise UserError(
            "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"
        )
    return transform


def _pipeline(input_fn: Any, predict_fn: Any, output_fn: Any) -> Any:
    read = input_fn or _default_input
    predict = predict_fn or _default_predict
    write = output_fn or _transformer.default_output_fn

    def transform(model: Any, content: str | bytes, content_type: str, accept: str) -> Any:
        return write(predict(read(content, content_type), model), accept)

    return transform


def _default_input(data: str | bytes, content_type: str) -> Any:
    array = _encoders.decode(data, content_type)
    return array.astype("float32") if content_type in UTF8_TYPES else array


def _default_predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _response(result: Any) -> Answer:
    """What the server makes of a function's result.

    A tuple is (body, content type); a plain string or bytes are HTML, a dict or list JSON, as Flask
    has it; anything else must be a response.
    """
    if isinstance(result, tuple):
        result = _worker.Response(response=result[0], mimetype=result[1])
    if isinstance(result, (str, bytes, bytearray)):
        return Answer(200, HTML, "", result.encode() if isinstance(result, str) else bytes(result))
    if isinstance(result, (dict, list)):
        text = json.dumps(result, sort_keys=True, separators=(",", ":"))
        return Answer(200, JSON, "", (text + "\n").encode())
    if not hasattr(result, "get_data"):
        raise TypeError(
            "The view function for 'invocations' did not return a valid response: "
            f"a {type(result).__name__} is not a string, dict, list, tuple or Response"
        )
    return Answer(
        result.status_code,
        result.content_type,
        result.headers.get(CUSTOM_ATTRIBUTES, ""),
        result.get_data(),
    )
