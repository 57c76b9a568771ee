"""Names that stacks, scripts and people share."""

PREPROCESSOR_CONTAINER = "preprocessor"
LINEAR_LEARNER_CONTAINER = "linear-learner"
MODEL_STORE_ARN_OUTPUT = "PublishOutputFnGetAttModelStoreBucket9405F36EArn7F012CC9"
"""The output that the CDK makes for the hosting stack; it changes with the bucket's logical id."""
CITIES_INDEX = "cities"
"""The registry's index that lists the cities: their own items alone have its key ``shard``."""


def endpoint_name(stage: str) -> str:
    """The endpoint of a stage."""
    return f"housing-{stage}"


def preprocessor_url_parameter(stage: str) -> str:
    """The SSM parameter that holds the S3 URL of the preprocessor's ``model.tar.gz``."""
    return f"/housing/{stage}/preprocessor/model-data-url"


def stack_name(stage: str, part: str) -> str:
    """The stack of one part: storage, hosting, access or monitoring."""
    return f"housing-{stage}-{part}"
