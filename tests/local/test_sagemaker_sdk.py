"""Endpoints through version 3 of the SageMaker Python SDK."""

import pytest
from sagemaker.core import resources, shapes

from localaws.testing import LocalAws
from localaws.testing.hosting import Hosting, make_hosting

NAME = "test-sdk"


@pytest.fixture(scope="module")
def hosting(localaws: LocalAws) -> Hosting:
    return make_hosting(localaws.session(), NAME)


def test_a_pipeline_is_deployed_invoked_and_deleted(hosting: Hosting) -> None:
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


def _multi_model(container: dict[str, str]) -> dict[str, str]:
    if "Mode" not in container:
        return {}
    return {"mode": container["Mode"], "model_data_url": container["ModelDataUrl"]}
