"""Takes artifacts apart, and puts others together."""

import io
import json
import tarfile
import zipfile
from collections.abc import Callable

from training.linear_learner.artifact import write_model_file
from training.linear_learner.model import LinearModel


def unpacked(archive: bytes) -> dict[str, bytes]:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        return {member.name: contents(tar, member) for member in tar}


def contents(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    stream = tar.extractfile(member)
    assert stream is not None
    return stream.read()


def packed(members: dict[str, bytes], first: tarfile.TarInfo | None = None) -> bytes:
    def add(tar: tarfile.TarFile) -> None:
        if first is not None:
            tar.addfile(first)
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

    return tar_gz(add)


def packed_member(member: tarfile.TarInfo) -> bytes:
    return tar_gz(lambda tar: tar.addfile(member))


def tar_gz(add: Callable[[tarfile.TarFile], None]) -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as tar:
        add(tar)
    return file.getvalue()


def members_of(model_file: bytes) -> dict[str, bytes]:
    archive = zipfile.ZipFile(io.BytesIO(model_file))
    return {name: archive.read(name) for name in archive.namelist()}


def model_members(model: LinearModel) -> dict[str, bytes]:
    return members_of(write_model_file(model))


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def edited(document: bytes, **values: object) -> bytes:
    return json.dumps({**json.loads(document), **values}).encode()
