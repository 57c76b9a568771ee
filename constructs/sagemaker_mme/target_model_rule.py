"""Guard rules about multi-model endpoints, for any CDK app and for the program cfn-guard."""

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


def multi_model_rules() -> list[cdk.ValidationRuleSource]:
    """All Guard rules of this library: those on target models, on models and on their roles.

    The files lie beside this module, for ``cfn-guard validate --rules`` as well.
    """
    file = RULE_FILE.with_name("multi_model.guard")
    further = cdk.ValidationRuleSource(name="multi-model", content=file.read_text())
    return [target_model_rule(), further]
