"""What CloudFormation says of a template."""


class TemplateError(ValueError):
    """What is wrong with a template, in CloudFormation's words."""
