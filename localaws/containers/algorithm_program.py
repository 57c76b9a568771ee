"""What the programs of AWS's own algorithms have in common, when they train."""

import json
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

CUSTOMER_ERROR = 2
ALGORITHM_ERROR = 1


class CustomerError(Exception):
    """The job's input is at fault; the text becomes its FailureReason."""


class Log(Protocol):
    """Writes a line in the algorithm's form."""

    def __call__(self, message: str, level: str = "INFO", /) -> None: ...


def ended(run: Callable[[Path], None], log: Log) -> int:
    """Run on the container's ``/opt/ml``: 0, 2 for a customer's error, 1 for any other."""
    base = Path(os.environ["SAGEMAKER_BASE_DIR"])
    try:
        run(base)
    except CustomerError as error:
        log(f"Customer Error: {error}", "ERROR")
        return _fail(base, str(error), CUSTOMER_ERROR)
    except Exception as error:
        log(traceback.format_exc(), "ERROR")
        return _fail(base, f"{type(error).__name__}: {error}", ALGORITHM_ERROR)
    return 0


def read_config(base: Path, name: str) -> dict[str, Any]:
    """A file of ``/opt/ml/input/config``."""
    contents: dict[str, Any] = json.loads((base / "input" / "config" / name).read_text())
    return contents


def _fail(base: Path, reason: str, code: int) -> int:
    (base / "output" / "failure").write_text(reason)
    return code
