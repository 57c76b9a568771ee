"""The app imports its stacks while the CDK's own process is busy with something else."""

import subprocess
import sys

from tests.synth.conftest import ROOT

STACKS_WITHOUT_THE_CDKS_PROCESS = """
import app
import jsii
jsii.kernel.provider._process.stop()
import stacks.housing
import stacks.limits
"""


def test_no_module_of_the_stacks_asks_the_cdks_process_anything_when_it_is_imported() -> None:
    subprocess.run([sys.executable, "-c", STACKS_WITHOUT_THE_CDKS_PROCESS], cwd=ROOT, check=True)
