"""Denials in AWS's words.

https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html
"""

from iam_policy.model import Decision, Effect
from iam_policy.request import Request


def access_denied_message(request: Request, decision: Decision) -> str:
    """The text of an access denied error; it names the caller, never a key or a token."""
    caller = f"User: {request.principal.arn} is not authorized to perform: {request.action}"
    target = f"on resource: {request.resource}"
    kind = decision.policy_type.value
    if decision.effect is Effect.EXPLICIT_DENY:
        article = "an" if kind.startswith("i") else "a"
        return f"{caller} {target} with an explicit deny in {article} {kind}"
    return f"{caller} {target} because no {kind} allows the {request.action} action"
