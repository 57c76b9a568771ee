"""The stacks of one stage and how they hang together."""

from typing import NamedTuple

import aws_cdk as cdk

from fleet.config import load_config
from stacks.access import AccessStack
from stacks.acknowledgements import CROSS_STACK_REFERENCES
from stacks.delivery import DeliveryStack
from stacks.hosting import HostingStack
from stacks.monitoring import MonitoringStack
from stacks.retraining import RetrainingStack
from stacks.storage import StorageStack


class HousingStacks(NamedTuple):
    """The stacks of one stage, in the order in which they are deployed."""

    storage: StorageStack
    hosting: HostingStack
    access: AccessStack
    monitoring: MonitoringStack
    retraining: RetrainingStack


def add_stacks(app: cdk.App, stage: str) -> HousingStacks:
    """Add the stacks of ``stage``, configured by the context key ``housing``, to ``app``."""
    config = load_config(app.node.try_get_context("housing"), stage)
    # ``assembly_problems`` counts resources, with all else that is too much, in a sentence each.
    _set_context(app, "@aws-cdk/core:stackResourceLimit", 1_000_000)
    if config.references == "strong":
        _set_context(app, CROSS_STACK_REFERENCES, "strong")
    if app.node.try_get_context("autoScaling") == "off":
        # SageMaker changes the instance type of no variant that is registered to be scaled.
        config = config.model_copy(update={"auto_scaling": None})
    storage = StorageStack(app, stage=stage, config=config)
    hosting = HostingStack(app, stage=stage, config=config, model_store=storage.model_store)
    access = AccessStack(app, stage=stage, config=config, registry=storage.registry)
    monitoring = MonitoringStack(app, stage=stage, config=config, endpoint=hosting.endpoint)
    retraining = RetrainingStack(
        app,
        stage=stage,
        config=config,
        model_store=storage.model_store,
        registry=storage.registry,
        training_role=storage.training_role,
    )
    if config.github is not None:
        DeliveryStack(
            app,
            stage=stage,
            config=config,
            github=config.github,
            model_store=storage.model_store,
            registry=storage.registry,
        )
    cdk.Tags.of(app).add("project", "housing")
    cdk.Tags.of(app).add("stage", stage)
    return HousingStacks(storage, hosting, access, monitoring, retraining)


def _set_context(app: cdk.App, key: str, value: object) -> None:
    """Once for all stages: the CDK takes none after the first stack."""
    if app.node.try_get_context(key) != value:
        app.node.set_context(key, value)
