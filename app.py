"""The CDK app: the five stacks of one stage (``-c stage=prod``; ``dev`` when not given).

CloudFormation's schemas, which the CDK's own process loads, take as long as the modules of the
stacks, which Python does: ``main`` has both done at once. That process answers one question at a
time, so no module of the stacks may ask it anything when it is imported. ``-O`` in cdk.json leaves
out the CDK's checks of the types of 780 calls, a tenth of the time: mypy and the tests make them.
"""

import gc
import sys
from functools import cache
from pathlib import Path
from threading import Thread

import aws_cdk as cdk
from cdk_nag import AwsSolutionsChecks

TARGET_MODEL_RULE = Path(__file__).with_name("constructs") / "sagemaker_mme/target_model.guard"


def add_checks(app: cdk.App) -> None:
    """Fail synth for templates that CloudFormation, AWS Solutions or our own rule would refuse."""
    cdk.Validations.of(app).add_plugins(cloudformation_checks(), AwsSolutionsChecks(app))


@cache
def cloudformation_checks() -> cdk.CloudFormationValidatePlugin:
    """CloudFormation's schemas and our rule, loaded once for all apps: that takes a second.

    The rule is ``sagemaker_mme.target_model_rule()``, read without that library's other modules.
    """
    rule = cdk.ValidationRuleSource(name="target-model", content=TARGET_MODEL_RULE.read_text())
    return cdk.CloudFormationValidatePlugin(guard_rules=[rule])


def main() -> None:
    """Synthesize the stage that the context key ``stage`` names."""
    gc.disable()  # All there is stays to the end, seconds from now: looking for garbage finds none.
    loading = Thread(target=cloudformation_checks)
    loading.start()
    from fleet.config import ConfigError
    from sagemaker_mme import InvalidPropsError
    from stacks.housing import add_stacks
    from stacks.limits import assembly_problems

    loading.join()
    app = cdk.App()
    try:
        add_stacks(app, stage=app.node.try_get_context("stage") or "dev")
    except (ConfigError, InvalidPropsError) as error:
        sys.exit(f"{error}")
    add_checks(app)
    problems = list(assembly_problems(app.synth()))
    gc.freeze()  # Nor does the end of Python look for any.
    if problems:
        sys.exit("\n".join(problems))


if __name__ == "__main__":
    main()
