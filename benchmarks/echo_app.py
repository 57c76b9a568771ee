"""The CDK app that the benchmark deploys: the template that the context key ``template`` names."""

import aws_cdk as cdk
from aws_cdk import cloudformation_include

STACK = "benchmark"


def add_stack(app: cdk.App, template: str) -> None:
    """Add one stack with the resources of a template's file."""
    stack = cdk.Stack(app, STACK)
    cloudformation_include.CfnInclude(stack, "Template", template_file=template)


def main() -> None:
    """Synthesize the app for the CLI."""
    app = cdk.App()
    add_stack(app, app.node.get_context("template"))
    app.synth()


if __name__ == "__main__":
    main()
