"""An artifact from whatever source: what is not one model file is refused, at little cost."""

import gzip
import struct
import tarfile
import tracemalloc
import zipfile

import pytest

from tests.unit.linear_learner.archives import (
    model_members,
    packed,
    packed_member,
    zipped,
)
from tests.unit.linear_learner.models import assert_same
from training.linear_learner.artifact import ArtifactError, read_artifact_bytes, write_model_file
from training.linear_learner.model import LinearModel


class TestAHostileArchive:
    @pytest.mark.parametrize(
        "name", ["../model_algo-1", "/model_algo-1", "a/model_algo-1", "a/../model_algo-1"]
    )
    def test_that_points_elsewhere_is_refused(self, name: str, regressor: LinearModel) -> None:
        with pytest.raises(ArtifactError, match="exactly one 'model_algo-1' is needed"):
            read_artifact_bytes(packed({name: write_model_file(regressor)}))

    def test_with_another_file_beside_the_model_is_refused(self, regressor: LinearModel) -> None:
        members = {"model_algo-1": write_model_file(regressor), "evil.py": b"import os"}
        with pytest.raises(ArtifactError, match=r"it holds \['model_algo-1', 'evil.py'\]"):
            read_artifact_bytes(packed(members))

    @pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE])
    def test_whose_model_is_no_regular_file_is_refused(self, kind: bytes) -> None:
        member = tarfile.TarInfo("model_algo-1")
        member.type = kind
        member.linkname = "/etc/passwd"
        with pytest.raises(ArtifactError, match="is not a regular file"):
            read_artifact_bytes(packed_member(member))

    def test_that_unpacks_to_more_than_allowed_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, regressor: LinearModel
    ) -> None:
        monkeypatch.setattr("training.linear_learner.artifact.MAXIMUM_UNPACKED_BYTES", 10_000)
        bomb = gzip.compress(bytes(1_000_000))
        with pytest.raises(ArtifactError, match="unpacks to more than 10000 bytes"):
            read_artifact_bytes(bomb)

    def test_whose_zip_has_a_member_that_is_too_large_is_refused(
        self, monkeypatch: pytest.MonkeyPatch, regressor: LinearModel
    ) -> None:
        monkeypatch.setattr("training.linear_learner.artifact.MAXIMUM_JSON_BYTES", 10_000)
        members = {**model_members(regressor), "manifest.json": b"[" + b" " * 10_000}
        with pytest.raises(ArtifactError, match=r"'manifest.json' has more than 10000 bytes"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members, zipfile.ZIP_DEFLATED)}))

    def test_whose_zip_announces_less_than_it_unpacks_to_takes_no_more_memory(
        self, regressor: LinearModel
    ) -> None:
        members = model_members(regressor)
        manifest = members["manifest.json"]
        members["manifest.json"] = manifest + bytes(100_000_000)
        announced, true = (struct.pack("<I", n) for n in (len(manifest), len(manifest) + 10**8))
        bomb = zipped(members, zipfile.ZIP_DEFLATED).replace(true, announced)
        archive = packed({"model_algo-1": bomb})
        del members
        tracemalloc.start()
        with pytest.raises(ArtifactError, match=r"Bad CRC-32 for file 'manifest.json'"):
            read_artifact_bytes(archive)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 10_000_000

    @pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
    def test_whose_zip_is_compressed_in_a_way_that_cannot_be_bounded_is_refused(
        self, compression: int, regressor: LinearModel
    ) -> None:
        model_file = zipped(model_members(regressor), compression)
        with pytest.raises(ArtifactError, match=r"'manifest.json' is neither stored nor deflated"):
            read_artifact_bytes(packed({"model_algo-1": model_file}))

    def test_whose_zip_has_a_crowd_of_members_is_refused(self, regressor: LinearModel) -> None:
        members = {**model_members(regressor), **{str(n): b"" for n in range(100)}}
        with pytest.raises(ArtifactError, match="'model_algo-1' has more than 100 members"):
            read_artifact_bytes(packed({"model_algo-1": zipped(members)}))

    def test_with_a_crowd_of_files_is_refused_at_the_third(self) -> None:
        crowd = {f"{n}": b"" for n in range(1000)}
        with pytest.raises(ArtifactError, match=r"it holds \['0', '1', '2'\]; exactly one"):
            read_artifact_bytes(packed(crowd))

    def test_nested_in_another_is_refused(self, real_artifact: bytes) -> None:
        with pytest.raises(ArtifactError, match="is not a Linear Learner artifact"):
            read_artifact_bytes(packed({"model_algo-1": real_artifact}))

    def test_whose_model_was_zipped_again_with_compression_is_read(
        self, regressor: LinearModel
    ) -> None:
        model_file = zipped(model_members(regressor), zipfile.ZIP_DEFLATED)
        assert_same(read_artifact_bytes(packed({"model_algo-1": model_file})), regressor)

    def test_repacked_by_hand_from_the_current_directory_is_read(
        self, regressor: LinearModel
    ) -> None:
        """As ``tar czf model.tar.gz .`` writes it."""
        root = tarfile.TarInfo("./")
        root.type = tarfile.DIRTYPE
        archive = packed({"./model_algo-1": write_model_file(regressor)}, first=root)
        assert_same(read_artifact_bytes(archive), regressor)
