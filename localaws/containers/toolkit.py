"""The modules that run inside of the scikit-learn container, for localaws' own use."""

import importlib
import sys
from functools import cache
from types import ModuleType

from localaws.containers.python_environment import PACKAGES


@cache
def toolkit(name: str) -> ModuleType:
    """A module of ``sagemaker_containers``, the one that scripts have."""
    if str(PACKAGES) not in sys.path:
        sys.path.append(str(PACKAGES))  # Behind everything else: what is installed comes first.
    return importlib.import_module(f"sagemaker_containers.{name}")
