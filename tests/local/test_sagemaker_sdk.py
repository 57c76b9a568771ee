"""Version 3 of the SageMaker Python SDK: endpoints through it, and the images that it knows.

Importing it takes seconds of processor time: the tests do, so that only one worker does.
"""

import json
import runpy
from functools import cache

import pytest

from localaws.testing import LocalAws
from localaws.testing.hosting import Hosting, make_hosting
from sagemaker_mme.images import TABLE
from tests.local.conftest import ROOT
from training.images import linear_learner_image, scikit_learn_image

NAME = "test-sdk"
REGIONS = ("us-east-1", "eu-central-1", "ap-northeast-3", "us-gov-west-1", "cn-north-1")


@pytest.fixture(scope="module")
def hosting(localaws: LocalAws) -> Hosting:
    return make_hosting(localaws.session(), NAME)


def test_a_pipeline_is_deployed_invoked_and_deleted(hosting: Hosting) -> None:
    from sagemaker.core import resources, shapes

    session = hosting.session
    containers = [
        shapes.ContainerDefinition(image=container["Image"], **_multi_model(container))
        for container in hosting.pipeline()
    ]
    model = resources.Model.create(
        model_name=NAME,
        execution_role_arn=hosting.role_arn,
        containers=containers,
        session=session,
    )
    variant = shapes.ProductionVariant(
        variant_name="AllTraffic",
        model_name=NAME,
        instance_type="ml.m5.large",
        initial_instance_count=1,
    )
    config = resources.EndpointConfig.create(
        endpoint_config_name=NAME, production_variants=[variant], session=session
    )
    endpoint = resources.Endpoint.create(
        endpoint_name=NAME, endpoint_config_name=NAME, session=session
    )
    endpoint.wait_for_status("InService", poll=1)
    answer = endpoint.invoke(
        body=b"1,2", content_type="text/csv", target_model="a.tar.gz", session=session
    )
    assert answer.body.read() == b"1,2"
    assert NAME in [found.endpoint_name for found in resources.Endpoint.get_all(session=session)]
    endpoint.delete()
    endpoint.wait_for_delete(poll=1)
    config.delete()
    model.delete()
    assert not list(resources.Model.get_all(name_contains=NAME, session=session))


def test_uris_are_those_of_the_sdk() -> None:
    from sagemaker.core import image_uris

    for region in REGIONS:
        scikit_learn = image_uris.retrieve(
            "sklearn", region, version="1.9-0", py_version="py3", instance_type="ml.m5.large"
        )
        assert scikit_learn_image(region) == scikit_learn
        assert linear_learner_image(region) == image_uris.retrieve("linear-learner", region)


def test_the_librarys_table_of_images_is_what_the_sdk_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Where it is not: python constructs/renew_images.py."""
    from sagemaker.core import common_utils

    resolver = cache(common_utils._botocore_resolver)  # which parses megabytes for each image
    monkeypatch.setattr(common_utils, "_botocore_resolver", resolver)
    program = runpy.run_path(str(ROOT / "constructs" / "renew_images.py"))
    assert program["table"]() == json.loads(TABLE.read_text())


def _multi_model(container: dict[str, str]) -> dict[str, str]:
    if "Mode" not in container:
        return {}
    return {"mode": container["Mode"], "model_data_url": container["ModelDataUrl"]}
