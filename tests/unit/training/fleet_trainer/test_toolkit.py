"""The script of the fleet job in AWS's own training toolkit, which runs it in the container.

https://github.com/aws/sagemaker-training-toolkit, called as
https://github.com/aws/sagemaker-scikit-learn-container calls it.
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from localaws.containers.process_host import ProcessHost
from tests.environments import TOOLKIT
from tests.unit.training.fleet_trainer.fitted import URL, write_cities, write_preprocessor
from tests.unit.training.fleet_trainer.test_program import BAD, GOOD, Job, artifacts, reports
from training.fleet_trainer.recipe import Recipe
from training.fleet_trainer.request import Cluster, fleet_request, source

pytestmark = pytest.mark.skipif(not TOOLKIT.python.exists(), reason=TOOLKIT.absence)

TRAIN = """
from sagemaker_training import entry_point, environment, runner

job = environment.Environment()
entry_point.run(
    uri=job.module_dir,
    user_entry_point=job.user_entry_point,
    args=job.to_cmd_args(),
    env_vars=job.to_env_vars(),
    runner_type=runner.ProcessRunnerType,
)
"""
CITIES = {**dict(list(GOOD.items())[:3]), **BAD}


@pytest.fixture
def base(tmp_path: Path) -> Path:
    """What SageMaker puts below /opt/ml for the job's own request, on the only host."""
    archive = tmp_path / "sourcedir.tar.gz"
    archive.write_bytes(source())
    request = fleet_request(
        image="image",
        role_arn="role",
        region="us-east-1",
        source_url=str(archive),
        cities_url="s3://bucket/cities.manifest",
        preprocessor_url=URL,
        output_url="s3://bucket/jobs",
        recipe=Recipe(
            {
                "feature_dim": "10",
                "mini_batch_size": "20",
                "predictor_type": "regressor",
                "epochs": "6",
                "loss": "absolute_loss",
            }
        ),
        cluster=Cluster(),
    )
    base = tmp_path / "ml"
    config = base / "input" / "config"
    config.mkdir(parents=True)
    channels: dict[str, Any] = {each["ChannelName"]: {} for each in request["InputDataConfig"]}
    for name, content in (
        ("hyperparameters", request["HyperParameters"]),
        ("inputdataconfig", channels),
        ("resourceconfig", {"current_host": "algo-1", "hosts": ["algo-1"]}),
    ):
        (config / f"{name}.json").write_text(json.dumps(content))
    write_cities(base / "input" / "data" / "cities", CITIES)
    write_preprocessor(base / "input" / "data" / "preprocessor")
    return base


def test_the_toolkit_runs_it_to_the_same_artifacts_and_reports(
    process_host: ProcessHost, base: Path, tmp_path: Path
) -> None:
    done = subprocess.run(
        [str(TOOLKIT.python), "-c", TRAIN],
        # The name of the host is not looked up, as there is no cluster.
        env={
            "PATH": f"{TOOLKIT.python.parent}:{os.environ['PATH']}",
            "SAGEMAKER_BASE_DIR": str(base),
            "SM_STUDIO_LOCAL_MODE": "true",
        },
        cwd=base,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "algo-1: 3 cities trained, 2 failed, of 5" in done.stdout

    here = tmp_path / "here"
    cities = write_cities(here / "cities", CITIES)
    Job(process_host, here).run(cities, here / "model")
    assert artifacts(base / "model") == artifacts(here / "model")
    assert reports(base / "model") == reports(here / "model")
