"""The app imports its stacks while the CDK's own process is busy with something else."""

import subprocess
import sys
from importlib import import_module

import app
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


def test_the_apps_rule_of_target_models_is_the_librarys() -> None:
    librarys = import_module("sagemaker_mme.target_model_rule")
    assert app.TARGET_MODEL_RULE.samefile(librarys.RULE_FILE)
