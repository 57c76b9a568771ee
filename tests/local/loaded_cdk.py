"""The real cdk CLI, loaded once a worker: for deployments that a test needs and is not about.

Of the two seconds of a processor that a run of the CLI takes, most load the CLI and what it knows
of resource types. Where the CLI itself is the point, as in test_cdk.py, ``LocalAws.cdk`` starts it.
"""

import json
import os
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

from localaws.testing import LocalAws

NODE = Path(sys.executable).with_name("node")
PROGRAM = Path(__file__).with_suffix(".cjs")


def cdk(aws: LocalAws, *arguments: str, folder: Path | None = None, check: bool = True) -> str:
    """What a run of the CLI in a folder, by default the project's, wrote.

    Raises
    ------
    AssertionError
        It failed, and ``check`` is set; the message shows what it wrote.
    """
    # The SDK for JavaScript reads a profile once, and a server that starts again may have moved.
    environment = {**aws.environment, "AWS_ENDPOINT_URL": aws.endpoint_url}
    run = {"arguments": arguments, "folder": str(folder or aws.home), "environment": environment}
    process = _loaded(aws.home)
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(run) + "\n")
    process.stdin.flush()
    ended: dict[str, Any] = json.loads(process.stdout.readline())
    written: str = ended["written"]
    assert not (check and ended["failed"]), f"cdk {' '.join(arguments)} failed:\n{written}"
    return written


@cache
def _loaded(home: Path) -> "subprocess.Popen[str]":
    """It ends with this process, whose end closes its input."""
    return subprocess.Popen(
        [NODE, PROGRAM, home / "node_modules" / "aws-cdk"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "CI": "true", "FORCE_COLOR": "0"},
    )
