from localaws.hosting.model_files import model_name
from tests.unit.hosting.multi_model_server import Models, call, call_all, run


def test_nothing_is_loaded_before_it_is_called(models: Models) -> None:
    assert models.serve().loaded_count == 0
    assert models.backend.s3.reads == []


def test_the_first_call_downloads_unpacks_and_loads(models: Models) -> None:
    assert run(call(models.serve(), "a")) == "a"
    assert models.backend.s3.reads == ["models/a.tar.gz"]


def test_further_calls_find_it_loaded(models: Models) -> None:
    run(call_all(models.serve(), "aaa"))
    assert models.loaded == ["a"]


def test_the_files_lie_under_the_opaque_name_that_the_container_gets(models: Models) -> None:
    run(call(models.serve(), "a"))
    assert (models.directory / model_name("a.tar.gz") / "model" / "model").exists()


def test_closing_unloads_all(models: Models) -> None:
    async def scenario() -> None:
        server = models.serve()
        await call_all(server, "ab")
        server.close()

    run(scenario())
    assert models.unloaded == ["a", "b"]
