"""The CDK app that the benchmark deploys: the template that the context key ``template`` names."""

import aws_cdk as cdk
from aws_cdk import cloudformation_include

STACK = "benchmark"


def main() -> None:
    """Synthesize one stack with the template's resources."""
    app = cdk.App()
    stack = cdk.Stack(app, STACK)
    cloudformation_include.CfnInclude(
        stack, "Template", template_file=app.node.get_context("template")
    )
    app.synth()


if __name__ == "__main__":
    main()
