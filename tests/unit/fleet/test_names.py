"""Names have one home; the library's own copies, which let it stand alone, agree with it."""

import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import get_args

import aws_cdk as cdk
import pytest
from aws_cdk import aws_logs as logs
from aws_cdk import aws_s3 as s3
from hypothesis import given
from hypothesis import strategies as st

from fleet import config, names
from fleet.cache import metrics
from fleet.cache.metrics import CACHE_METRICS
from fleet.names import EntityNameError, target_model, version_of
from localaws.hosting import metrics as localaws_metrics
from sagemaker_mme import Container, ModelCacheSetting, ModelData
from sagemaker_mme import Prefix as StorePrefix
from sagemaker_mme import metrics as library_metrics

GROUND_FLOOR = ("fleet.names", "fleet.config", "fleet.errors")


@pytest.mark.parametrize("module", GROUND_FLOOR)
def test_the_ground_floor_imports_neither_the_cdk_nor_boto3(module: str) -> None:
    program = f"import sys, {module}; print({{'aws_cdk', 'boto3', 'botocore'}} & set(sys.modules))"
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert answer.stdout.strip() == "set()", answer.stderr


def test_the_librarys_key_layout_is_that_of_the_project() -> None:
    for prefix in StorePrefix:
        assert names.Prefix[prefix.name] == prefix.value


def test_the_librarys_scikit_learn_container_has_the_environment_of_the_project() -> None:
    data = ModelData.from_bucket(
        s3.Bucket.from_bucket_name(cdk.Stack(), "Bucket", "models"), "preprocessor/1/model.tar.gz"
    )
    ours = names.scikit_learn_environment("script.py", cdk.Aws.REGION)
    theirs = Container.scikit_learn(script="script.py", model_data=data).environment
    assert theirs == {**ours, "SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT": "application/json"}


@pytest.mark.parametrize("copy", [library_metrics, localaws_metrics])
def test_metrics_have_one_name_in_the_project_the_library_and_localaws(copy: ModuleType) -> None:
    ours = (metrics.INVOCATION_NAMESPACE, metrics.INSTANCE_NAMESPACE)
    assert ours == (copy.INVOCATION_NAMESPACE, copy.INSTANCE_NAMESPACE)
    text = Path(str(copy.__file__)).read_text()
    assert [metric.name for metric in CACHE_METRICS if f'"{metric.name}"' not in text] == []


def test_the_configs_words_are_those_of_the_cdk_and_of_the_library() -> None:
    assert set(get_args(config.LogRetention)) == {days.name for days in logs.RetentionDays}
    annotation = config.DeploymentConfig.model_fields["model_cache"].annotation
    assert set(get_args(annotation)) == {setting.value for setting in ModelCacheSetting}


@given(
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", fullmatch=True),
    st.integers(min_value=1, max_value=10**9),
)
def test_city_and_version_are_read_back_from_a_target_model(city: str, version: int) -> None:
    assert version_of(target_model(city, version)) == (city, version)


@pytest.mark.parametrize(
    "target",
    ["A/B.tar.gz", "A/A-v0.tar.gz", "A/A-v01.tar.gz", "A/A.tar", "A.tar.gz", "A/A-v.tar.gz"],
)
def test_what_is_no_target_model_of_this_layout_has_no_version(target: str) -> None:
    assert version_of(target) is None


@pytest.mark.parametrize("city", ["", "New York", "../etc", "-x", "a" * 64, "Zürich"])
def test_a_city_that_cannot_stand_in_keys_is_refused(city: str) -> None:
    with pytest.raises(EntityNameError, match="letters, digits, _ and - only"):
        target_model(city)
