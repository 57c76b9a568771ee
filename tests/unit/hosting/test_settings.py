import pytest

from localaws.containers.linear_learner import MODEL_MEMORY_BYTES
from localaws.hosting.instance_types import instance_type
from localaws.hosting.settings import HostingSettings, SettingError


def test_an_ml_m4_xlarge_holds_the_121_linear_learner_models_of_the_notebooks_chart() -> None:
    settings = HostingSettings()
    memory = instance_type("ml.m4.xlarge").memory_bytes
    models = settings.memory_for_models(memory) // MODEL_MEMORY_BYTES
    percent = settings.idle_memory_percent + 100 * models * MODEL_MEMORY_BYTES / memory
    assert (models, round(percent)) == (121, 79)


def test_the_environment_changes_them() -> None:
    settings = HostingSettings.from_environment({"LOCALAWS_MODEL_MEMORY_MIB": "500"})
    assert settings.model_memory_bytes(of_image=1) == 500 * 2**20


def test_without_one_the_image_says_what_a_model_takes() -> None:
    assert HostingSettings().model_memory_bytes(of_image=7) == 7


@pytest.mark.parametrize("text", ["much", "-1", "nan", "inf", ""])
def test_what_is_no_number_is_refused_by_name(text: str) -> None:
    with pytest.raises(SettingError, match="LOCALAWS_MODEL_MEMORY_MIB"):
        HostingSettings.from_environment({"LOCALAWS_MODEL_MEMORY_MIB": text})


def test_a_limit_below_the_idle_use_is_refused() -> None:
    with pytest.raises(SettingError, match="must be above"):
        HostingSettings.from_environment({"LOCALAWS_MEMORY_LIMIT_PERCENT": "3"})
