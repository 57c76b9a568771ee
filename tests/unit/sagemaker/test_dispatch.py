from tests.unit.sagemaker.platform import Platform


def test_what_is_not_implemented_is_refused_by_name(platform: Platform) -> None:
    error = platform.refusal("CreateNotebookInstance", NotebookInstanceName="n")
    assert (error.code, error.message) == (
        "UnknownOperationException",
        "The operation CreateNotebookInstance of sagemaker is not available here.",
    )


def test_what_does_not_exist_is_refused_by_name(platform: Platform) -> None:
    assert "Frobnicate" in platform.refusal("Frobnicate").message


def test_methods_that_are_no_operations_cannot_be_called(platform: Platform) -> None:
    assert platform.refusal("Stop").code == "UnknownOperationException"


def test_a_request_is_checked_before_it_is_served(platform: Platform) -> None:
    assert "'modelName'" in platform.refusal("DescribeModel", ModelName="_").message


def test_the_operations_are_known(platform: Platform) -> None:
    operations = platform.apis.sagemaker.operations
    assert {"CreateModel", "UpdateEndpoint", "ListTags", "StopTrainingJob"} <= set(operations)
