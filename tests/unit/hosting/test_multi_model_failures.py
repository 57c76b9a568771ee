import asyncio
from typing import Any

import pytest

from localaws.containers.contract import ModelLoadError
from localaws.errors import AwsError
from localaws.testing.memory import BUCKET
from tests.unit.hosting.multi_model_server import MODEL_FILE_BYTES, Models, call, run


def test_a_missing_object_is_a_validation_error_that_names_bucket_and_key(models: Models) -> None:
    with pytest.raises(AwsError) as caught:
        run(call(models.serve(), "nowhere"))
    assert caught.value.code == "ValidationError"
    assert f"(bucket: {BUCKET}, key: models/nowhere.tar.gz)" in caught.value.message


def test_a_role_that_may_not_get_the_object_answers_the_same(models: Models) -> None:
    models.backend.s3.denied.add("s3:GetObject")
    with pytest.raises(AwsError, match="Failed to download model data"):
        run(call(models.serve(), "a"))


def test_the_reason_stands_in_the_log(models: Models) -> None:
    models.backend.s3.denied.add("s3:GetObject")
    with pytest.raises(AwsError):
        run(call(models.serve(), "a"))
    assert any("not authorized to perform: s3:GetObject" in line for _, line in models.log.drain())


def test_a_role_that_cannot_be_assumed_answers_the_same(models: Models) -> None:
    with pytest.raises(AwsError, match="Failed to download model data"):
        run(call(models.serve(role="arn:aws:iam::123456789012:role/other"), "a"))


def test_an_object_that_is_no_archive_is_a_validation_error(models: Models) -> None:
    models.backend.s3.objects["models/a.tar.gz"] = b"not an archive"
    with pytest.raises(AwsError, match=r"Failed to extract model data archive .*models/a\.tar\.gz"):
        run(call(models.serve(), "a"))
    models.threads.shutdown()
    assert not list(models.directory.iterdir())


def test_a_model_that_does_not_load_frees_its_memory(models: Models) -> None:
    models.image.load_errors.add("a".ljust(MODEL_FILE_BYTES))

    async def scenario() -> int:
        server = models.serve()
        with pytest.raises(ModelLoadError):
            await call(server, "a")
        return server.memory_used

    assert run(scenario()) == 0


def test_after_a_failure_the_next_call_tries_again(models: Models) -> None:
    async def scenario() -> str:
        server = models.serve()
        models.backend.s3.denied.add("s3:GetObject")
        with pytest.raises(AwsError):
            await call(server, "a")
        models.backend.s3.denied.clear()
        return await call(server, "a")

    assert run(scenario()) == "a"


def test_a_failure_reaches_every_call_that_waited_for_it(models: Models) -> None:
    async def scenario() -> list[Any]:
        server = models.serve()
        calls = [call(server, "nowhere") for _ in range(3)]
        return await asyncio.gather(*calls, return_exceptions=True)

    assert [type(outcome) for outcome in run(scenario())] == [AwsError] * 3
