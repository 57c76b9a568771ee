"""How the scikit-learn container prepares a training script, and how it reports its end."""

import io
import json
import tarfile
from pathlib import Path

import pytest

from localaws.containers import opt_ml
from localaws.containers.contract import Exit, JobError, Program, TrainingHost
from localaws.containers.image_versions import Interpreters
from localaws.containers.scikit_learn_training import prepare, toolkit_exit
from localaws.processes.launch import Launch
from localaws.testing.memory import BUCKET, MemoryObjectStore, model_archive

IMAGE = "registry/sagemaker-scikit-learn:1.9-0-cpu-py3"
REQUEST = {
    "AlgorithmSpecification": {"TrainingInputMode": "File"},
    "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1},
}


class Script:
    """A host whose script comes from an archive in S3."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "algo-1"
        self.objects = MemoryObjectStore()

    def prepare(self, archive: bytes, program: str = "train.py", **parameters: str) -> Program:
        self.objects.objects["sourcedir.tar.gz"] = archive
        hyperparameters = {
            "sagemaker_program": program,
            "sagemaker_submit_directory": f"s3://{BUCKET}/sourcedir.tar.gz",
            **parameters,
        }
        host = TrainingHost(self.directory, "algo-1", ("algo-1",), hyperparameters, image=IMAGE)
        opt_ml.write(host, REQUEST)
        return prepare(host, self.objects, Interpreters())


@pytest.fixture
def script(tmp_path: Path) -> Script:
    return Script(tmp_path)


def test_a_script_is_called_by_its_name_in_its_folder(script: Script) -> None:
    program = script.prepare(model_archive({"train.py": b""}), alpha="1")
    assert list(program.launch.arguments) == ["train.py", "--alpha", "1"]
    assert program.launch.directory == program.launch.environment["PYTHONPATH"] == "/opt/ml/code"
    assert program.launch.opt_ml == str(script.directory)


def test_a_script_has_the_variables_that_the_toolkit_sets_besides_its_own(script: Script) -> None:
    program = script.prepare(model_archive({"train.py": b""}), sagemaker_region="eu-west-1")
    names = ("CURRENT_HOST", "SAGEMAKER_JOB_NAME", "SAGEMAKER_REGION")
    assert [program.launch.environment[name] for name in names] == ["algo-1", "", "eu-west-1"]


def test_a_package_is_called_as_a_module(script: Script) -> None:
    archive = model_archive({"setup.py": b"", "train.py": b""})
    assert list(script.prepare(archive).launch.arguments) == ["-m", "train"]


def test_requirements_are_installed_first_by_pip_as_this_machine_is_told_to(
    script: Script, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_INDEX_URL", "https://packages.example")
    monkeypatch.setenv("https_proxy", "http://proxy.example")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    archive = model_archive({"train.py": b"", "requirements.txt": b"shipped"})
    installation = script.prepare(archive).first
    assert installation is not None
    assert list(installation.launch.arguments[:3]) == ["-m", "pip", "install"]
    assert {"PIP_INDEX_URL", "https_proxy"} <= installation.launch.environment.keys()
    assert "AWS_SECRET_ACCESS_KEY" not in installation.launch.environment


def test_without_requirements_nothing_is_installed(script: Script) -> None:
    assert script.prepare(model_archive({"train.py": b""})).first is None


def test_the_log_tells_the_environment_and_the_command(script: Script) -> None:
    preamble = list(script.prepare(model_archive({"train.py": b""})).preamble)
    environment = preamble[
        preamble.index("Training Env:") + 1 : preamble.index("Environment variables:")
    ]
    assert json.loads("\n".join(environment))["current_host"] == "algo-1"
    assert 'SM_HOSTS=["algo-1"]' in preamble
    assert preamble[-2:] == [
        "Invoking script with the following command:",
        f"{script.directory}-own/python/bin/python train.py",
    ]


def test_a_script_that_is_not_in_the_archive_is_named(script: Script) -> None:
    with pytest.raises(JobError, match=r"train\.py is not in s3://models-bucket/sourcedir"):
        script.prepare(model_archive({"other.py": b""}))


@pytest.mark.parametrize("program", ["{folder}/outside", "../../outside"])
def test_a_program_outside_of_the_code_is_neither_run_nor_changed(
    script: Script, tmp_path: Path, program: str
) -> None:
    outside = tmp_path / "outside"
    outside.touch(0o600)
    with pytest.raises(JobError, match="outside is not in s3://models-bucket/sourcedir"):
        script.prepare(model_archive({"train.py": b""}), program.format(folder=tmp_path))
    assert outside.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("folder", ["/etc", "/opt/ml/../../etc", "http://host/code"])
def test_a_folder_of_this_machine_is_not_copied(script: Script, folder: str) -> None:
    with pytest.raises(JobError, match="it must begin with s3:// or be in /opt/ml"):
        script.prepare(b"", sagemaker_submit_directory=folder)


def test_an_archive_that_cannot_be_read_is_named(script: Script) -> None:
    script.objects.denied.add("s3:GetObject")
    with pytest.raises(
        JobError, match=r"AccessDenied .* \(s3://models-bucket/sourcedir\.tar\.gz\)"
    ):
        script.prepare(b"")


@pytest.mark.parametrize("name", ["../escaped.py", "/tmp/escaped.py", "a/../../escaped.py"])
def test_an_archive_that_reaches_out_of_its_folder_is_refused(
    script: Script, tmp_path: Path, name: str
) -> None:
    archive = model_archive({"train.py": b"", name: b"x"})
    if name.startswith("/"):
        # Absolute names lose their first slash, as with GNU tar, and stay inside.
        script.prepare(archive)
    else:
        with pytest.raises(JobError, match="framework error: s3://"):
            script.prepare(archive)
    assert not (tmp_path / "escaped.py").exists()
    assert not Path("/tmp/escaped.py").exists()


def test_an_archive_with_a_link_out_of_its_folder_is_refused(script: Script) -> None:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        link = tarfile.TarInfo("train.py")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    with pytest.raises(JobError, match="framework error: s3://"):
        script.prepare(stream.getvalue())


@pytest.mark.parametrize(
    ("code", "output", "message"),
    [
        (1, "one\nTraceback (most recent call last):\n  File x\nKeyError: 'a'", "KeyError: 'a'"),
        (2, "usage: train.py\ntrain.py: error: no --alpha", "train.py: error: no --alpha"),
        (3, "", ""),
    ],
)
def test_the_toolkit_exits_with_1_and_tells_how_the_script_ended(
    tmp_path: Path, code: int, output: str, message: str
) -> None:
    launch = Launch(["python", "train.py", "--a", "b c"], {}, str(tmp_path))
    program = Program(launch, error="ExecuteUserScriptError")
    ended = toolkit_exit(program, Exit(code, output))
    assert ended.code == 1
    assert ended.text == (
        f'ExecuteUserScriptError:\nExitCode {code}\nErrorMessage "{message}"\n'
        "Command \"python train.py --a 'b c'\""
    )


def test_a_killed_script_is_told_to_be_out_of_memory(tmp_path: Path) -> None:
    ended = toolkit_exit(Program(Launch(["python"], {}, str(tmp_path)), error="E"), Exit(137))
    assert 'ExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' in ended.text
