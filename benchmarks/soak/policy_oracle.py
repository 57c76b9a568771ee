"""IAM's evaluation once more, written apart from ``iam_policy`` to be compared with it.

Plain dictionaries and recursion, nothing compiled or remembered. After
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html and
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
"""

import base64
import ipaddress
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

Document = Mapping[str, Any]
Context = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One request and all policies that bear on it, as JSON values."""

    action: str
    resource: str
    caller: str
    role: str | None
    account: str
    context: dict[str, Any]
    identity: list[Document] = field(default_factory=list)
    boundary: Document | None = None
    session: list[Document] | None = None
    of_resource: Document | None = None
    must_allow: bool = False


def decide(case: Case) -> str:
    """``allowed``, ``explicitDeny`` or ``implicitDeny``."""
    context = {key.lower(): value for key, value in case.context.items()}

    def matching(documents: Sequence[Document], effect: str) -> list[Document]:
        return [
            statement
            for document in documents
            for statement in _list(document["Statement"])
            if statement["Effect"] == effect and _applies(statement, case, context)
        ]

    limits = [[case.boundary]] if case.boundary is not None else []
    limits += [case.session] if case.session is not None else []
    everything = [*case.identity, *(document for limit in limits for document in limit)]
    of_resource = [case.of_resource] if case.of_resource is not None else []
    named = [s for s in matching(of_resource, "Deny") if _named(s, case)]
    if matching(everything, "Deny") or named:
        return "explicitDeny"
    limited = all(matching(limit, "Allow") for limit in limits)
    by_identity = bool(matching(case.identity, "Allow")) and limited
    grants = {_named(s, case) for s in matching(of_resource, "Allow")} - {""}
    owner = case.resource.split(":")[4]
    if owner not in ("", case.account):  # another account: both sides have to allow
        return "allowed" if grants and by_identity else "implicitDeny"
    if "itself" in grants:
        return "allowed"
    if "role" in grants:
        return "allowed" if limited else "implicitDeny"
    if case.must_allow and not grants:
        return "implicitDeny"
    return "allowed" if by_identity else "implicitDeny"


def _named(statement: Document, case: Case) -> str:
    """How a resource's statement names the caller: itself, role, account, or not at all."""
    principal = statement["Principal"]
    ids = ["*"] if principal == "*" else _list(principal.get("AWS", []))
    if "*" in ids or case.caller in ids:
        return "itself"
    if case.role in ids:
        return "role"
    root = f"arn:aws:iam::{case.account}:root"
    return "account" if case.account in ids or root in ids else ""


def _applies(statement: Document, case: Case, context: Context) -> bool:
    actions = [str(a).lower() for a in _list(statement.get("Action", statement.get("NotAction")))]
    about = any(glob(action, case.action.lower()) for action in actions)
    if about == ("NotAction" in statement):
        return False
    resources = _list(statement.get("Resource", statement.get("NotResource")))
    about = any(_resource_matches(resource, case.resource, context) for resource in resources)
    if about == ("NotResource" in statement):
        return False
    return all(
        _holds(operator, key, _list(values), context)
        for operator, keys in statement.get("Condition", {}).items()
        for key, values in keys.items()
    )


def _resource_matches(pattern: str, resource: str, context: Context) -> bool:
    return any(glob(text, resource) for text in _substituted(pattern, context))


def _substituted(text: str, context: Context) -> list[str]:
    """The text with its variables replaced, wildcards in their values quoted; none without one."""

    def value(match: re.Match[str]) -> str:
        name, _, default = match[1].partition(",")
        if name in ("*", "?", "$"):
            return f"\0{name}" if name != "$" else "$"
        found = context.get(name.strip().lower(), default.strip().strip("'") if default else None)
        if not isinstance(found, str):
            raise LookupError
        return re.sub(r"([*?])", "\0\\1", found)

    try:
        return [re.sub(r"\$\{([^}]*)\}", value, text)]
    except LookupError:
        return []


def glob(pattern: str, text: str, single: str = "") -> bool:
    """``*`` and ``?``; a character after a null byte is itself. ``single``: what none matches."""
    reached = {0}
    position = 0
    while position < len(pattern):
        symbol = pattern[position]
        position += 1
        if symbol == "*":
            reached = {
                end
                for start in reached
                for end in range(start, len(text) + 1)
                if not single or single not in text[start:end]
            }
            continue
        if symbol == "\0":
            symbol, position = pattern[position], position + 1
            reached = {at + 1 for at in reached if text[at : at + 1] == symbol}
        elif symbol == "?":
            reached = {at + 1 for at in reached if at < len(text) and text[at] != single}
        else:
            reached = {at + 1 for at in reached if text[at : at + 1] == symbol}
        if not reached:
            return False
    return len(text) in reached


def _holds(operator: str, key: str, wanted: list[Any], context: Context) -> bool:
    key = key.lower()
    found = context.get(key)
    if found == [] or found == ():
        found = None
    if operator == "Null":
        return any((found is None) == (str(value).lower() == "true") for value in wanted)
    quantifier, _, bare = operator.rpartition(":")
    optional = bare.endswith("IfExists")
    bare = bare.removesuffix("IfExists")
    negated = "Not" in bare
    if found is None:
        if quantifier:
            return quantifier == "ForAllValues"
        return optional or negated
    values = [found] if isinstance(found, str) else list(found)
    test = _TESTS[bare.replace("Not", "", 1)]
    texts = [text for value in wanted for text in _operands(bare, _plain(value), context)]

    def equal(value: str) -> bool:
        return any(_safely(test, value, text) for text in texts)

    if quantifier == "ForAllValues":
        return not any(values) or all(equal(value) != negated for value in values)
    if quantifier == "ForAnyValue":
        return any(values) and any(equal(value) != negated for value in values)
    return any(equal(value) for value in values) != negated


def _operands(operator: str, value: str, context: Context) -> list[str]:
    return _substituted(value, context) if operator.startswith(("String", "Arn")) else [value]


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _safely(test: Callable[[str, str], bool], value: str, wanted: str) -> bool:
    try:
        return test(value, wanted)
    except (ValueError, OverflowError):
        return False


def _literal(text: str) -> str:
    return text.replace("\0", "")


def _number(text: str) -> Fraction:
    if not re.fullmatch(r"[+-]?[0-9]+(\.[0-9]+)?", text):
        raise ValueError(text)
    return Fraction(text)


def _moment(text: str) -> float:
    if re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()
    if re.fullmatch(r"[0-9-]{10}T[0-9:]{8}Z", text):
        return datetime.fromisoformat(text).timestamp()
    return float(_number(text))


def _arn(value: str, pattern: str) -> bool:
    parts, wanted = value.split(":", 5), pattern.split(":", 5)
    if len(parts) != 6 or len(wanted) != 6:
        return False
    return all(glob(w, p, ":") for w, p in zip(wanted[:5], parts[:5], strict=True)) and glob(
        wanted[5], parts[5]
    )


def _within(value: str, wanted: str) -> bool:
    one, net = ipaddress.ip_network(value, False), ipaddress.ip_network(wanted, False)
    return one.version == net.version and one.network_address in net


_TESTS: dict[str, Callable[[str, str], bool]] = {
    "StringEquals": lambda value, wanted: value == _literal(wanted),
    "StringEqualsIgnoreCase": lambda value, wanted: value.lower() == _literal(wanted).lower(),
    "StringLike": lambda value, wanted: glob(wanted, value),
    "NumericEquals": lambda value, wanted: _number(value) == _number(wanted),
    "NumericLessThan": lambda value, wanted: _number(value) < _number(wanted),
    "NumericLessThanEquals": lambda value, wanted: _number(value) <= _number(wanted),
    "NumericGreaterThan": lambda value, wanted: _number(value) > _number(wanted),
    "NumericGreaterThanEquals": lambda value, wanted: _number(value) >= _number(wanted),
    "DateEquals": lambda value, wanted: _moment(value) == _moment(wanted),
    "DateLessThan": lambda value, wanted: _moment(value) < _moment(wanted),
    "DateLessThanEquals": lambda value, wanted: _moment(value) <= _moment(wanted),
    "DateGreaterThan": lambda value, wanted: _moment(value) > _moment(wanted),
    "DateGreaterThanEquals": lambda value, wanted: _moment(value) >= _moment(wanted),
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
    "BinaryEquals": lambda value, wanted: base64.b64decode(value) == base64.b64decode(wanted),
    "IpAddress": _within,
    "ArnEquals": _arn,
    "ArnLike": _arn,
}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
