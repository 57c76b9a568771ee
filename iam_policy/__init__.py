"""IAM policy evaluation as a pure function; standard library only.

>>> from iam_policy import PolicySet, Principal, Request, evaluate, parse_policy
>>> policy = parse_policy('''{"Version": "2012-10-17", "Statement": {"Sid": "Read",
...     "Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::b/*"}}''')
>>> caller = Principal("arn:aws:iam::123456789012:user/ann", "123456789012")
>>> evaluate(PolicySet((policy,)), Request("s3:GetObject", "arn:aws:s3:::b/k", caller))
Decision(effect=<Effect.ALLOWED: 'allowed'>, policy_type=<PolicyType.IDENTITY: \
'identity-based policy'>, statement='policy/Read')
"""

from iam_policy.evaluate import evaluate
from iam_policy.model import (
    ContextValue,
    Decision,
    Effect,
    PolicyError,
    PolicyType,
    Principal,
    Request,
    access_denied_message,
)
from iam_policy.parse import parse_policy
from iam_policy.statement import Policy, PolicySet

__all__ = [
    "ContextValue",
    "Decision",
    "Effect",
    "Policy",
    "PolicyError",
    "PolicySet",
    "PolicyType",
    "Principal",
    "Request",
    "access_denied_message",
    "evaluate",
    "parse_policy",
]
