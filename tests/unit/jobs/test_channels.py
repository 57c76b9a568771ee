"""Which objects a channel holds, and how they come to a host."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from localaws.containers.contract import JobError
from localaws.jobs.channels import Channel, download, list_files, read_channel
from localaws.testing.memory import BUCKET, MemoryObjectStore


@pytest.fixture
def objects() -> MemoryObjectStore:
    store = MemoryObjectStore()
    for key in ("data/train/a.csv", "data/train/deep/b.csv", "data/train/", "data/train2.csv"):
        store.objects[key] = key.encode()
    return store


def definition(prefix: str, **source: Any) -> dict[str, Any]:
    s3 = {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/{prefix}", **source}
    return {"ChannelName": "train", "DataSource": {"S3DataSource": s3}}


def paths(channel: Channel) -> list[str]:
    return [str(file.path) for file in channel.files]


@pytest.mark.parametrize(
    ("prefix", "expected"),
    [
        ("data/train/", ["a.csv", "deep/b.csv"]),
        ("data/train/a.csv", ["a.csv"]),
        ("data/train", ["train/a.csv", "train/deep/b.csv", "train2.csv"]),
        ("data/train/deep", ["b.csv"]),
        ("data/", ["train/a.csv", "train/deep/b.csv", "train2.csv"]),
    ],
)
def test_a_prefix_is_a_folder_a_file_or_the_start_of_names(
    objects: MemoryObjectStore, prefix: str, expected: list[str]
) -> None:
    assert paths(read_channel(definition(prefix), objects)) == expected


def test_a_manifest_names_objects_below_its_prefix(objects: MemoryObjectStore) -> None:
    manifest = [{"prefix": f"s3://{BUCKET}/data/"}, "train/deep/b.csv", "train2.csv"]
    objects.objects["list.manifest"] = json.dumps(manifest).encode()
    channel = read_channel(definition("list.manifest", S3DataType="ManifestFile"), objects)
    assert paths(channel) == ["train/deep/b.csv", "train2.csv"]


@pytest.mark.parametrize(
    "manifest", [b"", b"{}", b"[]", b'["a"]', b'[{"prefix": 1}, "a"]', b"[{}]"]
)
def test_what_is_no_manifest_is_refused(objects: MemoryObjectStore, manifest: bytes) -> None:
    objects.objects["list.manifest"] = manifest
    with pytest.raises(JobError, match=r'Manifest "s3://models-bucket/list\.manifest"'):
        list_files("ManifestFile", f"s3://{BUCKET}/list.manifest", objects)


def test_shards_share_the_objects_out(objects: MemoryObjectStore) -> None:
    sharded = definition("data/", S3DataDistributionType="ShardedByS3Key")
    channel = read_channel(sharded, objects)
    shards = [channel.files_of_host(host, 2) for host in range(2)]
    assert sorted((*shards[0], *shards[1]), key=lambda file: file.key) == list(channel.files)
    assert [len(shard) for shard in shards] == [2, 1]


def test_replicas_hold_all_objects(objects: MemoryObjectStore) -> None:
    channel = read_channel(definition("data/"), objects)
    assert channel.files_of_host(0, 2) == channel.files_of_host(1, 2) == channel.files


def test_a_shuffle_depends_on_its_seed_alone(objects: MemoryObjectStore) -> None:
    objects.objects |= {f"data/many/{number}": b"" for number in range(20)}
    shuffled = [
        paths(read_channel({**definition("data/"), "ShuffleConfig": {"Seed": seed}}, objects))
        for seed in (1, 1, 3)
    ]
    assert shuffled[0] == shuffled[1] != shuffled[2]


def test_an_empty_prefix_is_named(objects: MemoryObjectStore) -> None:
    with pytest.raises(JobError, match='No S3 objects found under S3 URL "s3://models-bucket/no"'):
        read_channel(definition("no"), objects)


def test_a_refusal_of_s3_is_told(objects: MemoryObjectStore) -> None:
    objects.denied.add("s3:ListBucket")
    with pytest.raises(JobError, match="ClientError: Data download failed:not authorized"):
        read_channel(definition("data/"), objects)


def test_files_are_written_to_their_paths(objects: MemoryObjectStore, tmp_path: Path) -> None:
    download(read_channel(definition("data/train/"), objects).files, tmp_path, objects)
    assert (tmp_path / "deep" / "b.csv").read_bytes() == b"data/train/deep/b.csv"


def test_gzip_files_are_unzipped_with_all_their_members(
    objects: MemoryObjectStore, tmp_path: Path
) -> None:
    objects.objects["zipped/a"] = gzip.compress(b"one\n") + gzip.compress(b"two\n")
    files = read_channel(definition("zipped/"), objects).files
    download(files, tmp_path, objects, gzipped=True)
    assert (tmp_path / "a").read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("body", [b"", b"no gzip", gzip.compress(b"text", mtime=0)[:-9]])
def test_a_broken_gzip_file_is_named(
    objects: MemoryObjectStore, tmp_path: Path, body: bytes
) -> None:
    objects.objects["zipped/a"] = body
    files = read_channel(definition("zipped/"), objects).files
    with pytest.raises(JobError, match="zipped/a is no gzip"):
        download(files, tmp_path, objects, gzipped=True)


def test_a_second_slash_behind_the_prefix_counts_as_one(tmp_path: Path) -> None:
    objects = MemoryObjectStore()
    objects.objects["data//etc/passwd"] = b"x"
    download(read_channel(definition("data/"), objects).files, tmp_path, objects)
    assert (tmp_path / "etc" / "passwd").read_bytes() == b"x"


def test_a_key_that_is_a_file_and_a_folder_is_named(tmp_path: Path) -> None:
    objects = MemoryObjectStore()
    objects.objects.update({"data/a": b"1", "data/a/b": b"2"})
    files = read_channel(definition("data/"), objects).files
    with pytest.raises(JobError, match="key 'data/a' cannot be a file: Is a directory"):
        download(files, tmp_path, objects)


def test_a_key_that_is_too_long_for_a_file_is_named(tmp_path: Path) -> None:
    objects = MemoryObjectStore()
    objects.objects[f"data/{'x' * 300}"] = b"1"
    files = read_channel(definition("data/"), objects).files
    with pytest.raises(JobError, match=r"key 'data/x+' cannot be a file: File name too long"):
        download(files, tmp_path, objects)


def test_a_key_that_leads_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    objects = MemoryObjectStore()
    objects.objects["data/../../escaped"] = b"x"
    files = read_channel(definition("data/"), objects).files
    with pytest.raises(JobError, match="leads out of its channel"):
        download(files, tmp_path / "channel", objects)
    assert not list(tmp_path.rglob("escaped"))
