"""The rule that nobody may invoke an endpoint without saying which models, for any CDK app."""

from pathlib import Path

import aws_cdk as cdk

RULE_FILE = Path(__file__).with_name("target_model.guard")


def target_model_rule() -> cdk.ValidationRuleSource:
    """The Guard rule, for ``CloudFormationValidatePlugin(guard_rules=[target_model_rule()])``.

    Synth fails for a policy statement that allows ``sagemaker:InvokeEndpoint`` without a condition
    on ``sagemaker:TargetModel``, if the context ``@aws-cdk/core:validateAgainstDefaultRules`` is
    true; it warns otherwise.
    """
    return cdk.ValidationRuleSource(name="target-model", content=RULE_FILE.read_text())
