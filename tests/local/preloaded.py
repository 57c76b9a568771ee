"""What takes long to import, once for all that is forked for the tests of one worker.

Nothing of scripts/, whose options follow the columns of the folder that a command runs in; nothing
of MiniStack, which reads the settings of one server when it is imported.
"""

import gc
import importlib
from functools import cache
from typing import Any

from botocore.loaders import JSONFileLoader
from botocore.session import Session

from localaws.processes.fork_server import PRELOADED

for module in (
    *PRELOADED,
    "boto3",
    "fleet.access.live",
    "fleet.cache.charts",
    "fleet.deployment",
    "hypercorn.protocol.h11",
    "localaws.apis",
    "localaws.authorization",
    "localaws.http.invocations",
    "localaws.proxy.certificates",
    "localaws.testing",
    "training.pipeline",
    "uvicorn",
):
    importlib.import_module(module)
read = JSONFileLoader().load_file


@cache
def read_once(path: str) -> Any:
    """One of botocore's files; each command of its own would parse megabytes of them."""
    return read(path)


JSONFileLoader.load_file = lambda self, file_path: read_once(file_path)  # type: ignore[method-assign]
for service in ("cloudformation", "cloudwatch", "iam", "logs", "s3", "sagemaker", "ssm", "sts"):
    Session().create_client(service, "us-east-1")
gc.collect()
gc.freeze()
