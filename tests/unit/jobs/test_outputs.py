"""What the hosts of a training job leave, as one model in S3."""

import io
import os
import shutil
import tarfile
from pathlib import Path

import pytest

from localaws.containers import opt_ml
from localaws.containers.contract import JobError, TrainingHost
from localaws.jobs import output_files
from localaws.jobs.outputs import ModelOutput
from localaws.testing.memory import BUCKET, MemoryObjectStore

NAMES = ("algo-1", "algo-2")
REQUEST = {"OutputDataConfig": {"S3OutputPath": f"s3://{BUCKET}/jobs"}}


class Hosts:
    """Two hosts and the model folder of each."""

    def __init__(self, directory: Path) -> None:
        self._hosts = [TrainingHost(directory / name, name, NAMES, {}) for name in NAMES]
        for host in self._hosts:
            (host.directory / opt_ml.MODEL).mkdir(parents=True)
            (host.directory / opt_ml.OUTPUT_DATA).mkdir(parents=True)
        self.first, self.second = (host.directory / opt_ml.MODEL for host in self._hosts)

    def upload(self) -> dict[str, bytes]:
        """The files of the model that is then in S3."""
        objects = MemoryObjectStore()
        ModelOutput.of("job", REQUEST).upload(self._hosts, objects)
        archive = io.BytesIO(objects.objects["jobs/job/output/model.tar.gz"])
        with tarfile.open(fileobj=archive) as tar:
            members = ((member.name, tar.extractfile(member)) for member in tar)
            return {name: file.read() for name, file in members if file is not None}


@pytest.fixture
def hosts(tmp_path: Path) -> Hosts:
    return Hosts(tmp_path)


def test_the_files_of_all_hosts_are_one_model_and_the_last_host_of_a_file_counts(
    hosts: Hosts,
) -> None:
    (hosts.first / "one").write_text("1")
    (hosts.first / "same").write_text("first")
    (hosts.second / "same").write_text("second")
    assert hosts.upload() == {"one": b"1", "same": b"second"}


def test_a_link_counts_as_what_it_leads_to_and_not_at_all_when_that_is_gone(hosts: Hosts) -> None:
    (hosts.first / "epoch-9").write_text("weights")
    (hosts.first / "best").symlink_to("epoch-9")
    (hosts.first / "gone").symlink_to("epoch-8")
    assert hosts.upload() == {"epoch-9": b"weights", "best": b"weights"}


def test_a_pipe_is_named(hosts: Hosts) -> None:
    os.mkfifo(hosts.second / "pipe")
    with pytest.raises(JobError, match="/opt/ml/model/pipe of algo-2 is neither a file nor"):
        hosts.upload()


def test_a_link_to_a_device_is_named_and_not_read_without_end(hosts: Hosts) -> None:
    (hosts.first / "zeros").symlink_to("/dev/zero")
    with pytest.raises(JobError, match="/opt/ml/model/zeros of algo-1 is neither a file nor"):
        hosts.upload()


def test_links_back_to_where_they_are_do_not_count(hosts: Hosts) -> None:
    (hosts.first / "here").symlink_to(".")
    (hosts.first / "again").symlink_to(hosts.first)
    (hosts.first / "one").write_text("1")
    assert hosts.upload() == {"one": b"1"}


def test_a_link_to_the_containers_own_path_leads_to_its_file(hosts: Hosts) -> None:
    (hosts.second / "epoch-9").write_text("weights")
    (hosts.second / "best").symlink_to("/opt/ml/model/epoch-9")
    assert hosts.upload() == {"epoch-9": b"weights", "best": b"weights"}


def test_links_to_folders_that_make_too_many_files_are_refused(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output_files, "MOST_ENTRIES", 1000)
    for depth in range(12):
        (hosts.first / f"{depth}").mkdir()
        for link in ("a", "b"):
            (hosts.first / f"{depth}" / link).symlink_to(hosts.first / f"{depth + 1}")
    with pytest.raises(JobError, match="/opt/ml/model of algo-1 is more than 1,000 files"):
        hosts.upload()


def test_more_than_passes_through_memory_is_refused(hosts: Hosts) -> None:
    with (hosts.first / "huge").open("wb") as file:
        file.truncate(output_files.MOST_BYTES + 1)  # takes no room on the disk
    with pytest.raises(JobError, match="/opt/ml/model of algo-1 is more than 2,147,483,648 bytes"):
        hosts.upload()


def test_a_file_that_is_a_folder_on_another_host_is_named(hosts: Hosts) -> None:
    (hosts.first / "same").write_text("1")
    (hosts.second / "same").mkdir()
    with pytest.raises(JobError, match="/opt/ml/model/same of algo-2 is a file on one host, a fo"):
        hosts.upload()


def test_a_model_folder_that_the_script_removed_is_named(hosts: Hosts) -> None:
    shutil.rmtree(hosts.first)
    with pytest.raises(JobError, match="/opt/ml/model of algo-1 is gone"):
        hosts.upload()
