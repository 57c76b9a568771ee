"""Loads models into containers, whatever these throw."""

import traceback
from pathlib import Path

from localaws.containers.contract import Container, LoadedModel, ModelLoadError
from localaws.hosting.logs import LogStream


def load_model(container: Container, directory: Path, log: LogStream) -> LoadedModel:
    """Load a model. What broke stands in the container's log.

    Raises
    ------
    ModelLoadError
        Whatever went wrong.
    """
    try:
        return container.load(directory)
    except ModelLoadError:
        raise
    except Exception as error:
        log.write(traceback.format_exc())
        raise ModelLoadError(f"{type(error).__name__}: {error}") from error


def close_model(model: LoadedModel, log: LogStream) -> None:
    """Close a model that is no longer used; one that breaks meanwhile is gone all the same."""
    try:
        model.close()
    except Exception:
        log.write(traceback.format_exc())
