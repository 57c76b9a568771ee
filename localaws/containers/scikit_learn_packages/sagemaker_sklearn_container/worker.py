"""A process of the container: loads a model with its script, then answers one request at a time.

Started as ``python -m`` this module with a JSON object: ``program``, ``paths`` (where modules are
found), ``model`` (the folder), ``accept`` (the default) and ``multi_model``. Descriptor 3 is the
socket; the first answer on it says whether the model was loaded.
"""

from __future__ import annotations

import importlib
import json
import logging
import socket
import sys
import traceback
from typing import Any

from sagemaker_sklearn_container.frames import Answer, Reader, Request
from sagemaker_sklearn_container.multi_model import MultiModel
from sagemaker_sklearn_container.serving import ServedModel

CONNECTION = 3
READ_BYTES = 1 << 16
"""At a time. A buffer that is larger comes from the kernel anew each time, which takes as long as a
request."""
LOG_FORMAT = "%(asctime)s %(levelname)s - %(name)s - %(message)s"
"""The container's, which logs from INFO on (sagemaker_sklearn_container/serving.py)."""


def main() -> None:
    """Serve until the other end closes."""
    settings = json.loads(sys.argv[1])
    connection = socket.socket(fileno=CONNECTION)
    connection.set_inheritable(False)  # A program that the script starts must not hold it open.
    try:
        model = _load(settings)
    except BaseException as error:
        traceback.print_exc(file=sys.stderr)
        reason = traceback.format_exception_only(type(error), error)[-1].strip()
        connection.sendall(Answer(500, "", "", reason.encode()).pack())
        raise SystemExit(1) from None
    connection.sendall(Answer(200, "", "", b"").pack())
    _serve(connection, model)


def _load(settings: dict[str, Any]) -> ServedModel | MultiModel:
    sys.path[:1] = settings["paths"]
    logging.basicConfig(format=LOG_FORMAT, level=logging.INFO)
    name = settings["program"]
    script = importlib.import_module(name[:-3] if name.endswith(".py") else name)
    kind = MultiModel if settings["multi_model"] else ServedModel
    return kind(script, settings["model"], settings["accept"])


def _serve(connection: socket.socket, model: ServedModel | MultiModel) -> None:
    reader = Reader()
    while True:
        data = connection.recv(READ_BYTES)
        if not data:
            return
        for frame in reader.feed(data):
            connection.sendall(model.answer(Request.unpack(*frame)).pack())


if __name__ == "__main__":
    main()
