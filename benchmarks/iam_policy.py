"""How long authorizing one invocation takes."""

from benchmarks.figure import Figure
from benchmarks.timing import seconds_per_call
from iam_policy import PolicySet, Principal, Request, evaluate, parse_policy

ENDPOINT = "arn:aws:sagemaker:us-east-1:123456789012:endpoint/housing-dev"
ROLE = "arn:aws:iam::123456789012:role/Tenants"
SESSION = Principal("arn:aws:sts::123456789012:assumed-role/Tenants/boston", "123456789012", ROLE)


def run() -> list[Figure]:
    """Decide on invocations by a restricted role and by the role of all tenants."""
    return [
        _figure("one city's role, its own model", "Boston_MA/*", "Boston_MA/Boston_MA.tar.gz"),
        _figure("one city's role, another model", "Boston_MA/*", "Chicago_IL/Chicago_IL.tar.gz"),
        _figure(
            "role by session tag, its own model",
            "${aws:PrincipalTag/City}/*",
            "Boston_MA/Boston_MA.tar.gz",
        ),
    ]


def _figure(name: str, pattern: str, target_model: str) -> Figure:
    policies = PolicySet((parse_policy(_document(pattern)),))
    context = {"aws:PrincipalTag/City": "Boston_MA", "sagemaker:TargetModel": target_model}
    request = Request("sagemaker:InvokeEndpoint", ENDPOINT, SESSION, context)
    seconds = seconds_per_call(lambda: evaluate(policies, request))
    return Figure(name, seconds * 1e6, "µs")


def _document(pattern: str) -> dict[str, object]:
    """The policy of a restricted role, as the access stack writes it."""
    invoke = "sagemaker:InvokeEndpoint"
    condition = {"sagemaker:TargetModel": [pattern]}
    ways_around = ["sagemaker:InvokeEndpointAsync", "sagemaker:InvokeEndpointWith*"]
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Action": invoke,
                "Resource": ENDPOINT,
                "Condition": {"StringLike": condition},
            },
            {
                "Effect": "Deny",
                "Action": invoke,
                "Resource": "*",
                "Condition": {"StringNotLike": condition},
            },
            {"Effect": "Deny", "Action": invoke, "NotResource": ENDPOINT},
            {"Effect": "Deny", "Action": [*ways_around, "sts:AssumeRole"], "Resource": "*"},
        ],
    }
