"""What takes long to import, once for all that is forked for the tests of one worker.

Nothing of scripts/, whose options follow the columns of the folder that a command runs in; nothing
of MiniStack, which reads the settings of one server when it is imported.
"""

import gc
import importlib

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
gc.collect()
gc.freeze()
