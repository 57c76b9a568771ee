from tests.unit.hosting.multi_model_server import Models, call_all, run


def test_each_call_counts_as_a_hit_or_a_miss(models: Models) -> None:
    run(call_all(models.serve(), "aab"))
    assert sorted(models.metric("ModelCacheHit")) == [0.0, 0.0, 1.0]


def test_downloads_loads_unloads_and_waits_are_timed_once_each(models: Models) -> None:
    run(call_all(models.serve(memory=2), "aabca"))
    counts = {
        name: len(models.metric(name))
        for name in (
            "ModelDownloadingTime",
            "ModelLoadingTime",
            "ModelUnloadingTime",
            "ModelLoadingWaitTime",
        )
    }
    assert counts == {
        "ModelDownloadingTime": 3,
        "ModelLoadingTime": 4,
        "ModelUnloadingTime": 2,
        "ModelLoadingWaitTime": 4,
    }
