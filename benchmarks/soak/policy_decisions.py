"""Random policies and requests: ``iam_policy`` and an evaluator written apart decide alike.

``python -m benchmarks.soak.policy_decisions [PAIRS]``; 50,000 are the default.
"""

import json
import random
import sys
from collections import Counter
from typing import Any

from benchmarks.soak.policy_oracle import Case, decide
from iam_policy import PolicySet, PolicyType, Principal, Request, evaluate, parse_policy

PAIRS = 50_000
ACCOUNT = "123456789012"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/tenant"
SESSION = f"arn:aws:sts::{ACCOUNT}:assumed-role/tenant/ann"
USER = f"arn:aws:iam::{ACCOUNT}:user/ann"
ACTIONS = ("s3:GetObject", "s3:PutObject", "sagemaker:InvokeEndpoint")
RESOURCES = (
    "arn:aws:s3:::bucket/NewYork_NY/a",
    "arn:aws:s3:::bucket/Chicago_IL/a",
    f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:endpoint/housing",
    "arn:aws:sqs:us-east-1:999999999999:queue",
)
ACTION_PATTERNS = ("*", "s3:*", "s3:Get*", "S3:getobject", "sagemaker:Invoke*", "s3:?utObject")
RESOURCE_PATTERNS = (
    "*",
    "arn:aws:s3:::bucket/*",
    "arn:aws:s3:::bucket/${aws:PrincipalTag/City}/*",
    "arn:aws:s3:::bucket/${aws:PrincipalTag/Town, 'NewYork_NY'}/?",
    "arn:aws:s3:::bucket/New${*}*",
    f"arn:aws:sagemaker:*:{ACCOUNT}:endpoint/hous*",
    "arn:aws:sqs:*",
)
TEXTS = ("NewYork_NY", "newyork_ny", "New*", "?hicago_IL", "*", "", "${aws:PrincipalTag/City}",
         "${aws:PrincipalTag/Town, 'Chicago_IL'}", "${aws:none}", "a${*}b", "a*b")  # fmt: skip
NUMBERS = ("0", "10", "10.0", "-1", "9.99", "1000000000000000000000", "text")
DATES = ("2026-11-27", "2026-11-27T06:00:00Z", "2026-11-27T06:00:01Z", "1795759200", "soon")
ADDRESSES = ("10.0.0.1", "10.0.0.0/8", "10.1.0.0/16", "2001:db8::1", "2001:db8::/32", "here")
ARNS = ("arn:aws:s3:::bucket", "arn:aws:s3:::b*", "arn:*:s3:*:*:*t", "arn:aws:sns:us-east-1:1:a:b",
        "arn:aws:sns:*:1:a*", "bucket")  # fmt: skip
BINARIES = ("aGk=", "aGk", "aG8=")
OPERANDS: dict[str, tuple[str, ...]] = {
    "StringEquals": TEXTS,
    "StringNotEquals": TEXTS,
    "StringEqualsIgnoreCase": TEXTS,
    "StringNotEqualsIgnoreCase": TEXTS,
    "StringLike": TEXTS,
    "StringNotLike": TEXTS,
    "NumericEquals": NUMBERS,
    "NumericNotEquals": NUMBERS,
    "NumericLessThan": NUMBERS,
    "NumericGreaterThanEquals": NUMBERS,
    "DateEquals": DATES,
    "DateNotEquals": DATES,
    "DateLessThanEquals": DATES,
    "DateGreaterThan": DATES,
    "Bool": ("true", "false", "TRUE", "maybe"),
    "BinaryEquals": BINARIES,
    "IpAddress": ADDRESSES,
    "NotIpAddress": ADDRESSES,
    "ArnEquals": ARNS,
    "ArnLike": ARNS,
    "ArnNotLike": ARNS,
}
INVALID = ("text", "soon", "here", "bucket", "maybe", "aGk")
"""Values that a policy may not have, but a request may."""
KEYS = ("aws:PrincipalTag/City", "aws:TagKeys", "sagemaker:TargetModel", "aws:none")


def draw_case(draw: random.Random) -> Case:
    """A request with the policies that bear on it."""
    kinds = draw.choice((TEXTS, TEXTS, NUMBERS, DATES, ADDRESSES, ARNS, ("true", "false", "x")))
    context: dict[str, Any] = {}
    if draw.random() < 0.7:
        context["aws:PrincipalTag/City"] = draw.choice(("NewYork_NY", "Chicago_IL", "*", "New*"))
    if draw.random() < 0.6:
        context["aws:TagKeys"] = [draw.choice(kinds) for _ in range(draw.randint(0, 3))]
    if draw.random() < 0.7:
        context["SageMaker:targetmodel"] = draw.choice(kinds)
    caller, role = draw.choice(((SESSION, ROLE), (USER, None)))
    sessions = draw.choice((None, 0, 1)) if role else None
    return Case(
        draw.choice(ACTIONS),
        draw.choice(RESOURCES),
        caller,
        role,
        ACCOUNT,
        context,
        [_document(draw) for _ in range(draw.randint(0, 2))],
        _document(draw) if draw.random() < 0.3 else None,
        None if sessions is None else [_document(draw) for _ in range(sessions)],
        _document(draw, principals=True) if draw.random() < 0.5 else None,
        draw.random() < 0.3,
    )


def _document(draw: random.Random, *, principals: bool = False) -> dict[str, Any]:
    statements = [_statement(draw, principals=principals) for _ in range(draw.randint(1, 3))]
    return {"Version": "2012-10-17", "Statement": statements}


def _statement(draw: random.Random, *, principals: bool) -> dict[str, Any]:
    statement: dict[str, Any] = {"Effect": draw.choice(("Allow", "Allow", "Allow", "Deny"))}
    element = draw.choice(("Action", "Action", "Action", "NotAction"))
    statement[element] = draw.sample(ACTION_PATTERNS, draw.randint(1, 2))
    element = draw.choice(("Resource", "Resource", "Resource", "NotResource"))
    statement[element] = draw.sample(RESOURCE_PATTERNS, draw.randint(1, 2))
    if draw.random() < 0.6:
        statement["Condition"] = dict(_condition(draw) for _ in range(draw.randint(1, 2)))
    if principals:
        named = (ACCOUNT, f"arn:aws:iam::{ACCOUNT}:root", ROLE, SESSION, USER, "999999999999")
        some = {"AWS": draw.sample(named, draw.randint(1, 2))}
        statement["Principal"] = draw.choice(("*", {"AWS": "*"}, some, some, some))
    return statement


def _condition(draw: random.Random) -> tuple[str, dict[str, Any]]:
    key = draw.choice(KEYS)
    if draw.random() < 0.1:
        return "Null", {key: draw.choice(("true", "false", True))}
    operator = draw.choice(list(OPERANDS))
    valid = [value for value in OPERANDS[operator] if value not in INVALID]
    values = draw.sample(valid, min(len(valid), draw.randint(1, 2)))
    prefix = draw.choice(("", "", "ForAllValues:", "ForAnyValue:"))
    return f"{prefix}{operator}{draw.choice(('', '', 'IfExists'))}", {key: values}


def decision(case: Case) -> str:
    """What ``iam_policy`` decides."""

    def parsed(document: Any, kind: PolicyType) -> Any:
        return None if document is None else parse_policy(document, kind.name, kind)

    policies = PolicySet(
        tuple(parsed(document, PolicyType.IDENTITY) for document in case.identity),
        parsed(case.of_resource, PolicyType.RESOURCE),
        parsed(case.boundary, PolicyType.BOUNDARY),
        None
        if case.session is None
        else tuple(parsed(d, PolicyType.SESSION) for d in case.session),
        case.must_allow,
    )
    principal = Principal(case.caller, case.account, case.role)
    request = Request(case.action, case.resource, principal, case.context)
    return evaluate(policies, request).effect.value


def run(pairs: int, seed: int = 0) -> list[str]:
    """Every pair that is decided otherwise, a line each; prints how the pairs were decided."""
    draw = random.Random(seed)
    outcomes: Counter[str] = Counter()
    differences = []
    for _ in range(pairs):
        case = draw_case(draw)
        ours, other = decision(case), decide(case)
        outcomes[ours] += 1
        if ours != other:
            differences.append(f"{ours}, not {other}: {json.dumps(vars(case))}")
    shown = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(outcomes.items()))
    print(f"{pairs:,} pairs: {shown}; {len(differences)} decided otherwise")
    return differences


if __name__ == "__main__":
    found = run(int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS)
    print("\n".join(found[:20]))
    sys.exit(bool(found))
