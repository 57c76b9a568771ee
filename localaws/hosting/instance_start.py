"""Starts the containers of one instance."""

import secrets
import shutil

from localaws.hosting.container_start import ContainerStart
from localaws.hosting.host import Host
from localaws.hosting.instance import Instance
from localaws.hosting.instance_types import instance_type
from localaws.hosting.pipeline import Pipeline
from localaws.hosting.specification import EndpointSpecification, VariantSpecification
from localaws.hosting.stage import Stage
from localaws.hosting.variant_metrics import VariantMetrics


def start_instance(
    host: Host,
    endpoint: EndpointSpecification,
    variant: VariantSpecification,
    metrics: VariantMetrics,
) -> Instance:
    """Start one instance of a variant; raises ``DeploymentError`` with the reason."""
    instance_id = f"i-{secrets.token_hex(9)[:17]}"
    directory = host.directory / instance_id
    stages: list[Stage] = []
    try:
        for number, container in enumerate(variant.containers, start=1):
            start = ContainerStart(
                host, endpoint, variant, container, number, instance_id, directory, metrics
            )
            stages.append(start.run())
    except BaseException:
        for stage in stages:
            stage.close()
        shutil.rmtree(directory, ignore_errors=True)
        raise
    return Instance(
        id=instance_id,
        type=instance_type(variant.instance_type, variant.volume_size_gb),
        directory=directory,
        pipeline=Pipeline(endpoint, stages),
        models=next((stage.models for stage in stages if stage.models is not None), None),
    )
