"""What takes long to import, once for all that is forked for the tests of one worker.

Nothing of scripts/, whose options follow the columns of the folder that a command runs in.
"""

import gc
import importlib
from functools import cache
from pathlib import Path
from typing import Any

from botocore.loaders import JSONFileLoader
from botocore.session import Session

from localaws.ministack import embedding
from localaws.processes import isolation
from localaws.processes.fork_server import PRELOADED
from localaws.state import ACCOUNT_ID, REGION, Credentials, State

NOBODYS = State(Path("/nobodys-state"), ACCOUNT_ID, REGION, Credentials("", ""))
NOBODYS_PORT = 65521
"""What MiniStack's modules are imported with, whose servers then have their own."""

gc.disable()  # What is imported stays.
embedding.configure(NOBODYS, NOBODYS_PORT)
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
    "localaws.server",
    "localaws.testing",
    "ministack.app",
    "ministack.services.cloudformation",
    *(f"ministack.services.{name}" for name in embedding.MODULES),
    *(f"ministack.services.{name}" for name in embedding.LATE_SERVICES.values()),
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
for service in (
    "cloudformation",
    "cloudwatch",
    "dynamodb",
    "iam",
    "kms",
    "lambda",
    "logs",
    "s3",
    "sagemaker",
    "ssm",
    "stepfunctions",
    "sts",
):
    Session().create_client(service, "us-east-1")
isolation.has_process_namespaces()  # each fork server would try
gc.collect()
gc.freeze()
gc.enable()
