"""The scikit-learn container's training contract, as a user's script sees it."""

import io
import json
import os
import socket
import zipfile
from textwrap import dedent
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.testing import LocalAws
from localaws.testing.jobs import (
    LINEAR_LEARNER,
    SCIKIT_LEARN,
    Jobs,
    make_jobs,
    source_archive,
    unpacked,
)

SHOW = """
    import json, os, sys
    from pathlib import Path
    report = {
        "arguments": sys.argv[1:],
        "variables": dict(os.environ),
        "files": sorted(
            str(path.relative_to(os.environ["SM_CHANNEL_TRAIN"]))
            for path in Path(os.environ["SM_CHANNEL_TRAIN"]).rglob("*") if path.is_file()
        ),
    }
    name = f"{os.environ['SM_CURRENT_HOST']}.json"
    Path(os.environ["SM_MODEL_DIR"], name).write_text(json.dumps(report))
    Path(os.environ["SM_OUTPUT_DATA_DIR"], "extra.txt").write_text("extra")
    print("loss=3.5;")
    print("loss=2.5;")
    """


@pytest.fixture(scope="module")
def jobs(localaws: LocalAws) -> Jobs:
    jobs = make_jobs(localaws.session(), "test-script-mode")
    for name in ("a.csv", "deep/b.csv", "c.csv"):
        jobs.put(f"data/{name}", "1,2\n")
    return jobs


def script_request(
    jobs: Jobs, name: str, archive: bytes, program: str = "train.py", **members: Any
) -> dict[str, Any]:
    """A request as the SageMaker Python SDK 2 makes it: every hyperparameter is JSON."""
    uri = jobs.put(f"code/{name}/sourcedir.tar.gz", archive)
    hyperparameters = {
        "sagemaker_program": json.dumps(program),
        "sagemaker_submit_directory": json.dumps(uri),
        "sagemaker_job_name": json.dumps(name),
        "sagemaker_region": json.dumps("us-east-1"),
        "sagemaker_container_log_level": "20",
        **members.pop("hyperparameters", {}),
    }
    channels = {"train": jobs.uri("data/")}
    return jobs.training_request(
        name, SCIKIT_LEARN, channels, HyperParameters=hyperparameters, **members
    )


def run_script(jobs: Jobs, name: str, source: str, **members: Any) -> dict[str, Any]:
    return jobs.train(
        script_request(jobs, name, source_archive(train_py=dedent(source)), **members)
    )


@pytest.fixture(scope="module")
def shown(jobs: Jobs) -> dict[str, Any]:
    """The description of a job whose script reports what it was given."""
    return run_script(
        jobs,
        "show",
        SHOW,
        hyperparameters={
            "n-estimators": "10",
            "name": '"forest"',
            "bare": "text",
            "c": "0.5",
            "flags": '{"b": 2, "a": 1}',
            "out": '"/opt/ml/model/here"',
        },
        Environment={"OWN": "value"},
        AlgorithmSpecification={
            "TrainingImage": SCIKIT_LEARN,
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "loss", "Regex": "loss=(.*?);"}],
        },
    )


@pytest.fixture(scope="module")
def report(jobs: Jobs, shown: dict[str, Any]) -> dict[str, Any]:
    files = unpacked(jobs.get(shown["ModelArtifacts"]["S3ModelArtifacts"]))
    contents: dict[str, Any] = json.loads(files["algo-1.json"])
    return contents


class TestScript:
    def test_gets_its_hyperparameters_as_arguments_in_order(self, report: dict[str, Any]) -> None:
        *arguments, out_name, out = report["arguments"]
        assert arguments == [
            *("--bare", "text"),
            *("-c", "0.5"),
            *("--flags", "a=1,b=2"),
            *("--n-estimators", "10"),
            *("--name", "forest"),
        ]
        assert out_name == "--out"
        assert out == f"{report['variables']['SM_MODEL_DIR']}/here"

    def test_gets_its_hyperparameters_as_variables(self, report: dict[str, Any]) -> None:
        variables = report["variables"]
        assert variables["SM_HP_NAME"] == "forest"
        assert variables["SM_HP_N-ESTIMATORS"] == "10"
        assert json.loads(variables["SM_HPS"])["flags"] == {"a": 1, "b": 2}
        assert json.loads(variables["SM_USER_ARGS"]) == report["arguments"]

    def test_knows_its_host_and_channels(self, report: dict[str, Any]) -> None:
        variables = report["variables"]
        assert json.loads(variables["SM_HOSTS"]) == ["algo-1"]
        assert variables["SM_CURRENT_HOST"] == "algo-1"
        assert json.loads(variables["SM_CHANNELS"]) == ["train"]
        assert json.loads(variables["SM_NUM_CPUS"]) == os.cpu_count()
        assert json.loads(variables["SM_RESOURCE_CONFIG"])["current_instance_type"] == "ml.m5.large"
        assert json.loads(variables["SM_INPUT_DATA_CONFIG"])["train"]["TrainingInputMode"] == "File"
        assert json.loads(variables["SM_TRAINING_ENV"])["job_name"] == "show"

    def test_gets_the_variables_of_the_request(self, report: dict[str, Any]) -> None:
        assert report["variables"]["OWN"] == "value"
        assert report["variables"]["TRAINING_JOB_NAME"] == "show"

    def test_gets_no_credentials_of_the_machine(self, report: dict[str, Any]) -> None:
        assert not [name for name in report["variables"] if name.startswith(("AWS_ACC", "AWS_SEC"))]

    def test_finds_the_files_of_its_channel_by_their_paths(self, report: dict[str, Any]) -> None:
        assert report["files"] == ["a.csv", "c.csv", "deep/b.csv"]

    def test_leaves_other_output_beside_the_model(self, jobs: Jobs, shown: dict[str, Any]) -> None:
        archive = jobs.get(jobs.uri("jobs/show/output/output.tar.gz"))
        assert unpacked(archive) == {"extra.txt": b"extra"}

    def test_reports_the_last_value_of_a_metric(self, shown: dict[str, Any]) -> None:
        (metric,) = shown["FinalMetricDataList"]
        assert (metric["MetricName"], metric["Value"]) == ("loss", 2.5)

    def test_has_its_log_in_a_stream_of_its_host(self, jobs: Jobs, shown: dict[str, Any]) -> None:
        ((name, lines),) = jobs.log_lines("/aws/sagemaker/TrainingJobs", "show").items()
        assert name.startswith("show/algo-1-")
        assert "Invoking script with the following command:" in lines
        assert lines[-2:] == ["loss=3.5;", "loss=2.5;"]


class TestFailure:
    def test_of_a_script_that_raises_names_the_exception_and_the_command(self, jobs: Jobs) -> None:
        job = run_script(jobs, "raises", "raise KeyError('missing column')")
        assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Failed"
        assert job["FailureReason"].startswith(
            'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "KeyError: '
        )
        assert "train.py" in job["FailureReason"]
        assert job["FailureReason"].endswith("exit code: 1")

    def test_of_a_script_that_exits_names_its_exit_code(self, jobs: Jobs) -> None:
        job = run_script(jobs, "exits", "import sys; sys.exit(7)")
        assert "ExitCode 7" in job["FailureReason"]

    def test_is_what_the_script_wrote_to_the_failure_file(self, jobs: Jobs) -> None:
        source = """
            import os
            from pathlib import Path
            Path(os.environ["SM_OUTPUT_DIR"], "failure").write_text("the data is too old")
            raise SystemExit(1)
            """
        job = run_script(jobs, "writes-failure", source)
        assert job["FailureReason"] == "AlgorithmError: the data is too old, exit code: 1"

    def test_of_a_missing_script_names_it(self, jobs: Jobs) -> None:
        archive = source_archive(other_py="")
        job = jobs.train(script_request(jobs, "no-script", archive))
        assert "train.py is not in s3://" in job["FailureReason"]

    def test_of_a_source_archive_that_is_none_names_it(self, jobs: Jobs) -> None:
        job = jobs.train(script_request(jobs, "no-archive", b"not a tar.gz"))
        assert job["TrainingJobStatus"] == "Failed"
        assert "sourcedir.tar.gz" in job["FailureReason"]

    def test_leaves_no_model(self, jobs: Jobs) -> None:
        job = run_script(jobs, "no-model", "raise SystemExit(1)")
        assert "ModelArtifacts" not in job


def test_several_instances_run_as_many_scripts_that_know_of_each_other(jobs: Jobs) -> None:
    request = script_request(jobs, "three-hosts", source_archive(train_py=dedent(SHOW)))
    request["ResourceConfig"]["InstanceCount"] = 3
    source = request["InputDataConfig"][0]["DataSource"]["S3DataSource"]
    source["S3DataDistributionType"] = "ShardedByS3Key"
    job = jobs.train(request)
    assert job["TrainingJobStatus"] == "Completed"
    files = unpacked(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    reports = {name: json.loads(text) for name, text in files.items()}
    assert sorted(reports) == ["algo-1.json", "algo-2.json", "algo-3.json"]
    for report in reports.values():
        assert json.loads(report["variables"]["SM_HOSTS"]) == ["algo-1", "algo-2", "algo-3"]
    assert sorted(report["files"] for report in reports.values()) == [
        ["a.csv"],
        ["c.csv"],
        ["deep/b.csv"],
    ]


def test_one_host_that_fails_ends_the_job_on_all(jobs: Jobs) -> None:
    source = """
        import os, time
        if os.environ["SM_CURRENT_HOST"] == "algo-2":
            raise ValueError("second host")
        time.sleep(600)
        """
    request = script_request(jobs, "one-fails", source_archive(train_py=dedent(source)))
    request["ResourceConfig"]["InstanceCount"] = 2
    job = jobs.train(request)
    assert "second host" in job["FailureReason"]


@pytest.mark.parametrize(
    ("package", "source"),
    [
        (
            "sagemaker-containers",
            """
            from sagemaker_containers.beta.framework import content_types, encoders, env, worker
            import sagemaker_containers
            assert sagemaker_containers.training_env().hosts == ["algo-1"]
            assert encoders.decode(b"[1]", content_types.JSON).tolist() == [1]
            """,
        ),
        (
            "sagemaker-inference",
            """
            from sagemaker_inference import content_types, decoder, encoder, errors
            assert encoder.encode([[1]], content_types.JSON) == "[[1]]"
            """,
        ),
        (
            "sagemaker-training",
            """
            from sagemaker_training import encoders, environment, errors, mapping, params
            assert environment.Environment().channel_input_dirs["train"].endswith("data/train")
            """,
        ),
    ],
)
def test_the_packages_of_the_container_can_be_imported(
    jobs: Jobs, package: str, source: str
) -> None:
    job = run_script(jobs, package, source)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")


def test_checkpoints_go_to_s3_and_into_the_next_job(jobs: Jobs) -> None:
    source = """
        import sys
        from pathlib import Path
        counter = Path(sys.argv[sys.argv.index("--checkpoints") + 1], "counter")
        counter.write_text(str(int(counter.read_text()) + 1 if counter.exists() else 1))
        """
    folders: dict[str, tuple[str, dict[str, str]]] = {
        "1": ("/opt/ml/checkpoints", {}),
        "2": ("/opt/ml/saved", {"LocalPath": "/opt/ml/saved"}),
    }
    for number, (path, config) in folders.items():
        job = run_script(
            jobs,
            f"checkpoint-{number}",
            source,
            hyperparameters={"checkpoints": path},
            CheckpointConfig={"S3Uri": jobs.uri("checkpoints"), **config},
        )
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        assert jobs.get(jobs.uri("checkpoints/counter")) == number.encode()


def test_a_model_can_be_left_uncompressed(jobs: Jobs) -> None:
    output = {"S3OutputPath": jobs.uri("jobs"), "CompressionType": "NONE"}
    job = run_script(jobs, "uncompressed", SHOW, OutputDataConfig=output)
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == jobs.uri("jobs/uncompressed/output/model/")
    assert jobs.get(jobs.uri("jobs/uncompressed/output/model/algo-1.json")).startswith(b"{")
    assert jobs.get(jobs.uri("jobs/uncompressed/output/output/extra.txt")) == b"extra"


class TestRequirements:
    """requirements.txt; the packages come with the source, so that no network is needed."""

    def wheel(self) -> bytes:
        """A wheel of the module ``shipped``."""
        wheel = io.BytesIO()
        with zipfile.ZipFile(wheel, "w") as archive:
            archive.writestr("shipped.py", "NAME = 'from the wheel'")
            information = "shipped-1.0.dist-info"
            tag = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
            archive.writestr(f"{information}/WHEEL", tag)
            metadata = "Metadata-Version: 2.1\nName: shipped\nVersion: 1.0\n"
            archive.writestr(f"{information}/METADATA", metadata)
            archive.writestr(f"{information}/RECORD", "")
        return wheel.getvalue()

    def test_are_installed_for_the_job(self, jobs: Jobs) -> None:
        archive = source_archive(
            train_py="import shipped; print(shipped.NAME)",
            requirements_txt="--no-index\n--find-links .\nshipped==1.0\n",
            **{"shipped-1.0-py3-none-any.whl": self.wheel()},
        )
        job = jobs.train(script_request(jobs, "requirements", archive))
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        (lines,) = jobs.log_lines("/aws/sagemaker/TrainingJobs", "requirements").values()
        assert lines[-1] == "from the wheel"

    def test_that_cannot_be_installed_fail_the_job(self, jobs: Jobs) -> None:
        archive = source_archive(train_py="", requirements_txt="--no-index\nnot-there==1.0\n")
        job = jobs.train(script_request(jobs, "no-requirements", archive))
        assert job["FailureReason"].startswith(
            "AlgorithmError: InstallRequirementsError:\nExitCode 1\n"
            'ErrorMessage "ERROR: No matching distribution found for not-there==1.0"\n'
        )

    def test_that_take_for_ever_do_not_keep_the_job_from_being_stopped(self, jobs: Jobs) -> None:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            index = f"http://127.0.0.1:{silent.getsockname()[1]}"
            archive = source_archive(
                train_py="", requirements_txt=f"--index-url {index}\nnot-there==1.0\n"
            )
            jobs.sagemaker.create_training_job(**script_request(jobs, "waiting-for-pip", archive))
            line = "Installing dependencies from requirements.txt:"
            jobs.wait_for_line("/aws/sagemaker/TrainingJobs", "waiting-for-pip", line)
            jobs.sagemaker.stop_training_job(TrainingJobName="waiting-for-pip")
            job = jobs.wait_for_training("waiting-for-pip")
        assert job["TrainingJobStatus"] == "Stopped"


def test_modules_beside_the_script_can_be_imported(jobs: Jobs) -> None:
    archive = source_archive(
        train_py="import helper; helper.check()", helper_py="def check(): pass"
    )
    assert jobs.train(script_request(jobs, "helper", archive))["TrainingJobStatus"] == "Completed"


def test_a_program_that_is_no_python_runs_in_a_shell(jobs: Jobs) -> None:
    script = '#!/bin/sh\necho "$1=$2" > "$SM_MODEL_DIR/arguments"\n'
    archive = source_archive(**{"run.sh": script})
    request = script_request(jobs, "shell", archive, "run.sh", hyperparameters={"alpha": "1"})
    job = jobs.train(request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    files = unpacked(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert files["arguments"] == b"--alpha=1\n"


class TestStop:
    PATIENT = """
        import os, signal, sys, time
        from pathlib import Path
        def leave(*_):
            Path(os.environ["SM_MODEL_DIR"], "so-far").write_text("half a model")
            sys.exit(0)
        signal.signal(signal.SIGTERM, leave)
        print("waiting")
        time.sleep(600)
        """

    def test_ends_the_job_and_keeps_what_the_script_saved(self, jobs: Jobs) -> None:
        archive = source_archive(train_py=dedent(self.PATIENT))
        jobs.sagemaker.create_training_job(**script_request(jobs, "stopped", archive))
        jobs.wait_for_training("stopped", ("InProgress",), secondary="Training")
        jobs.wait_for_line("/aws/sagemaker/TrainingJobs", "stopped", "waiting")
        jobs.sagemaker.stop_training_job(TrainingJobName="stopped")
        job = jobs.wait_for_training("stopped")
        assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "Stopped")
        files = unpacked(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
        assert files == {"so-far": b"half a model"}

    def test_comes_by_itself_after_the_maximum_runtime(self, jobs: Jobs) -> None:
        archive = source_archive(train_py="import time; time.sleep(600)")
        request = script_request(jobs, "too-long", archive)
        request["StoppingCondition"] = {"MaxRuntimeInSeconds": 1}
        job = jobs.train(request)
        assert job["TrainingJobStatus"] == "Stopped"
        assert job["SecondaryStatus"] == "MaxRuntimeExceeded"

    def test_of_a_finished_job_is_refused(self, jobs: Jobs, shown: dict[str, Any]) -> None:
        with pytest.raises(jobs.sagemaker.exceptions.ClientError, match="in status Completed"):
            jobs.sagemaker.stop_training_job(TrainingJobName="show")


def test_an_entry_point_of_the_request_runs_in_place_of_the_images(jobs: Jobs) -> None:
    """As SDK 3's ModelTrainer makes it: a shell script in a channel runs what is in another."""
    jobs.put(
        "drivers/run.sh", "cd /opt/ml/input/data/code && python program.py $0 > /opt/ml/model/x"
    )
    jobs.put("program/program.py", "import sys; print(sys.argv[1:], sys.executable != '')")
    request = jobs.training_request(
        "entry-point", SCIKIT_LEARN, {"drivers": jobs.uri("drivers/"), "code": jobs.uri("program/")}
    )
    request["AlgorithmSpecification"] |= {
        "ContainerEntrypoint": ["/bin/sh", "-c"],
        "ContainerArguments": [". /opt/ml/input/data/drivers/run.sh", "argument"],
    }
    job = jobs.train(request)
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    assert unpacked(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))["x"] == (
        b"['argument'] True\n"
    )


def test_an_image_that_is_localaws_own_program_refuses_another(jobs: Jobs) -> None:
    request = jobs.training_request("refused", LINEAR_LEARNER, {"train": jobs.uri("data/")})
    request["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/bin/sh"]
    with pytest.raises(ClientError, match="localaws runs no ContainerEntrypoint in the image"):
        jobs.sagemaker.create_training_job(**request)


def test_what_a_script_installs_is_gone_with_its_job(jobs: Jobs) -> None:
    train = """
        import subprocess, sys
        try:
            import shipped
            print("was there")
        except ImportError:
            subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-index",
                            "--no-build-isolation", "--no-deps", "./package"], check=True)
            import shipped
            print("installed", shipped.__file__.startswith(sys.prefix))
        """
    setup = (
        "from setuptools import setup; setup(name='shipped', version='1', py_modules=['shipped'])"
    )
    archive = source_archive(
        **{
            "train.py": dedent(train),
            "package/setup.py": setup,
            "package/shipped.py": "",
        }
    )
    for name in ("installs", "installs-again"):
        job = jobs.train(script_request(jobs, name, archive))
        assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
        (lines,) = jobs.log_lines("/aws/sagemaker/TrainingJobs", name).values()
        assert lines[-1] == "installed True"


def test_a_script_may_write_out_opt_ml(jobs: Jobs) -> None:
    source = (
        "open('/opt/ml/model/written', 'w').write(open('/opt/ml/input/data/train/a.csv').read())"
    )
    job = jobs.train(script_request(jobs, "opt-ml", source_archive(train_py=source)))
    assert job["TrainingJobStatus"] == "Completed", job.get("FailureReason")
    written = unpacked(jobs.get(job["ModelArtifacts"]["S3ModelArtifacts"]))
    assert written == {"written": b"1,2\n"}
