"""Jobs that meet a role without permissions, or the end of localaws."""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws import lifecycle
from localaws.testing import LocalAws
from localaws.testing.hosting import wait_until
from localaws.testing.jobs import (
    LINEAR_LEARNER,
    SCIKIT_LEARN,
    Jobs,
    houses_csv,
    make_jobs,
    source_archive,
    statement,
)
from tests.local.servers import start_localaws

PARAMETERS = {"predictor_type": "regressor", "mini_batch_size": "100", "epochs": "1"}

SECONDS = str(600 + os.getpid() / 1_000_000)
"""Which tells the script's processes from all others of the machine."""
SLEEP = f"""
    import subprocess
    print("waiting", flush=True)
    subprocess.run(["sleep", "{SECONDS}"])
    """


class TestRole:
    """What SageMaker does for a job, it does with the job's role."""

    @pytest.fixture(scope="class")
    @classmethod
    def jobs(cls, localaws: LocalAws) -> Jobs:
        jobs = make_jobs(localaws.session(), "test-job-roles")
        jobs.put("rows/train.csv", houses_csv(200))
        return jobs

    def request(self, jobs: Jobs, name: str, role_arn: str) -> dict[str, Any]:
        channels = {"train": jobs.uri("rows/")}
        return jobs.training_request(
            name, LINEAR_LEARNER, channels, HyperParameters=PARAMETERS, RoleArn=role_arn
        )

    def role(self, jobs: Jobs, name: str, principal: str, *actions: str) -> str:
        iam = jobs.session.client("iam")
        trust = statement("Allow", "sts:AssumeRole", Principal={"Service": principal})
        role = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)
        if actions:
            resources = [f"arn:aws:s3:::{jobs.bucket}", f"arn:aws:s3:::{jobs.bucket}/*"]
            policy = statement("Allow", list(actions), Resource=resources)
            iam.put_role_policy(RoleName=name, PolicyName="data", PolicyDocument=policy)
        arn: str = role["Role"]["Arn"]
        return arn

    def test_that_may_not_list_is_refused_at_once(self, jobs: Jobs) -> None:
        role = self.role(jobs, "cannot-list", "sagemaker.amazonaws.com", "s3:GetObject")
        with pytest.raises(ClientError, match=r'has "s3:ListBucket" permissions'):
            jobs.sagemaker.create_training_job(**self.request(jobs, "cannot-list", role))

    def test_that_may_not_read_fails_the_job(self, jobs: Jobs) -> None:
        role = self.role(jobs, "cannot-read", "sagemaker.amazonaws.com", "s3:ListBucket")
        job = jobs.train(self.request(jobs, "cannot-read", role))
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("ClientError: Data download failed:AccessDenied")
        assert job["SecondaryStatusTransitions"][-1]["StatusMessage"] == job["FailureReason"]

    def test_that_may_not_write_fails_the_job(self, jobs: Jobs) -> None:
        actions = ("s3:ListBucket", "s3:GetObject")
        role = self.role(jobs, "cannot-write", "sagemaker.amazonaws.com", *actions)
        job = jobs.train(self.request(jobs, "cannot-write", role))
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("ClientError: Artifact upload failed:")

    def test_that_does_not_trust_sagemaker_is_refused(self, jobs: Jobs) -> None:
        role = self.role(jobs, "trusts-lambda", "lambda.amazonaws.com")
        with pytest.raises(ClientError, match="Could not assume role"):
            jobs.sagemaker.create_training_job(**self.request(jobs, "no-trust", role))

    def test_can_only_be_named_by_callers_who_may_pass_it(
        self, localaws: LocalAws, jobs: Jobs
    ) -> None:
        iam = jobs.session.client("iam")
        iam.create_user(UserName="cannot-pass")
        policy = statement("Allow", "sagemaker:*", Resource="*")
        iam.put_user_policy(UserName="cannot-pass", PolicyName="all", PolicyDocument=policy)
        keys = iam.create_access_key(UserName="cannot-pass")["AccessKey"]
        session = localaws.session(keys["AccessKeyId"], keys["SecretAccessKey"])
        with pytest.raises(ClientError, match="iam:PassRole"):
            session.client("sagemaker").create_training_job(
                **self.request(jobs, "cannot-pass", jobs.role_arn)
            )


class TestEndOfLocalaws:
    @pytest.fixture
    def directory(self, tmp_path: Path) -> Iterator[Path]:
        """The state folder of a server; whatever runs on it in the end is stopped."""
        yield tmp_path / "state"
        lifecycle.stop(tmp_path / "state")

    def start_job(self, localaws: LocalAws) -> None:
        """Start a job, and wait for its script to run."""
        jobs = make_jobs(localaws.session(), "test-restart")
        archive = source_archive(train_py=dedent(SLEEP))
        hyperparameters = {
            "sagemaker_program": "train.py",
            "sagemaker_submit_directory": jobs.put("sourcedir.tar.gz", archive),
        }
        jobs.put("rows/rows.csv", "1,2")
        channels = {"train": jobs.uri("rows/")}
        training = jobs.training_request(
            "running", SCIKIT_LEARN, channels, HyperParameters=hyperparameters
        )
        jobs.sagemaker.create_training_job(**training)
        jobs.sagemaker.create_hyper_parameter_tuning_job(**tuning_request(training))
        group = "/aws/sagemaker/TrainingJobs"
        jobs.wait_for_line(group, "running", "waiting")
        wait_until(is_script_running, "the job's script does not run")

    def assert_failed_after_restart(self, directory: Path) -> None:
        client = start_localaws(directory).session().client("sagemaker")
        job = client.describe_training_job(TrainingJobName="running")
        assert job["TrainingJobStatus"] == "Failed"
        assert job["FailureReason"].startswith("InternalServerError: localaws stopped while")
        tuning = client.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tuning")
        assert tuning["HyperParameterTuningJobStatus"] == "Failed"
        assert tuning["FailureReason"] == job["FailureReason"]
        assert tuning["TrainingJobStatusCounters"]["InProgress"] == 0

    def test_by_stop_ends_running_jobs_at_once_and_says_so_afterwards(
        self, directory: Path
    ) -> None:
        self.start_job(start_localaws(directory))
        lifecycle.stop(directory)
        wait_until(lambda: not is_script_running(), "the job's script runs on")
        self.assert_failed_after_restart(directory)

    def test_by_kill_leaves_no_job_in_progress(self, directory: Path) -> None:
        self.start_job(start_localaws(directory))
        running = lifecycle.find_running(directory)
        assert running is not None
        os.kill(running.process_id, signal.SIGKILL)
        while lifecycle.find_running(directory) or is_script_running():
            time.sleep(0.05)
        self.assert_failed_after_restart(directory)


def tuning_request(training: dict[str, Any]) -> dict[str, Any]:
    """A tuning job of the same training job."""
    definition = {
        member: value
        for member, value in training.items()
        if member not in ("TrainingJobName", "HyperParameters")
    }
    algorithm = {
        **training["AlgorithmSpecification"],
        "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*)"}],
    }
    ranges = {"IntegerParameterRanges": [{"Name": "number", "MinValue": "1", "MaxValue": "9"}]}
    return {
        "HyperParameterTuningJobName": "tuning",
        "HyperParameterTuningJobConfig": {
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "loss"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 1},
            "ParameterRanges": ranges,
        },
        "TrainingJobDefinition": {
            **definition,
            "AlgorithmSpecification": algorithm,
            "StaticHyperParameters": training["HyperParameters"],
        },
    }


def is_script_running() -> bool:
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if SECONDS.encode() in path.read_bytes().split(b"\0"):
                return True
    return False
