"""The CDK app: the five stacks of one stage (``-c stage=prod``; ``dev`` when not given)."""

import json
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import aws_cdk as cdk
from aws_cdk.cx_api import CloudAssembly
from cdk_nag import AwsSolutionsChecks

from fleet.config import ConfigError, load_config
from sagemaker_mme import InvalidPropsError, target_model_rule
from stacks.access import AccessStack
from stacks.acknowledgements import CROSS_STACK_REFERENCES
from stacks.delivery import DeliveryStack
from stacks.hosting import HostingStack
from stacks.limits import limit_problems
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
    # ``limit_problems_of`` counts resources, with all else that is too much, in a sentence each.
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


def add_checks(app: cdk.App) -> None:
    """Fail synth for templates that CloudFormation, AWS Solutions or our own rule would refuse."""
    cdk.Validations.of(app).add_plugins(cloudformation_checks(), AwsSolutionsChecks(app))


@cache
def cloudformation_checks() -> cdk.CloudFormationValidatePlugin:
    """CloudFormation's schemas and our rule, loaded once for all apps: that takes a second."""
    return cdk.CloudFormationValidatePlugin(guard_rules=[target_model_rule()])


def main() -> None:
    """Synthesize the stage that the context key ``stage`` names."""
    app = cdk.App()
    try:
        add_stacks(app, stage=app.node.try_get_context("stage") or "dev")
    except (ConfigError, InvalidPropsError) as error:
        sys.exit(f"{error}")
    add_checks(app)
    problems = limit_problems_of(app.synth())
    if problems:
        sys.exit("\n".join(problems))


def limit_problems_of(assembly: CloudAssembly) -> list[str]:
    """What no stack may have, a line each."""
    return [
        f"{stack.stack_name} cannot be deployed: {problem}"
        for stack in assembly.stacks
        for problem in limit_problems(
            json.loads((Path(assembly.directory) / stack.template_file).read_text())
        )
    ]


if __name__ == "__main__":
    main()
